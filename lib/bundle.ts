import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const LAMBDAS = join(ROOT, 'lambdas');

const bundles = new Map<string, string>();

/**
 * Bundles a handler under lambdas/ into one ES module, `index.mjs`, and its source map. Returns the folder, which is
 * deleted when the process exits. The same sources give the same bytes wherever they are, so an asset changes only if its
 * sources do.
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
    sourcemap: true,
    // The map contains the names of the sources; their text is in the repository.
    sourcesContent: false,
    mainFields: ['module', 'main'],
    alias: { '@aws-sdk/credential-provider-node': join(LAMBDAS, 'edges/credentials.ts') },
    // CommonJS dependencies call `require`, which does not exist in an ES module.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  nameSourcesFromRoot(folder);
  bundles.set(entry, folder);
  return folder;
}

/**
 * Names the sources in the map as they lie in the repository, `lambdas/load-objects.ts`: in a stack trace they then are
 * files of the repository below the function's folder. esbuild names them from the folder of the bundle, which is
 * another one each time.
 */
function nameSourcesFromRoot(folder: string): void {
  const file = join(folder, 'index.mjs.map');
  const map = JSON.parse(readFileSync(file, 'utf8')) as { sources: string[] };
  map.sources = map.sources.map((source) => {
    const path = resolve(folder, source).split(sep).join('/');
    const inPackage = path.lastIndexOf('/node_modules/');
    return inPackage < 0 ? relative(ROOT, path).split(sep).join('/') : path.slice(inPackage + 1);
  });
  writeFileSync(file, JSON.stringify(map));
}
