/** Finds the files that a command is given and reads each once, so that unreadable ones are known from the start. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { decompress } from '../../lambdas/core/lines/decompress.ts';
import { UnreadableError, type UnreadableReason } from '../../lambdas/core/lines/unreadable.ts';
import { messageOf } from '../../local/files.ts';
import { systemProblem } from '../output/failure.ts';
import { showProgress } from '../output/progress.ts';

/** A file that is not empty. */
export interface InputFile {
  readonly path: string;
  /** SHA-256 of its stored bytes (compressed, if the file is), in hexadecimal digits. */
  readonly sha256: string;
  /** Size on disk. */
  readonly bytes: number;
  /** Whether the user named the file, rather than a folder that contains it. */
  readonly named: boolean;
  /** Why the file cannot be read to its end; undefined if it can. */
  readonly unreadable?: UnreadableError;
}

/** The files that can be loaded, and a line for each file or folder that cannot be read, or not to its end. */
export interface Inputs {
  readonly files: readonly InputFile[];
  readonly problems: readonly string[];
  /** Files in folders that are not read, because their names are not those of logs. */
  readonly passedOver: readonly string[];
}

/** Finds files, including those in folders and their subfolders, in a fixed order. */
export async function readInputs(paths: readonly string[]): Promise<Inputs> {
  const problems: string[] = [];
  const found: FoundFile[] = [];
  const passedOver: string[] = [];
  for (const path of paths) {
    try {
      found.push(...(await filesAt(path, passedOver)));
    } catch (error) {
      problems.push(problemOf(path, error));
    }
  }
  const files: InputFile[] = [];
  // Few files are large ones.
  const countsBytes = found.length < FEW_FILES;
  const progress = countsBytes ? showProgress('read', undefined, 'bytes') : showProgress('files read', found.length);
  for (const { file, named } of found) {
    try {
      files.push(await inspect(file, named, (bytes) => countsBytes && progress.add(bytes)));
    } catch (error) {
      problems.push(problemOf(file, error));
    }
    if (!countsBytes) progress.add();
  }
  progress.end();
  for (const { path, unreadable } of files) {
    if (unreadable) problems.push(`${path}: ${unreadable.message}; ${WAY_OUT[unreadable.reason]}`);
  }
  return { files, problems, passedOver };
}

/** Of so many files the number says how far reading is. */
const FEW_FILES = 50;

/** What can be done about a file that cannot be read to its end. */
export const WAY_OUT: Readonly<Record<UnreadableReason, string>> = {
  broken_gzip: 'only the lines before the break are read; get a whole copy',
  broken_zstd: 'only the lines before the break are read; get a whole copy',
  decompression_bomb: 'only the lines before that are read',
  unreadable_content: 'none of its lines is read; give them as UTF-8 text, plain or compressed by gzip or zstd',
};

/** Names of log files in a folder; a file that the user names may have any name. */
const LOG_NAME = /\.log\b|\.(gz|zst|json|jsonl|ndjson)$/i;

/** The same for people, without the rarer ones. */
const LOG_NAMES = '*.log, *.gz, *.zst, *.json';
const GIVE_THEMSELVES = 'give the files themselves if they have other names';

/** Files that are named in a line about many. */
const MAX_NAMED = 5;

/** A line about files in folders that are not read; none if there are none. */
export function passedOverText(files: readonly string[]): string[] {
  if (files.length === 0) return [];
  const more = files.length > MAX_NAMED ? ` and ${files.length - MAX_NAMED} more` : '';
  const named = files.slice(0, MAX_NAMED).join(', ');
  return [`not read, because their names are not those of logs (${LOG_NAMES}): ${named}${more}; ${GIVE_THEMSELVES}`];
}

class InputError extends Error {}

interface FoundFile {
  readonly file: string;
  /** Whether the user named it, rather than a folder that contains it. */
  readonly named: boolean;
}

/** @param passedOver gets the files of a folder that are not read */
async function filesAt(path: string, passedOver: string[]): Promise<FoundFile[]> {
  const { isDirectory, isFile } = await kindOf(path);
  if (isFile) return [{ file: path, named: true }];
  if (!isDirectory) throw new InputError('expected a log file or a folder, got neither');
  const names = await readdir(path, { recursive: true });
  const files: string[] = [];
  for (const name of names.toSorted()) {
    const hidden = name.split('/').some((part) => part.startsWith('.'));
    const file = join(path, name);
    if (hidden || (await isFolder(file))) continue;
    (LOG_NAME.test(basename(name)) ? files : passedOver).push(file);
  }
  if (files.length === 0) {
    throw new InputError(`no logs in this folder (${LOG_NAMES}); ${GIVE_THEMSELVES}`);
  }
  return files.map((file) => ({ file, named: false }));
}

/** False for a path that cannot be read: opening it as a file gives an error message of its own. */
async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

async function kindOf(path: string): Promise<{ isFile: boolean; isDirectory: boolean }> {
  const found = await stat(path);
  return { isFile: found.isFile(), isDirectory: found.isDirectory() };
}

/** Reads the whole file as a stream, so that a large one needs little memory. @param read gets the number of bytes read */
async function inspect(path: string, named: boolean, read: (bytes: number) => void): Promise<InputFile> {
  const { size } = await stat(path);
  if (size === 0) throw new InputError('empty file; nothing to load');
  const hash = createHash('sha256');
  const body = createReadStream(path, { highWaterMark: 256 * 1024 });
  let hashed = 0;
  body.on('data', (chunk) => {
    hash.update(chunk);
    hashed += chunk.length;
    read(chunk.length);
  });
  let decoded = 0;
  let unreadable: UnreadableError | undefined;
  try {
    for await (const chunk of decompress(body, async () => undefined)) decoded += chunk.length;
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    unreadable = error;
    // What follows was not read, but belongs to the file.
    for await (const chunk of createReadStream(path, { start: hashed })) hash.update(chunk);
  }
  if (decoded === 0 && !unreadable) throw new InputError('no lines in the compressed file; nothing to load');
  return { path, sha256: hash.digest('hex'), bytes: size, named, ...(unreadable && { unreadable }) };
}

function problemOf(path: string, error: unknown): string {
  return systemProblem(error, path) ?? `${path}: ${messageOf(error)}`;
}
