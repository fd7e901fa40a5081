import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { requireWritable } from '../../local/lock.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const LOCK = join(import.meta.dirname, '../../local/lock.ts');

/** Root may write everywhere: for it, an ordinary user looks at the folder. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const canRun = spawnSync(process.execPath, ['-e', '0'], NOBODY).status === 0;

describe('the folder of a lake', () => {
  test.skipIf(!canRun)(
    'that cannot be written to is said to be read-only, the one that would be made in it too',
    () => {
      const folder = temporaryFolder();
      copyFileSync(LOCK, join(folder, 'lock.ts'));
      chmodSync(folder, 0o555);
      const problemOf = (dir: string) => {
        const script = `import { lockFolder } from './lock.ts'; lockFolder(${JSON.stringify(dir)});`;
        return spawnSync(process.execPath, ['--input-type=module', '-e', script], {
          ...NOBODY,
          cwd: folder,
        }).stderr.toString();
      };
      expect(problemOf(folder)).toContain(`Error: ${folder}: read-only: this user cannot write there`);
      expect(problemOf(join(folder, 'a', 'b'))).toContain(`Error: ${folder}/a/b: read-only (${folder}): this user`);
      chmodSync(folder, 0o755);
    },
  );

  test('that is a file is said to be one', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(() => requireWritable(file)).toThrow(`${file}: a file, where the folder of a lake was expected`);
    expect(() => requireWritable(join(file, 'lake'))).toThrow('a file, where the folder of a lake was expected');
  });
});
