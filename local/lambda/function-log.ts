import { appendFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isObject } from '../template/intrinsics.ts';

/** A function's log is started anew at this size; one previous log is kept. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** The output of a function's processes, in one file of limited size. */
export class FunctionLog {
  readonly #file: string;
  #size: number;

  constructor(file: string) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true });
    this.#size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  write(text: Buffer | string): void {
    if (this.#size > MAX_LOG_BYTES) {
      rmSync(`${this.#file}.1`, { force: true });
      renameSync(this.#file, `${this.#file}.1`);
      this.#size = 0;
    }
    appendFileSync(this.#file, text);
    this.#size += Buffer.byteLength(text);
  }
}

/** Finds the line with the error in what a process prints during an invocation. */
export class ErrorFinder {
  #rest = '';
  #logged: string | undefined;
  #plain: string | undefined;

  /** The last structured error, or else the first line of plain text that looks like an error. */
  get found(): string | undefined {
    return this.#logged ?? this.#plain;
  }

  begin(): void {
    this.#logged = undefined;
    this.#plain = undefined;
  }

  read(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString()).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-MAX_LINE);
    for (const line of lines) {
      const entry = jsonIn(line);
      if (entry === undefined) {
        if (/^[A-Z]\w*(Error|Exception)\b/.test(line)) this.#plain ??= line;
      } else if (entry.level === 'ERROR' || entry.level === 'CRITICAL') this.#logged = textOf(entry);
    }
  }
}

/** Longest text kept of an incomplete line. Its end is kept, which contains the closing bracket of JSON. */
const MAX_LINE = 65_536;

function jsonIn(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function textOf({ message, error }: Record<string, unknown>): string {
  const cause = isObject(error) ? error.message : undefined;
  return typeof cause === 'string' ? `${String(message)}: ${cause}` : String(message);
}
