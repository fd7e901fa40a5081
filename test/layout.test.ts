import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** Folders that hold code, and what may stand beside them. */
const ROOMS = ['bench', 'bin', 'docs', 'lambdas', 'lib', 'local', 'test'];
const BESIDE = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'biome.json',
  'cdk.json',
  'package-lock.json',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];

/** Not in the repository, or of a tool. */
const MADE = ['node_modules', 'cdk.out', 'lake', 'coverage'];

/** Modules of Node that reach nothing outside the process. */
const PURE = ['node:buffer', 'node:crypto', 'node:zlib'];

/** AssemblyScript, which is compiled into the core by another compiler and imports itself alone. */
const KERNEL = /^kernel\//;

/** Every import of the files in a folder: from, to; packages by name. */
async function importsOf(folder: string): Promise<{ from: string; to: string }[]> {
  const entryPoints = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !KERNEL.test(file))
    .map((file) => join(ROOT, folder, file));
  const { metafile } = await build({
    entryPoints,
    outdir: 'unused',
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    absWorkingDir: ROOT,
    logLevel: 'silent',
  });
  return Object.entries((metafile as Metafile).inputs)
    .filter(([from]) => from.startsWith(`${folder}/`))
    .flatMap(([from, { imports }]) => imports.map(({ path }) => ({ from, to: path })));
}

describe('imports', () => {
  test('the core imports the core and modules that reach nothing', async () => {
    const imports = await importsOf('lambdas/core');
    expect(imports.length).toBeGreaterThan(50);
    expect(imports.filter(({ to }) => !to.startsWith('lambdas/core/') && !PURE.includes(to))).toEqual([]);
  });

  test('the edges import the core, each other and packages', async () => {
    const imports = await importsOf('lambdas/edges');
    expect(imports.length).toBeGreaterThan(10);
    const own = imports.filter(({ to }) => /^(bin|lib|local|bench|lambdas)\//.test(to));
    expect(own.filter(({ to }) => !/^lambdas\/(core|edges)\//.test(to))).toEqual([]);
  });

  test('nothing in a function imports the stack or CDK', async () => {
    const imports = await importsOf('lambdas');
    expect(imports.filter(({ to }) => /^(lib|bin|local|bench)\/|^aws-cdk-lib|^constructs/.test(to))).toEqual([]);
  });

  test('the stack imports of the functions only their core', async () => {
    const imports = await importsOf('lib');
    expect(imports.length).toBeGreaterThan(50);
    const own = imports.filter(({ to }) => /^(bin|lib|local|bench|lambdas)\//.test(to));
    expect(own.filter(({ to }) => !/^(lib|lambdas\/core)\//.test(to))).toEqual([]);
  });
});

describe('the project', () => {
  test('has the rooms it says and nothing beside them that no tool insists on', () => {
    const found = readdirSync(ROOT).filter((name) => !name.startsWith('.') && !MADE.includes(name));
    expect(found.filter((name) => ![...ROOMS, ...BESIDE].includes(name))).toEqual([]);
  });

  test('pins every dependency to one version', () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>;
    const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  test('names no registry in its lock, so that any will do', () => {
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
    expect(lock).not.toMatch(/"resolved":/);
  });
});
