import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, { readonly integrity?: string; readonly inBundle?: boolean }>>;
};

test('every locked package has the hash of its archive, so that another content is refused', () => {
  const locked = Object.entries(packages).filter(([path, { inBundle }]) => path !== '' && !inBundle);
  expect(locked.length).toBeGreaterThan(200);
  expect(locked.filter(([, { integrity = '' }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity))).toEqual([]);
});
