import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lockFolder, openLocked } from '../../local/lock.ts';
import { temporaryFolder } from '../helpers/folder.ts';

test('a folder in use is refused, with the process that has it', () => {
  const dir = temporaryFolder();
  lockFolder(dir);
  expect(() => lockFolder(dir)).toThrow(`lake ${dir} is in use by process ${process.pid}`);
});

test('a folder released is free again, and holds no lock', () => {
  const dir = temporaryFolder();
  lockFolder(dir).release();
  expect(readdirSync(join(dir, 'locks'))).toEqual([]);
  expect(() => lockFolder(dir)).not.toThrow();
});

test('a folder is only for its owner, and becomes so if others could read it', () => {
  const dir = join(temporaryFolder(), 'lake');
  lockFolder(dir).release();
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  chmodSync(dir, 0o755);
  lockFolder(dir).release();
  expect(statSync(dir).mode & 0o777).toBe(0o700);
});

test('what is opened in a folder holds its lock until it is closed', async () => {
  const dir = temporaryFolder();
  const opened = await openLocked(dir, async () => ({ value: 1, close: async () => {} }));
  expect(opened.value).toBe(1);
  await expect(openLocked(dir, async () => opened)).rejects.toThrow('is in use by process');
  await opened.close();
  expect(readdirSync(join(dir, 'locks'))).toEqual([]);
});

test('a folder in which nothing could be opened is free again', async () => {
  const dir = temporaryFolder();
  await expect(openLocked(dir, () => Promise.reject(new Error('no stack')))).rejects.toThrow('no stack');
  expect(readdirSync(join(dir, 'locks'))).toEqual([]);
});

test('the lock of a process killed is taken over', async () => {
  const dir = temporaryFolder();
  const module = JSON.stringify(new URL('../../local/lock.ts', import.meta.url).href);
  const script = `const { lockFolder } = await import(${module}); lockFolder(${JSON.stringify(dir)}); console.log('locked'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  expect(() => lockFolder(dir)).toThrow(`in use by process ${child.pid}`);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  expect(() => lockFolder(dir)).not.toThrow();
});

test.runIf(process.platform === 'linux')('a process that only has the id of the one that died does not count', () => {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'locks'));
  writeFileSync(join(dir, 'locks', `${process.pid}-1`), '');
  expect(() => lockFolder(dir)).not.toThrow();
});

test('of several processes that come for the lock of a dead one at the same moment, one gets it', {
  timeout: 30_000,
}, async () => {
  const module = JSON.stringify(new URL('../../local/lock.ts', import.meta.url).href);
  // A round for each line it reads: the folder, and when all are to begin.
  const script = `
    const { createInterface } = await import('node:readline');
    const { lockFolder } = await import(${module});
    for await (const line of createInterface({ input: process.stdin })) {
      const { dir, at } = JSON.parse(line);
      while (Date.now() < at);
      try { lockFolder(dir); console.log('locked'); } catch (error) { console.log(error.message); }
    }`;
  const racers = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  onTestFinished(() => {
    for (const racer of racers) racer.kill('SIGKILL');
  });
  for (let round = 0; round < ROUNDS; round++) {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'locks'));
    writeFileSync(join(dir, 'locks', '999999999-1'), '');
    const answers = racers.map(({ stdout }) => new Promise((resolve) => stdout.once('data', resolve)));
    for (const { stdin } of racers) stdin.write(`${JSON.stringify({ dir, at: Date.now() + 5 })}\n`);
    const told = (await Promise.all(answers)).map((answer) => String(answer).trim());
    expect(told.filter((each) => each === 'locked')).toHaveLength(1);
    expect(told.filter((each) => each.includes('is in use by process'))).toHaveLength(racers.length - 1);
  }
});

const ROUNDS = 20;
