import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('./bundle-process.ts', import.meta.url));
const LAMBDAS = fileURLToPath(new URL('../lambdas/', import.meta.url));

/**
 * Folder in which processes share their bundles, so that one makes them for all: the tests start hundreds. The packages must
 * stay as they are meanwhile; a changed source is noticed.
 */
const SHARED = process.env.TRIBUTARY_BUNDLES;

/** The folder of all bundles, once they are made. */
let bundles: string | undefined;

const withFiles = new Map<string, string>();

/** Texts by the names of files. */
export type Files = Readonly<Record<string, string>>;

/**
 * A bundle with files beside its code. Another text in one of them makes another asset.
 *
 * @throws esbuild's error for sources that do not build
 */
export function bundleWith(entry: string, files: Files): string {
  const bare = bundle(entry);
  if (Object.keys(files).length === 0) return bare;
  const key = JSON.stringify([entry, files]);
  const existing = withFiles.get(key);
  if (existing) return existing;
  const folder = newFolder();
  cpSync(bare, folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  withFiles.set(key, folder);
  return folder;
}

/**
 * Bundles a handler under lambdas/ into one ES module, `index.mjs`, and its source map. Returns the folder, which is
 * deleted when the process exits. The same sources give the same bytes wherever they are, so an asset changes only if its
 * sources do.
 *
 * @throws Error for sources that do not build; esbuild says why on stderr
 */
export function bundle(entry: string): string {
  bundles ??= makeBundles();
  return join(bundles, entry);
}

/**
 * Makes the bundles of all handlers at once: they share most sources, which esbuild then reads once. Constructs cannot wait
 * for a promise, and esbuild's plugins need one: another process makes them.
 */
function makeBundles(): string {
  const shared = SHARED === undefined ? undefined : join(SHARED, sourcesHash());
  if (shared !== undefined && existsSync(shared)) return shared;
  const folder = newFolder();
  const args = ['--disable-warning=ExperimentalWarning', PROCESS, folder];
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (shared === undefined) return folder;
  try {
    // In one step, so that others see all bundles or none.
    renameSync(folder, shared);
    return shared;
  } catch {
    // Another process was first.
    return folder;
  }
}

/** Of all that a bundle is made from, but for packages. */
function sourcesHash(): string {
  const hash = createHash('sha256').update(readFileSync(PROCESS));
  for (const entry of readdirSync(LAMBDAS, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile()) hash.update(`\0${file}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** A folder that is deleted when the process exits. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bundle-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
