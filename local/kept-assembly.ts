/**
 * Knows whether a lake's cloud assembly is the one that synthesizing would make now, so that it need not be made again.
 * Beside the assembly is a file with a hash of everything that it was made from, and with the hash of each of its files:
 * a changed source, another package and a damaged bundle are all noticed, whatever times the files have.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isObject } from './template/intrinsics.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** Folders all of whose files an assembly is made from. */
const SOURCES = ['lib', 'lambdas'];

/**
 * Files besides them: the configuration, what is installed according to npm, and what esbuild reads. A package that is
 * edited where it is installed is not noticed.
 */
const FILES = [
  'bin/app.ts',
  'cdk.json',
  'package.json',
  'package-lock.json',
  'node_modules/.package-lock.json',
  'tsconfig.json',
];

/** Variables of the environment that CDK, jsii and esbuild read. */
const VARIABLES = /^(?:CDK_|JSII_|ESBUILD_|NODE_ENV$|NODE_PATH$)/;

/** What an assembly is made from. */
export interface AssemblyInputs {
  /** Context params that override those of cdk.json. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Folder of the repository. */
  readonly root?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The hash of what an assembly is made from. */
export function inputsHash({ context, root = ROOT, env = process.env }: AssemblyInputs): string {
  const hash = createHash('sha256');
  const add = (name: string, value: string | Buffer) => {
    hash.update(`${name}\0${value.length}\0`).update(value).update('\0');
  };
  for (const name of [...SOURCES.flatMap((folder) => filesIn(join(root, folder), folder)), ...FILES]) {
    const file = join(root, name);
    if (existsSync(file)) add(name, readFileSync(file));
  }
  const variables = Object.entries(env).filter(([name]) => VARIABLES.test(name));
  add('context', JSON.stringify(context));
  add('environment', JSON.stringify(variables.toSorted(([one], [other]) => (one < other ? -1 : 1))));
  add('node', `${process.version} ${process.platform} ${process.arch}`);
  return hash.digest('hex');
}

/** File of an assembly's folder with what `writeKept` notes. */
const KEPT = 'tributary-kept.json';

interface Kept {
  readonly inputs: string;
  readonly stackName: string;
  /** SHA-256 of each file, by its path in the folder. */
  readonly files: Readonly<Record<string, string>>;
}

/** Notes what an assembly was made from. It must be complete, and not in its place yet: a process may die meanwhile. */
export function writeKept(assembly: string, inputs: string, stackName: string): void {
  const files = Object.fromEntries(filesIn(assembly).map((name) => [name, hashOf(join(assembly, name))]));
  writeFileSync(join(assembly, KEPT), JSON.stringify({ inputs, stackName, files } satisfies Kept));
}

/** Name of the stack in an assembly that was made from these inputs and is as it was made; undefined if it is not. */
export function keptStackName(assembly: string, inputs: string): string | undefined {
  try {
    const kept: unknown = JSON.parse(readFileSync(join(assembly, KEPT), 'utf8'));
    if (!isObject(kept) || kept.inputs !== inputs || !isObject(kept.files)) return undefined;
    const isWhole = Object.entries(kept.files).every(([name, hash]) => hashOf(join(assembly, name)) === hash);
    return isWhole && typeof kept.stackName === 'string' ? kept.stackName : undefined;
  } catch {
    // A file that is missing or cannot be read: the assembly is made anew.
    return undefined;
  }
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** The files below a folder in a fixed order, each with `prefix` before its path. */
function filesIn(folder: string, prefix = ''): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(prefix, relative(folder, join(entry.parentPath, entry.name))))
    .toSorted();
}
