import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const LAMBDAS = fileURLToPath(new URL('../lambdas/', import.meta.url));

const bundles = new Map<string, string>();

/**
 * Bundles a handler under lambdas/ into one ES module, `index.mjs`, and its source map. Returns the folder, which is
 * deleted when the process exits. The same sources give the same bytes, so an asset changes only if its sources do.
 * Uses esbuild directly: CDK's function for it takes four times as long to find esbuild and reports each bundle.
 *
 * @throws esbuild's error for sources that do not build
 */
export function bundle(entry: string): string {
  const existing = bundles.get(entry);
  if (existing) return existing;
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bundle-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  buildSync({
    entryPoints: [join(LAMBDAS, `${entry}.ts`)],
    outfile: join(folder, 'index.mjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    sourcemap: 'external',
    // The map contains the names of the sources; their text is in the repository.
    sourcesContent: false,
    mainFields: ['module', 'main'],
    alias: { '@aws-sdk/credential-provider-node': join(LAMBDAS, 'edges/credentials.ts') },
    // CommonJS dependencies call `require`, which does not exist in an ES module.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  bundles.set(entry, folder);
  return folder;
}
