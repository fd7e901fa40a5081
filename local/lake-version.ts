/** Which version of Tributary a lake's folder is of: what a folder holds changes between versions, as nothing migrates it. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing, writeDurable } from './files.ts';

/** File of a lake's folder with the version that made it. */
export const VERSION_FILE = 'version.json';

/** The first version whose folders this one can open. */
const OLDEST_READABLE = '0.4.0';

/** What a lake that has taken anything in has in its folder. */
const STATE = ['buckets', 'objects', 'dynamodb', 'queues', 'firehose'];

/** A lake's folder that this version cannot open. */
export class LakeVersionError extends Error {
  override readonly name = 'LakeVersionError';
}

/**
 * Checks that this version can open the folder. A folder without a lake's data passes, and so does one whose version
 * cannot be read: versions that wrote none are too old, this file is only damaged.
 *
 * @throws LakeVersionError with the folder's version, this version, and what to do
 */
export function checkLakeVersion(dir: string): void {
  if (!STATE.some((name) => existsSync(join(dir, name)))) return;
  const found = versionOf(dir);
  const own = ownVersion();
  if (found === 'unreadable') return;
  if (found === undefined || compare(found, OLDEST_READABLE) < 0) {
    throw new LakeVersionError(
      `lake ${dir} was made by ${found === undefined ? 'a version before 0.2.0' : `version ${found}`}; ` +
        `version ${own} opens lakes of ${OLDEST_READABLE} and later. ` +
        'Give another folder with --lake and load the files again, or delete this one',
    );
  }
  if (compare(found, own) <= 0) return;
  throw new LakeVersionError(
    `lake ${dir} was last opened by version ${found}, which is newer than this version ${own}: ` +
      'update Tributary, or give another folder with --lake',
  );
}

/**
 * Notes this version as the last that opened the folder, once `checkLakeVersion` has passed and before the folder gets any
 * data.
 */
export async function writeLakeVersion(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const version = ownVersion();
  if (versionOf(dir) !== version) await writeDurable(join(dir, VERSION_FILE), `${JSON.stringify({ version })}\n`);
}

/** The version in a folder, undefined if it has none. */
function versionOf(dir: string): string | 'unreadable' | undefined {
  try {
    const { version } = JSON.parse(readFileSync(join(dir, VERSION_FILE), 'utf8')) as { version?: unknown };
    return typeof version === 'string' && /^\d+\.\d+\.\d+$/.test(version) ? version : 'unreadable';
  } catch (error) {
    return isMissing(error) ? undefined : 'unreadable';
  }
}

function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

function compare(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number)) as [number[], number[]];
  return a.map((part, index) => part - (b[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
}
