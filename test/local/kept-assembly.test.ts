import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { inputsHash, keptStackName, writeKept } from '../../local/kept-assembly.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const FILES = [
  'lib/stack.ts',
  'lib/config/params.ts',
  'lambdas/load-objects.ts',
  'lambdas/core/formats/alb.ts',
  'bin/app.ts',
  'cdk.json',
  'package.json',
  'package-lock.json',
  'node_modules/.package-lock.json',
  'tsconfig.json',
];

function repository(): string {
  const root = temporaryFolder();
  for (const name of [...FILES, 'README.md', 'bin/lake.ts']) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), 'text');
  }
  return root;
}

/** Whether a change makes another hash of what a repository's assembly is made from. */
function matters(change: (root: string) => void): boolean {
  const root = repository();
  const before = inputsHash({ root, context: {}, env: {} });
  change(root);
  return inputsHash({ root, context: {}, env: {} }) !== before;
}

describe('an assembly is made anew', () => {
  test.each(FILES)('if %s has changed, is gone or new', (name) => {
    expect(matters((root) => appendFileSync(join(root, name), ' '))).toBe(true);
    expect(matters((root) => rmSync(join(root, name)))).toBe(true);
  });

  test('if a source is new, or has another name or place', () => {
    expect(matters((root) => writeFileSync(join(root, 'lib/new.ts'), ''))).toBe(true);
    expect(matters((root) => renameSync(join(root, 'lib/stack.ts'), join(root, 'lib/other.ts')))).toBe(true);
    expect(matters((root) => renameSync(join(root, 'lib/stack.ts'), join(root, 'lambdas/stack.ts')))).toBe(true);
  });

  test('if a param is another, a variable that CDK reads, or the version of Node', () => {
    const root = repository();
    const hash = (context: object, env = {}) => inputsHash({ root, context: { ...context }, env });
    const version = Object.getOwnPropertyDescriptor(process, 'version') as PropertyDescriptor;
    onTestFinished(() => void Object.defineProperty(process, 'version', version));
    const hashes = [hash({}), hash({ a: 1 }), hash({ a: '1' }), hash({}, { CDK_CONTEXT_JSON: '{"a":1}' })];
    Object.defineProperty(process, 'version', { ...version, value: 'v99.0.0' });
    expect(new Set([...hashes, hash({})]).size).toBe(5);
  });

  test('not if what it is not made from has changed, or a time', () => {
    expect(matters((root) => appendFileSync(join(root, 'README.md'), ' '))).toBe(false);
    expect(matters((root) => appendFileSync(join(root, 'bin/lake.ts'), ' '))).toBe(false);
    expect(matters((root) => utimesSync(join(root, 'lib/stack.ts'), new Date(0), new Date(0)))).toBe(false);
  });
});

describe('an assembly that is kept', () => {
  function assembly(): string {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'asset.1'));
    for (const name of ['manifest.json', 'asset.1/index.mjs']) writeFileSync(join(folder, name), 'text');
    writeKept(folder, 'inputs', 'Lake');
    return folder;
  }

  test('is one of the same inputs, whatever else lies in its folder', () => {
    const folder = assembly();
    writeFileSync(join(folder, 'asset.1', 'compiled'), 'text');
    expect(keptStackName(folder, 'inputs')).toBe('Lake');
    expect(keptStackName(folder, 'others')).toBeUndefined();
  });

  test.each<[string, (folder: string) => void]>([
    ['a file that has changed', (folder) => writeFileSync(join(folder, 'asset.1', 'index.mjs'), 'texT')],
    ['a file that is gone', (folder) => rmSync(join(folder, 'manifest.json'))],
    ['a note that is gone', (folder) => rmSync(join(folder, 'tributary-kept.json'))],
    ['a note that is cut', (folder) => writeFileSync(join(folder, 'tributary-kept.json'), '{"inputs":"inputs"')],
    ['a note of another kind', (folder) => writeFileSync(join(folder, 'tributary-kept.json'), '[]')],
  ])('is none with %s', (_what, damage) => {
    const folder = assembly();
    damage(folder);
    expect(keptStackName(folder, 'inputs')).toBeUndefined();
  });

  test('is none in a folder that is not there', () => {
    expect(keptStackName(join(temporaryFolder(), 'none'), 'inputs')).toBeUndefined();
  });
});
