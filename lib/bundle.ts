import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const LAMBDAS = fileURLToPath(new URL('../lambdas/', import.meta.url));

const bundles = new Map<string, string>();

/**
 * Bundles a handler under lambdas/ into one ES module, `index.mjs`, and its source map; gives the
 * folder, which goes with the process. The same sources give the same bytes, so an asset of it changes
 * only when they do. esbuild itself and not CDK's function for it, which takes four times as long to
 * find it and reports each bundle.
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
    // The map names the sources; their text is in the repository.
    sourcesContent: false,
    mainFields: ['module', 'main'],
    alias: { '@aws-sdk/credential-provider-node': join(LAMBDAS, 'edges/credentials.ts') },
    // CommonJS dependencies in an ES module call a `require` that is not there.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  bundles.set(entry, folder);
  return folder;
}
