/** The files of dynalite's LevelDB: found out about damage before dynalite opens them, which cannot answer for it. */
import { createHash } from 'node:crypto';
import { cpSync, createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asideOf, setAside } from '../damage.ts';
import { writeAtomic } from '../files.ts';

/** The part of https://github.com/Level/level that is used here. */
interface Database {
  open(): Promise<void>;
  close(): Promise<void>;
  iterator(): AsyncIterable<unknown>;
}

/** Of dynalite's own copy of the library: whether that can read the files is the question. */
const { Level }: { Level: new (dir: string, options: { valueEncoding: 'json' }) => Database } = createRequire(
  import.meta.resolve('dynalite'),
)('level');

/** Name of the file with what the others were when the database was closed. */
const NOTED = 'closed.json';

/**
 * Checks a database before it is opened. If its files are no longer what they were when it was closed, a copy is set
 * aside, and what LevelDB can read remains. If it can read nothing, all is set aside, and the database begins empty.
 */
export async function checkDatabase(dir: string): Promise<void> {
  const names = filesIn(dir);
  if (names.length === 0) return;
  const noted = notedIn(dir);
  if (noted !== undefined && sameFiles(noted, await digests(dir))) {
    // From here on the files change, and a process that dies cannot note what they are then.
    rmSync(join(dir, NOTED));
    return;
  }
  if (noted !== undefined) cpSync(dir, asideOf(dir), { recursive: true });
  rmSync(join(dir, NOTED), { force: true });
  // Without this file, LevelDB would take the others for leftovers and delete them.
  if (names.includes('CURRENT') && (await isReadable(dir))) return;
  if (noted === undefined) setAside(dir);
  else rmSync(dir, { recursive: true });
  mkdirSync(dir);
}

/** Notes what the files of a database are that was just closed. */
export async function noteFiles(dir: string): Promise<void> {
  await writeAtomic(join(dir, NOTED), JSON.stringify(Object.fromEntries(await digests(dir))));
}

async function isReadable(dir: string): Promise<boolean> {
  const database = new Level(dir, { valueEncoding: 'json' });
  try {
    await database.open();
    for await (const _entry of database.iterator()) {
      // LevelDB checks each block when it is read.
    }
    return true;
  } catch {
    return false;
  } finally {
    await database.close();
  }
}

/** The files with data. LevelDB's own log of what it does has its time in it, and its lock nothing. */
function filesIn(dir: string): string[] {
  return readdirSync(dir).filter((name) => !['LOCK', 'LOG', 'LOG.old', NOTED].includes(name) && !name.endsWith('.tmp'));
}

async function digests(dir: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of filesIn(dir)) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(dir, name)), hash);
    found.set(name, hash.digest('hex'));
  }
  return found;
}

function notedIn(dir: string): Readonly<Record<string, unknown>> | undefined {
  if (!existsSync(join(dir, NOTED))) return undefined;
  try {
    return Object(JSON.parse(readFileSync(join(dir, NOTED), 'utf8')));
  } catch {
    return {};
  }
}

function sameFiles(noted: Readonly<Record<string, unknown>>, found: ReadonlyMap<string, string>): boolean {
  return Object.keys(noted).length === found.size && [...found].every(([name, digest]) => noted[name] === digest);
}
