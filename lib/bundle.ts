import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('./bundle-process.ts', import.meta.url));

const bundles = new Map<string, string>();

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
  const existing = bundles.get(key);
  if (existing) return existing;
  const folder = newFolder();
  cpSync(bare, folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  bundles.set(key, folder);
  return folder;
}

/**
 * Bundles a handler under lambdas/ into one ES module, `index.mjs`, and its source map. Returns the folder, which is
 * deleted when the process exits. The same sources give the same bytes wherever they are, so an asset changes only if its
 * sources do.
 * Constructs cannot wait for a promise, and esbuild's plugins need one: another process makes the bundle.
 *
 * @throws Error for sources that do not build; esbuild says why on stderr
 */
export function bundle(entry: string): string {
  const existing = bundles.get(entry);
  if (existing) return existing;
  const folder = newFolder();
  const args = ['--disable-warning=ExperimentalWarning', PROCESS, entry, folder];
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  bundles.set(entry, folder);
  return folder;
}

/** A folder that is deleted when the process exits. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bundle-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
