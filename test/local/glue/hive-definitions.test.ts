import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HiveDefinitions } from '../../../local/glue/hive-definitions.ts';
import { GLUE, openPointers } from '../../../local/glue/pointers.ts';
import type { Resource } from '../../../local/template/resource.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const [DatabaseName, Name] = ['tributary', 'app'];
const column = (name: string, Type = 'string') => ({ Name: name, Type, Comment: 'a column' });

function resource(columns = [column('a')]): Resource {
  const TableInput = {
    ...{ Name, Parameters: { classification: 'parquet' }, PartitionKeys: [column('dt')] },
    StorageDescriptor: { Location: 's3://lake/data/app/', Columns: columns },
  };
  return { logicalId: 'App', type: 'AWS::Glue::Table', localName: Name, properties: { DatabaseName, TableInput } };
}

async function opened(dir: string, columns?: ReturnType<typeof column>[]) {
  await openPointers(dir, [DatabaseName]);
  const table = resource(columns);
  const definitions = await HiveDefinitions.open(dir, [table]);
  const get = async () => {
    const { Table } = (await definitions.operation('GetTable', { DatabaseName, Name })) as {
      Table: { VersionId: string; StorageDescriptor: { Columns: { Name: string }[] } };
    };
    return { version: Table.VersionId, columns: Table.StorageDescriptor.Columns.map((each) => each.Name) };
  };
  const update = (VersionId: string, names: readonly string[], more: object = {}) => {
    const input = table.properties.TableInput as { StorageDescriptor: object };
    const StorageDescriptor = { ...input.StorageDescriptor, Columns: names.map((name) => column(name)) };
    const TableInput = { ...input, StorageDescriptor, ...more };
    return definitions.operation('UpdateTable', { DatabaseName, TableInput, VersionId, SkipArchive: true });
  };
  return { get, update };
}

test('a definition is changed for the version that it was made of, and survives until a deployment changes it', async () => {
  const dir = temporaryFolder();
  const { get, update } = await opened(dir);
  expect(await get()).toEqual({ version: '0', columns: ['a'] });
  const both = await Promise.allSettled([update('0', ['a', 'b']), update('0', ['a', 'c'])]);
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  await expect(update('0', ['a', 'c'])).rejects.toMatchObject({ type: 'ConcurrentModificationException' });
  expect(await get()).toEqual({ version: '1', columns: ['a', 'b'] });

  const again = await opened(dir);
  expect(await again.get()).toEqual({ version: '1', columns: ['a', 'b'] });
  const changed = await opened(dir, [column('a'), column('z')]);
  expect(await changed.get()).toEqual({ version: '2', columns: ['a', 'z'] });
  expect(await (await opened(dir)).get()).toEqual({ version: '3', columns: ['a'] });
});

test('only columns change, and only of tables of the template', async () => {
  const { update } = await opened(temporaryFolder());
  await expect(update('0', ['a'], { Parameters: {} })).rejects.toThrow('a change of anything but the columns');
  expect(await update('0', ['a'], { Name: 'other' })).toBe(undefined);
});

test('a damaged file counts as none', async () => {
  const dir = temporaryFolder();
  const { get, update } = await opened(dir);
  await update('0', ['a', 'b']);
  const file = join(dir, GLUE, DatabaseName, `${Name}.definition`);
  writeFileSync(file, readFileSync(file).subarray(0, 20));
  expect(await get()).toEqual({ version: '0', columns: ['a'] });
});
