/** Programs of others that answer each line of their input with a line. */
import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface LineProcess {
  /** One question after the other. @throws Error with the end of the log if the program has ended */
  ask(line: string): Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts a program. It ends with this process, if nobody closes it.
 *
 * @param logFile gets what the program writes to standard error
 */
export function startLineProcess(
  program: string,
  args: readonly string[],
  { env, logFile }: { readonly env: NodeJS.ProcessEnv; readonly logFile: string },
): LineProcess {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stderr.pipe(createWriteStream(logFile));
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  // A program that ends early closes its input, and its log says why.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (line) => {
      child.stdin.write(`${line}\n`);
      const { value, done } = await lines.next();
      if (!done) return value;
      throw new Error(
        `${program}: expected an answer, and it has ended: ${readFileSync(logFile, 'utf8').slice(-3000)}`,
      );
    },
    close: async () => {
      process.off('exit', stop);
      // It ends by itself when its input does.
      child.stdin.end();
      await ended;
    },
  };
}
