/** Measures the memory of the committer, in processes of its own, with the lists that an hour of batches leaves. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAppend } from '../../lambdas/core/iceberg/append.ts';
import type { DataFile } from '../../lambdas/core/iceberg/data-file.ts';
import { icebergJson } from '../../lambdas/core/iceberg/metadata.ts';
import { changed, MemoryFiles, makingOf } from '../../test/helpers/iceberg-table.ts';
import { tableOf } from './lake.ts';

/** Batches that wait: one each five minutes of an hour, and one more. */
export const LISTS = 13;
export const STORED_AT = Date.parse('2026-11-29T10:00:00Z');
const DAY = '2026-11-29';
const COLUMNS = 10;
/** Snapshots and manifests that a table has: those of two days. */
const SNAPSHOTS = 48;

export interface CommitterMemory {
  readonly commits: number;
  /** The most memory that the process ever had, Node itself among it. */
  readonly peakMib: number;
}

export function nameOf(index: number): string {
  return `app_tenant_${index}`;
}

/** @returns of a run in which it is the turn of some tables, and of one for which all have waited */
export async function committerMemory(tables: number): Promise<readonly [turn: CommitterMemory, all: CommitterMemory]> {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-committer-'));
  try {
    for (let number = 0; number < LISTS; number++)
      writeFileSync(join(dir, `b${number}.json`), listText(tables, number));
    writeFileSync(join(dir, 'manifests.avro'), await manifestList());
    return [run(dir, tables, 'turn'), run(dir, tables, 'all')];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function run(dir: string, tables: number, due: 'turn' | 'all'): CommitterMemory {
  const file = fileURLToPath(new URL('committer-process.ts', import.meta.url));
  // Node sets these for a machine with as much memory as the function has.
  const args = ['--max-old-space-size=900', '--max-semi-space-size=4', file, dir, String(tables), due];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as CommitterMemory;
}

/** The list of an attempt with a file for each table. */
function listText(tables: number, batch: number): string {
  const files = Array.from({ length: tables }, (_, index) => ({ name: nameOf(index), file: fileOf(index, batch) }));
  return JSON.stringify({
    files: files.map(({ file }) => ({
      ...{ key: file.path.replace('s3://lake/', ''), uploadId: 'u'.repeat(100), crc32: 'AAAAAA==' },
      ...{ parts: [{ number: 1, etag: 'e'.repeat(34) }], size: file.bytes, rows: file.rows },
    })),
    ...{ members: [], day: DAY },
    tables: files.map(({ name, file }) => ({ name, uuid: `uuid of ${name}`, schemaId: 0, files: [file] })),
  });
}

function fileOf(index: number, batch: number): DataFile {
  const each = <Of>(value: (id: number) => Of) =>
    Object.fromEntries(Array.from({ length: COLUMNS }, (_, at) => [at + 1, value(at + 1)]));
  const bound = (text: string) => Buffer.from(text.slice(0, 16)).toString('base64');
  return {
    path: `s3://lake/iceberg/${nameOf(index)}/data/dt=${DAY}/2026112910-${batch}.${'a'.repeat(36)}-0.parquet`,
    ...{ partition: DAY, rows: 50 + (index % 50), bytes: 6000 + index },
    metrics: {
      columnSizes: each((id) => 200 + id),
      valueCounts: each(() => 50 + (index % 50)),
      nullCounts: each(() => 0),
      lower: each((id) => bound(`${id} lower ${index} ${batch}`)),
      upper: each((id) => bound(`${id} upper ${index} ${batch}`)),
      splitOffsets: [4],
    },
  };
}

let text: string | undefined;

/** The metadata of a table with the snapshots of two days, as Glue gives it. */
export function metadataText(table: string): string {
  text ??= icebergJson(withSnapshots());
  return text.replaceAll('TABLE', table);
}

function withSnapshots() {
  const { metadata } = tableOf('TABLE');
  const snapshots = Array.from({ length: SNAPSHOTS }, (_, index) => ({
    ...{ 'snapshot-id': 2n ** 61n + BigInt(index), 'sequence-number': index + 1, 'timestamp-ms': STORED_AT },
    'manifest-list': `s3://lake/iceberg/TABLE/metadata/snap-${index}-${'a'.repeat(36)}.avro`,
    summary: { operation: 'append', 'added-data-files': '12', 'added-records': '600', 'total-records': '30000' },
    'schema-id': 0,
  }));
  const main = { 'snapshot-id': 2n ** 61n + BigInt(SNAPSHOTS - 1), type: 'branch' };
  return { ...metadata, snapshots, refs: { main }, 'last-sequence-number': SNAPSHOTS };
}

/** The list of manifests of the newest snapshot. */
async function manifestList(): Promise<Uint8Array> {
  const files = new MemoryFiles();
  let table = tableOf(nameOf(0));
  for (let number = 0; number < SNAPSHOTS; number++) {
    table = changed(table, await buildAppend(table, [fileOf(0, number)], makingOf(files)));
  }
  const uri = table.metadata.snapshots?.at(-1)?.['manifest-list'] ?? '';
  return files.stored.get(uri) as Uint8Array;
}
