import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('./bundle-process.ts', import.meta.url));

const bundles = new Map<string, string>();

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
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bundle-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const args = ['--disable-warning=ExperimentalWarning', PROCESS, entry, folder];
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  bundles.set(entry, folder);
  return folder;
}
