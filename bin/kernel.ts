/**
 * `npm run kernel`: compiles lambdas/kernel to WebAssembly, and writes each module to a file of lambdas/core. These files
 * are committed, so that running and deploying need no build. `--check` writes nothing and fails if a committed file is
 * not what the sources compile to.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';

const ROOT = join(import.meta.dirname, '..');

interface Target {
  /** The folder below lambdas/kernel that has the module's index.ts. */
  readonly folder: string;
  readonly file: string;
  /** Name of the constant. */
  readonly name: string;
  /** Options of the compiler for its memory. */
  readonly memory: readonly string[];
}

/**
 * Pages of 64 KiB: 13 MiB, of which only touched pages take memory. The size is fixed because JavaScript's views of a
 * WebAssembly memory become invalid when the memory grows.
 */
const KERNEL_PAGES = '208';
/** Address of static data, behind everything that lambdas/kernel/memory.ts lays out. */
const STATIC_DATA_AT = String(6 * 1024 * 1024);

const TARGETS: readonly Target[] = [
  {
    folder: '',
    file: 'lambdas/core/reading/kernel-wasm.ts',
    name: 'KERNEL_WASM',
    memory: ['--initialMemory', KERNEL_PAGES, '--maximumMemory', KERNEL_PAGES, '--memoryBase', STATIC_DATA_AT],
  },
  { folder: 'columns', file: 'lambdas/core/parquet/columns-wasm.ts', name: 'COLUMNS_WASM', memory: [] },
];

const OPTIONS = [
  ...['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert', '--runtime', 'stub'],
  ...['--enable', 'simd'],
];

for (const target of TARGETS) {
  const source = join('lambdas/kernel', target.folder);
  const text = `/** ${source}, compiled, deflated and as base64: \`npm run kernel\` writes this file. */
export const ${target.name} =
  '${deflateRawSync(compiled(source, target.memory), { level: 9 }).toString('base64')}';
`;
  const file = join(ROOT, target.file);
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`${target.file} is not what ${source} compiles to: run npm run kernel\n`);
    process.exitCode = 1;
  }
}

function compiled(source: string, memory: readonly string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-kernel-'));
  const wasm = join(folder, 'kernel.wasm');
  const compiler = join(ROOT, 'node_modules/assemblyscript/bin/asc.js');
  execFileSync(process.execPath, [compiler, join(source, 'index.ts'), '--outFile', wasm, ...OPTIONS, ...memory], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const bytes = readFileSync(wasm);
  rmSync(folder, { recursive: true });
  return bytes;
}
