import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { importOf } from '../helpers/client-options.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assemblyOf, KEYS, LOADS_ALL, opened } from '../helpers/loading-stack.ts';
import { NOTHING_FAILED } from '../helpers/nothing-failed.ts';

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a lake closed in the middle of its work', { timeout: 30_000 }, () => {
  test('goes on with it when opened again', async () => {
    const dir = temporaryFolder();
    let started = (): void => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const hanging = `export const handler = () => new Promise(() => setInterval(() => {}, 1000));`;
    const first = await opened(hanging, { dir, hooks: { onInvocation: () => started() } });
    await first.put('a', 'b');
    await first.lake.putLogEvents('/app', 's', [{ timestamp: 1, message: 'x' }]);
    await running;
    await first.lake.close();
    const second = await opened(
      `export const handler = async (event) => { for (const record of event.Records ?? ['event']) report(record.attributes?.ApproximateReceiveCount ?? record); };`,
      { dir },
    );
    expect(await second.lake.drain()).toEqual(NOTHING_FAILED);
    expect(second.reported().sort()).toEqual(['1', '1', 'event']);
  });
});

describe('a lake killed in the middle of its work', { timeout: 30_000 }, () => {
  test('leaves no process behind, and goes on with it when opened again', async () => {
    const dir = temporaryFolder();
    const assembly = assemblyOf(dir, `export const handler = () => new Promise(() => setInterval(() => {}, 1000));`);
    writeFileSync(join(dir, 'input'), 'hello');
    const script = `
      const { openStack } = await import(${JSON.stringify(new URL('../../local/open-stack.ts', import.meta.url).href)});
      const hooks = { onInvocation: ({ pid }) => console.log(pid) };
      const lake = await openStack({ dir: ${JSON.stringify(dir)}, assembly: ${JSON.stringify(assembly)}, hooks });
      await lake.putObject('landing', 'k', ${JSON.stringify(join(dir, 'input'))});`;
    const lake = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void lake.kill('SIGKILL'));
    const pid = Number(await new Promise((resolve) => lake.stdout.once('data', resolve)));
    expect(isRunning(pid)).toBe(true);
    lake.kill('SIGKILL');
    await expect.poll(() => isRunning(pid)).toBe(false);
    const { lake: again, reported } = await opened(LOADS_ALL, { dir });
    expect(await again.drain()).toEqual(NOTHING_FAILED);
    expect(reported()).toEqual(['k']);
  });
});

describe('hooks', { timeout: 30_000 }, () => {
  test('tell the process of each invocation, and see each request before the service', async () => {
    const seen: string[] = [];
    let kills = 0;
    const { lake, put, reported } = await opened(
      `import s3 from ${importOf('client-s3')};
      ${KEYS} export const handler = async (event) => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        const get = new s3.GetObjectCommand({ Bucket: 'landing', Key: keysOf(event)[0] });
        const error = await new s3.S3Client({ maxAttempts: 1 }).send(get).catch((error) => error);
        report(error.$metadata.httpStatusCode);
      };`,
      {
        hooks: {
          onInvocation: ({ pid }) => {
            if (kills++ === 0) process.kill(pid, 'SIGKILL');
          },
          intercept: (service, request, response) => {
            seen.push(`${service} ${request.method} ${request.url}`);
            response.writeHead(503).end();
            return true;
          },
        },
      },
    );
    await put('k');
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    expect(kills).toBe(2);
    expect(reported()).toEqual([503]);
    expect(seen).toEqual(['S3 GET /landing/k?x-id=GetObject']);
  });
});
