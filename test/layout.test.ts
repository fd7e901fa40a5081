import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** Folders that hold code, and what may stand beside them. */
const CODE = ['bench', 'bin', 'lambdas', 'lib', 'local', 'test'];
const ROOMS = [...CODE, 'docs'];
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

/** Parts of packages that reach nothing outside the process either. */
const PURE_PACKAGES = ['avsc/lib/types.js'];

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
    expect(
      imports.filter(({ to }) => !to.startsWith('lambdas/core/') && ![...PURE, ...PURE_PACKAGES].includes(to)),
    ).toEqual([]);
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

/**
 * The rooms of the core, from the ground up: a file imports its own floor and the floors below. `duplicates` reads what
 * `loading` reads, and both share its inputs and settings.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['lines', 'tables', 'unexpected.ts', 'web-assembly.ts'],
  ['reading', 'parquet', 'iceberg'],
  ['formats'],
  ['settings.ts'],
  ['loading'],
  ['duplicates', 'direct', 'evolution', 'metrics.ts'],
  ['queries'],
];

function floorOf(file: string): number {
  const room = file.replace('lambdas/core/', '').split('/')[0] as string;
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

/** Every import from one of our files to another, of types too, which esbuild leaves out. */
function ownImports(): Map<string, readonly string[]> {
  const files = CODE.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => posix.join(folder, file)),
  );
  return new Map(
    files.map((file) => {
      const specifiers = readFileSync(join(ROOT, file), 'utf8').matchAll(/(?:\bfrom |\bimport\(?) ?'(\.[^']*)'/g);
      return [file, [...specifiers].map(([, to = '']) => posix.join(posix.dirname(file), to))];
    }),
  );
}

/** A circle of imports, first file first; undefined if there is none. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const follow = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const to of imports.get(file) ?? []) {
      const circle = follow(to, [...path, file]);
      if (circle) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const circle = follow(file, []);
    if (circle) return circle;
  }
  return undefined;
}

describe('rooms', () => {
  const imports = ownImports();

  test('no files import each other in a circle', () => {
    expect(imports.size).toBeGreaterThan(200);
    expect([...imports.values()].flat().length).toBeGreaterThan(600);
    expect(circleIn(imports)).toBeUndefined();
  });

  test('a circle would be found', () => {
    const circle = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', []],
      ['d', ['b']],
    ]);
    expect(circleIn(circle)).toEqual(['b', 'd', 'b']);
  });

  test('every file of the core has its floor and imports no floor above it', () => {
    const core = [...imports].filter(([file]) => file.startsWith('lambdas/core/'));
    expect(core.filter(([file]) => floorOf(file) < 0).map(([file]) => file)).toEqual([]);
    const upwards = core.flatMap(([from, tos]) =>
      tos.filter((to) => floorOf(to) > floorOf(from)).map((to) => `${from} -> ${to}`),
    );
    expect(upwards).toEqual([]);
  });
});

describe('the project', () => {
  test('the repository root has only the documented folders and what tools insist on', () => {
    const found = readdirSync(ROOT).filter((name) => !name.startsWith('.') && !MADE.includes(name));
    expect(found.filter((name) => ![...ROOMS, ...BESIDE].includes(name))).toEqual([]);
  });

  test('every dependency is pinned to one version', () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>;
    const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  test('the lock file names no registry, so that any will do', () => {
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
    expect(lock).not.toMatch(/"resolved":/);
  });
});
