import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { bundle } from '../../lib/bundle.ts';

vi.setConfig({ testTimeout: 60_000 });

const ROOT = join(import.meta.dirname, '..', '..');

const copies: string[] = [];
afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

/** Files of the bundle that a copy of the repository elsewhere makes, by name. */
function bundledElsewhere(entry: string): Record<string, string> {
  const copy = mkdtempSync(join(tmpdir(), 'tributary-copy-'));
  copies.push(copy);
  for (const name of ['lambdas', 'lib', 'package.json', 'tsconfig.json']) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const script = `
    import { readdirSync, readFileSync } from 'node:fs';
    import { bundle } from '${copy}/lib/bundle.ts';
    const folder = bundle('${entry}');
    const files = readdirSync(folder).sort().map((name) => [name, readFileSync(folder + '/' + name, 'utf8')]);
    process.stdout.write(JSON.stringify(Object.fromEntries(files)));`;
  const args = ['--input-type=module', '-e', script];
  // Its own, and not those that the tests share.
  const { TRIBUTARY_BUNDLES: _, ...env } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: copy,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

describe('a bundle', () => {
  test('is the same from wherever the repository lies', () => {
    const folder = bundle('load-log-events');
    const here = Object.fromEntries(
      readdirSync(folder)
        .sort()
        .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    );
    const elsewhere = bundledElsewhere('load-log-events');
    expect(Object.keys(here)).toEqual(['index.mjs', 'index.mjs.map']);
    expect(Object.keys(elsewhere)).toEqual(Object.keys(here));
    for (const [name, text] of Object.entries(here)) expect(elsewhere[name] === text, name).toBe(true);
  });

  test('names files and lines of the repository in its stack traces', () => {
    const folder = bundle('count-duplicates');
    // Without its settings, the function fails while it is loaded.
    const args = ['--enable-source-maps', join(folder, 'index.mjs')];
    const { stderr } = spawnSync(process.execPath, args, { env: {}, encoding: 'utf8' });
    expect(stderr).toContain('environment variable TRIBUTARY_DUPLICATES_TABLE is not set');
    expect(stderr).toMatch(/\(?[^\s(]*\/lambdas\/core\/settings\.ts:\d+:\d+\)?/);
    expect(stderr).toMatch(/\/lambdas\/count-duplicates\.ts:\d+:\d+/);
  });

  test('leaves out the operations of S3 that the function does not call', () => {
    const code = readFileSync(join(bundle('write-batch'), 'index.mjs'), 'utf8');
    expect(code).toContain('x-id=UploadPart"');
    expect(code).not.toContain('metadataJournalTable');
  });
});
