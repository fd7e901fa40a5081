/** Servers of others that a check starts, asks and ends. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than any takes on a machine that has other things to do. */
const START_SECONDS = 300;

export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** @default - that of this process */
  readonly env?: NodeJS.ProcessEnv;
  /** Gets what the server writes. */
  readonly logFile: string;
  /** Asked each second until it says so. A failure means no. */
  isReady(): Promise<boolean>;
}

/**
 * Starts a server and waits until it is ready. It ends with this process, if nobody closes it.
 *
 * @throws Error with the end of its log if it ends, or is not ready in time
 */
export async function startServer(command: ServerCommand): Promise<{ close(): Promise<void> }> {
  const { program, args, cwd, env = process.env, logFile, isReady } = command;
  const log = openSync(logFile, 'w');
  const server = spawn(program, args, { cwd, env, stdio: ['ignore', log, log] });
  closeSync(log);
  const stop = () => server.kill('SIGKILL');
  process.once('exit', stop);
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()).once('error', () => resolve()));
  const close = async () => {
    process.off('exit', stop);
    stop();
    await ended;
  };
  const hasEnded = () => server.pid === undefined || server.exitCode !== null || server.signalCode !== null;
  for (let second = 0; second < START_SECONDS && !hasEnded(); second++) {
    if (await isReady().catch(() => false)) return { close };
    await sleep(1000);
  }
  await close();
  const end = readFileSync(logFile, 'utf8').slice(-3000);
  throw new Error(`${program} ${args.at(-1)}: expected it to be ready in ${START_SECONDS} seconds: ${end}`);
}

/** A port that nobody uses at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
