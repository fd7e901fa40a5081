import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** A folder of the running test's own. */
export function temporaryFolder(): string {
  const dir = newFolder();
  onTestFinished(() => remove(dir));
  return dir;
}

/** A folder that all tests of a file or a `describe` share, removed after the last of them and its other hooks. */
export function sharedFolder(): string {
  const dir = newFolder();
  afterAll(() => remove(dir));
  return dir;
}

/** A folder that whoever asks for it removes. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tributary-'));
}

export function remove(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}
