/** Files of a lake's folder that cannot be read: each is set aside under another name, and the rest of the lake opens. */
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/** A file or folder that was set aside. */
export interface Damage {
  /** Path within the lake's folder. */
  readonly file: string;
  /** What it stood for: `a message of queue load-objects`. */
  readonly what: string;
}

/** Renames a file or folder of a lake that cannot be read. */
export function setAside(path: string): void {
  renameSync(path, asideOf(path));
}

/** A free name for what is set aside: that of the file with `.damaged` after it, and a number if there are several. */
export function asideOf(path: string): string {
  let aside = `${path}${ASIDE}`;
  for (let count = 2; existsSync(aside); count++) aside = `${path}${ASIDE}-${count}`;
  return aside;
}

const ASIDE = '.damaged';

/** Whether a name is one that something was set aside under. */
export function isSetAside(name: string): boolean {
  return /\.damaged(-\d+)?$/.test(name);
}

/** What was set aside in a lake's folder and is still there. */
export function damageIn(dir: string): Damage[] {
  const found: Damage[] = namesIn(dir)
    .filter(isSetAside)
    .map((name) => ({ file: name, what: 'entries of the ledger, and pages of the duplicate check' }));
  for (const [part, what] of Object.entries(PARTS)) {
    for (const owner of namesIn(join(dir, part))) {
      for (const name of namesIn(join(dir, part, owner)).filter(isSetAside)) {
        found.push({ file: join(part, owner, name), what: what(owner, name) });
      }
    }
  }
  return found;
}

/** What a file of each part of the folder stands for, by the folder that has it and its name. */
const PARTS: Readonly<Record<string, (owner: string, name: string) => string>> = {
  queues: (queue) => `a message of queue ${queue}`,
  invocations: (fn, name) => {
    const [, count] = /\.(\d+)-events\./.exec(name) ?? [];
    return count === undefined ? `an event of function ${fn}` : `${count} log events for function ${fn}`;
  },
  uploads: (upload) => `multipart upload ${upload}`,
  firehose: (stream, name) => {
    const [, count] = /\.(\d+)-records\./.exec(name) ?? [];
    return `${count ?? 'an unknown number of'} records of stream ${stream}`;
  },
};

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
