import { appendFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isObject } from '../template/intrinsics.ts';

/** A function's log is started afresh at this size; the one before it is kept beside it. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** What a function's processes print, in one bounded file. */
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

/** Finds, in what a process prints during an invocation, the line that says what went wrong. */
export class ErrorFinder {
  #rest = '';
  #logged: string | undefined;
  #plain: string | undefined;

  /** A structured error, the last one, before plain text, of which the first line says most. */
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

/** A line's end holds its closing bracket; of one that is longer only that is kept. */
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
