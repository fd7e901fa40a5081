/**
 * Makes the bundles of all functions, each in a folder of its own name: `node lib/bundle-process.ts FOLDER`; `bundle`
 * starts it.
 * Uses esbuild directly: CDK's function for it takes four times as long to find esbuild and reports each bundle.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const LAMBDAS = join(ROOT, 'lambdas');

const [, , into = ''] = process.argv;
const handlers = readdirSync(LAMBDAS)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -'.ts'.length));

/**
 * The SDK describes its operations in arrays like `[9, n0, _GO, { [_h]: ["GET", "/{Key+}"] }, …]`. For esbuild, a key in
 * brackets may call a function, so it keeps the descriptions of all operations of a service that a function calls one of:
 * a tenth of the largest bundles. Keys whose constant is a text in the same file are written as that text.
 */
const unusedOperations: Plugin = {
  name: 'unused-operations',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]schemas_\d+\.js$/ }, async ({ path }) => {
      if (!path.includes('@aws-sdk')) return undefined;
      const text = await readFile(path, 'utf8');
      const texts = new Map(
        [...text.matchAll(/^const (\w+) = ("[^"\\]*");$/gm)].map(([, name, value]) => [name, value]),
      );
      return { contents: text.replace(/\[(\w+)\]:/g, (key, name) => (texts.has(name) ? `${texts.get(name)}:` : key)) };
    });
  },
};

await build({
  entryPoints: handlers.map((handler) => join(LAMBDAS, `${handler}.ts`)),
  outdir: into,
  entryNames: '[name]/index',
  outExtension: { '.js': '.mjs' },
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
  plugins: [unusedOperations],
  logLevel: 'warning',
});
for (const handler of handlers) nameSourcesFromRoot(join(into, handler));

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
