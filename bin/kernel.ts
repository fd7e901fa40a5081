/**
 * `npm run kernel`: compiles lambdas/kernel to WebAssembly and writes the result to
 * lambdas/core/reading/kernel-wasm.ts. The result is committed, so that running and deploying need no build.
 * `--check` writes nothing and fails if the committed file is not what the sources compile to.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';

const ROOT = join(import.meta.dirname, '..');
const TARGET = 'lambdas/core/reading/kernel-wasm.ts';

/**
 * Pages of 64 KiB: 13 MiB, of which only touched pages take memory. The size is fixed because JavaScript's views of a
 * WebAssembly memory become invalid when the memory grows.
 */
const PAGES = '208';
/** Address of static data, behind everything that lambdas/kernel/memory.ts lays out. */
const STATIC_DATA_AT = String(6 * 1024 * 1024);

const OPTIONS = [
  ...['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert', '--runtime', 'stub'],
  ...['--enable', 'simd', '--initialMemory', PAGES, '--maximumMemory', PAGES, '--memoryBase', STATIC_DATA_AT],
];

const text = `/** lambdas/kernel, compiled, deflated and as base64: \`npm run kernel\` writes this file. */
export const KERNEL_WASM =
  '${deflateRawSync(compiled(), { level: 9 }).toString('base64')}';
`;
const file = join(ROOT, TARGET);
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write(`${TARGET} is not what lambdas/kernel compiles to: run npm run kernel\n`);
  process.exitCode = 1;
}

function compiled(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-kernel-'));
  const wasm = join(folder, 'kernel.wasm');
  const compiler = join(ROOT, 'node_modules/assemblyscript/bin/asc.js');
  execFileSync(process.execPath, [compiler, 'lambdas/kernel/index.ts', '--outFile', wasm, ...OPTIONS], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const bytes = readFileSync(wasm);
  rmSync(folder, { recursive: true });
  return bytes;
}
