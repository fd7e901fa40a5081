import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lockFolder } from '../../local/lock.ts';
import { temporaryFolder } from './assembly.ts';

test('a folder in use is refused, with the process that has it', () => {
  const dir = temporaryFolder();
  lockFolder(dir);
  expect(() => lockFolder(dir)).toThrow(`lake ${dir} is in use by process ${process.pid}`);
});

test('a folder released is free again, and holds no lock', () => {
  const dir = temporaryFolder();
  lockFolder(dir).release();
  expect(readdirSync(dir)).toEqual([]);
  expect(() => lockFolder(dir)).not.toThrow();
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
  writeFileSync(join(dir, 'lock'), JSON.stringify({ pid: process.pid, started: '1' }));
  expect(() => lockFolder(dir)).not.toThrow();
});

test('a lock cut short by a crash is taken over', () => {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'lock'), '{"pi');
  expect(() => lockFolder(dir)).not.toThrow();
});
