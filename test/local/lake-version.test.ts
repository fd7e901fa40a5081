import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkLakeVersion, LakeVersionError, VERSION_FILE, writeLakeVersion } from '../../local/lake-version.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const OWN = (JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string })
  .version;

/** A folder with a lake's data, and the text of its version file if it has one. */
function lakeOf(text?: string): string {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'buckets'));
  if (text !== undefined) writeFileSync(join(dir, VERSION_FILE), text);
  return dir;
}

describe('a folder of a lake', () => {
  test('can be opened by the version that wrote to it', async () => {
    const dir = lakeOf();
    await writeLakeVersion(dir);
    expect(() => checkLakeVersion(dir)).not.toThrow();
  });

  test('without any data can be opened, whatever else is in it', () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'locks'));
    mkdirSync(join(dir, 'stack'));
    expect(() => checkLakeVersion(dir)).not.toThrow();
    expect(existsSync(join(dir, VERSION_FILE))).toBe(false);
  });

  test('with data and without a version is refused, with the way out', () => {
    const dir = lakeOf();
    expect(() => checkLakeVersion(dir)).toThrow(LakeVersionError);
    expect(() => checkLakeVersion(dir)).toThrow(
      `lake ${dir} was made by a version before 0.2.0; version ${OWN} opens lakes of 0.4.0 and later. Give another folder with --lake`,
    );
  });

  test.each([
    ['is empty', ''],
    ['is no version', '{"version":"x"}'],
  ])('whose version %s can be opened, and has a version then', async (_, text) => {
    const dir = lakeOf(text);
    expect(() => checkLakeVersion(dir)).not.toThrow();
    await writeLakeVersion(dir);
    expect(JSON.parse(readFileSync(join(dir, VERSION_FILE), 'utf8'))).toEqual({ version: OWN });
  });

  test('of an older version is refused by name', () => {
    expect(() => checkLakeVersion(lakeOf('{"version":"0.1.9"}'))).toThrow('was made by version 0.1.9;');
  });

  test('of a newer version is refused, and Tributary is to be updated', () => {
    expect(() => checkLakeVersion(lakeOf('{"version":"10.0.0"}'))).toThrow(
      `was last opened by version 10.0.0, which is newer than this version ${OWN}: update Tributary`,
    );
  });
});
