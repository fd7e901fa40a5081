import { describe, expect, test } from 'vitest';
import { buildAppend } from '../../../../lambdas/core/iceberg/append.ts';
import type { DataFile } from '../../../../lambdas/core/iceberg/data-file.ts';
import { liveFiles } from '../../../../lambdas/core/iceberg/live-files.ts';
import type { LoadedTable } from '../../../../lambdas/core/iceberg/ports.ts';
import { changed, dataFile, MemoryFiles, makingOf, newTable } from '../../../helpers/iceberg-table.ts';

async function appended(table: LoadedTable, files: MemoryFiles, ...data: DataFile[]): Promise<LoadedTable> {
  return changed(table, await buildAppend(table, data, makingOf(files)));
}

describe('buildAppend', () => {
  test('files that are appended are read back as they were', async () => {
    const files = new MemoryFiles();
    const first = dataFile('2026-11-28', 'a');
    const second = dataFile('2026-11-29', 'b');
    const table = await appended(await appended(newTable(), files, first), files, second);
    expect(await Array.fromAsync(liveFiles(table, files))).toEqual([second, first]);
  });
});
