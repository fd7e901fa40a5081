import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildAppend } from '../../../../lambdas/core/iceberg/append.ts';
import { readAvroFile } from '../../../../lambdas/core/iceberg/avro.ts';
import { namesById } from '../../../../lambdas/core/iceberg/avro-fields.ts';
import type { DataFile } from '../../../../lambdas/core/iceberg/data-file.ts';
import { dayPartition } from '../../../../lambdas/core/iceberg/day-partition.ts';
import { buildDelete } from '../../../../lambdas/core/iceberg/delete-days.ts';
import { type Days, liveFiles } from '../../../../lambdas/core/iceberg/live-files.ts';
import { type ManifestFile, manifestEntry, STATUS } from '../../../../lambdas/core/iceberg/manifest-fields.ts';
import { readManifest, readManifestList } from '../../../../lambdas/core/iceberg/manifests.ts';
import { CommitRefusedError, type LoadedTable, type TableChange } from '../../../../lambdas/core/iceberg/ports.ts';
import { currentSnapshot } from '../../../../lambdas/core/iceberg/snapshots.ts';
import { FILE_NOTE_ID, type KnownFile, noteOf, rewrittenByOthers } from '../../../helpers/foreign-writer.ts';
import { changed, dataFile, MemoryFiles, makingOf, newTable, withProperties } from '../../../helpers/iceberg-table.ts';

const DAYS = ['2026-11-26', '2026-11-27', '2026-11-28', '2026-11-29'];

type Step =
  | { readonly does: 'append'; readonly days: readonly (string | null)[]; readonly afterAnother: boolean }
  | { readonly does: 'delete'; readonly before: string; readonly maxBytes: number }
  | { readonly does: 'rewrite'; readonly day: string }
  | { readonly does: 'expire' };

const DAY = fc.constantFrom(...DAYS);
const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('append' as const),
      days: fc.array(fc.option(DAY, { freq: 8 }), { minLength: 1, maxLength: 3 }),
      afterAnother: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('delete' as const),
      before: DAY,
      maxBytes: fc.constantFrom(1, 6000, 2 ** 24),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('rewrite' as const), day: DAY }) },
  { weight: 1, arbitrary: fc.constant({ does: 'expire' as const }) },
);

interface ModelFile extends KnownFile {
  /** Whether the other writer has seen the file, and left its note. */
  readonly isNoted: boolean;
}

/** A table beside what is to be in it. */
class World {
  readonly files = new MemoryFiles();
  table: LoadedTable;
  model: readonly ModelFile[] = [];
  #made = 0;

  constructor(properties: Record<string, string>) {
    this.table = withProperties(newTable(), properties);
  }

  async take(step: Step): Promise<void> {
    switch (step.does) {
      case 'append': {
        const data = step.days.map((day) => this.#newFile(day));
        const late = await this.#append(data);
        if (step.afterAnother) {
          const others = [this.#newFile(DAYS[0] as string)];
          this.#change(await this.#append(others));
          this.#add(others);
          expect(() => this.#change(late)).toThrow(CommitRefusedError);
        }
        this.#change(step.afterAnother ? await this.#append(data) : late);
        this.#add(data);
        break;
      }
      case 'delete': {
        const isOld = ({ file }: ModelFile) => file.partition !== null && file.partition < step.before;
        const next = () => buildDelete(this.table, step.before, makingOf(this.files), step.maxBytes);
        const first = await next();
        expect(first !== undefined).toBe(this.model.some(isOld));
        for (let change = first; change; change = await next()) this.#change(change);
        this.model = this.model.filter((file) => !isOld(file));
        break;
      }
      case 'rewrite': {
        const removed = this.model.filter(({ file }) => file.partition === step.day);
        const kept = this.model.filter((file) => !removed.includes(file));
        const rows = removed.reduce((sum, { file }) => sum + file.rows, 0);
        const added = removed.length > 0 ? [this.#newFile(step.day, rows)] : [];
        const id = makingOf(this.files).snapshotId();
        this.table = await rewrittenByOthers(this.table, this.files, { kept, added, removed }, id);
        this.model = kept;
        this.#add(added);
        this.model = this.model.map((file) => ({ ...file, isNoted: true }));
        break;
      }
      case 'expire': {
        const all = this.table.metadata.snapshots ?? [];
        const old = all.map((snapshot) => snapshot['snapshot-id']).slice(0, -1);
        this.#change({ requirements: [], updates: [{ action: 'remove-snapshots', 'snapshot-ids': old }] });
      }
    }
  }

  #newFile(day: string | null, rows = ++this.#made): DataFile {
    return dataFile(day, `${++this.#made}`, { rows, bytes: 1000 * rows });
  }

  #append(data: readonly DataFile[]): Promise<TableChange> {
    return buildAppend(this.table, data, makingOf(this.files));
  }

  #change(change: TableChange): void {
    this.table = changed(this.table, change);
  }

  #add(data: readonly DataFile[]): void {
    const snapshot = currentSnapshot(this.table.metadata);
    if (!snapshot) throw new Error('nothing was committed');
    const [snapshotId, sequenceNumber] = [snapshot['snapshot-id'], BigInt(snapshot['sequence-number'])];
    this.model = [...this.model, ...data.map((file) => ({ file, snapshotId, sequenceNumber, isNoted: false }))];
  }
}

function byPath(files: readonly DataFile[]): DataFile[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function live({ table, files }: World, days?: Days): Promise<DataFile[]> {
  return byPath(await Array.fromAsync(liveFiles(table, files, days)));
}

/** The manifests of the newest snapshot with their entries. */
async function manifestsOf({ table, files }: World) {
  const snapshot = currentSnapshot(table.metadata);
  if (!snapshot) return [];
  const { manifests } = await readManifestList(files, snapshot);
  return Promise.all(
    manifests.map(async (manifest) => {
      const { entries } = await readManifest(files, manifest, dayPartition(table.metadata));
      return { manifest, entries: [...entries] };
    }),
  );
}

/** The notes of the other writer, by the paths of the files. */
function notesIn(files: MemoryFiles, manifest: ManifestFile): Map<string, string | null | undefined> {
  const names = new Map([...namesById(manifestEntry(1000)), [FILE_NOTE_ID, 'note']]);
  const { records } = readAvroFile(files.stored.get(manifest.manifest_path) as Uint8Array, names);
  const entries = records as Iterable<{ data_file: { file_path: string; note?: string | null } }>;
  return new Map(Iterator.from(entries).map(({ data_file: { file_path, note } }) => [file_path, note]));
}

describe('whatever is appended, deleted, merged and rewritten by others, in whatever order', () => {
  const steps = fc.array(STEP, { minLength: 1, maxLength: 15 });
  const properties: fc.Arbitrary<Record<string, string>> = fc.constantFrom<Record<string, string>[]>(
    {},
    { 'commit.manifest.min-count-to-merge': '2' },
    { 'commit.manifest.min-count-to-merge': '3', 'commit.manifest.target-size-bytes': '9000' },
  );

  test('the table has exactly the files that are to be in it', async () => {
    await fc.assert(
      fc.asyncProperty(properties, steps, DAY, DAY, async (given, taken, from, to) => {
        const world = new World(given);
        for (const step of taken) await world.take(step);
        const wanted = byPath(world.model.map(({ file }) => file));
        expect(await live(world)).toEqual(wanted);
        const isWithin = ({ partition }: DataFile) => partition === null || (from <= partition && partition <= to);
        expect(await live(world, { from, to })).toEqual(wanted.filter(isWithin));
      }),
    );
  });

  test('each file has the snapshot and sequence number by which it came, and what others noted of it', async () => {
    await fc.assert(
      fc.asyncProperty(properties, steps, async (given, taken) => {
        const world = new World(given);
        for (const step of taken) await world.take(step);
        const manifests = await manifestsOf(world);
        const entries = manifests.flatMap((one) => one.entries).filter(({ status }) => status !== STATUS.deleted);
        const found = entries.map(({ data_file, snapshot_id, sequence_number, file_sequence_number }) => [
          data_file.file_path,
          [snapshot_id, sequence_number, file_sequence_number],
        ]);
        const wanted = world.model.map(({ file, snapshotId, sequenceNumber }) => [
          file.path,
          [snapshotId, sequenceNumber, sequenceNumber],
        ]);
        expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
        const notes = new Map(manifests.flatMap(({ manifest }) => [...notesIn(world.files, manifest)]));
        for (const { file, isNoted } of world.model)
          expect(notes.get(file.path) ?? null).toBe(isNoted ? noteOf(file.path) : null);
      }),
    );
  });

  test('what the list says of each manifest is so, and what the summary says of the table', async () => {
    await fc.assert(
      fc.asyncProperty(properties, steps, async (given, taken) => {
        const world = new World(given);
        for (const step of taken) await world.take(step);
        for (const { manifest, entries } of await manifestsOf(world)) {
          const of = (status: number) => entries.filter((entry) => entry.status === status);
          const rows = (status: number) => of(status).reduce((sum, { data_file }) => sum + data_file.record_count, 0n);
          const live = entries.filter(({ status }) => status !== STATUS.deleted);
          const numbers = live.map((entry) => entry.sequence_number as bigint);
          expect(manifest).toMatchObject({
            manifest_length: BigInt(world.files.stored.get(manifest.manifest_path)?.length ?? -1),
            added_files_count: of(STATUS.added).length,
            existing_files_count: of(STATUS.existing).length,
            deleted_files_count: of(STATUS.deleted).length,
            added_rows_count: rows(STATUS.added),
            existing_rows_count: rows(STATUS.existing),
            deleted_rows_count: rows(STATUS.deleted),
          });
          if (numbers.length > 0) {
            expect(numbers.toSorted((a, b) => Number(a - b))[0]).toBe(manifest.min_sequence_number);
          }
          if (manifest.partitions) {
            const days = entries.map(({ data_file }) => data_file.partition.dt as string | null);
            const known = days.filter((day) => day !== null).toSorted();
            expect(manifest.partitions).toEqual([
              {
                contains_null: known.length < days.length,
                contains_nan: false,
                lower_bound: known.length > 0 ? Buffer.from(known[0] as string) : null,
                upper_bound: known.length > 0 ? Buffer.from(known.at(-1) as string) : null,
              },
            ]);
          }
          // Only the snapshot that deletes a file says so.
          const isNewest = manifest.added_snapshot_id === currentSnapshot(world.table.metadata)?.['snapshot-id'];
          if (!isNewest && live.length === 0) expect(entries).toEqual([]);
        }
        const summary = currentSnapshot(world.table.metadata)?.summary;
        const sum = (name: 'rows' | 'bytes') => world.model.reduce((total, { file }) => total + file[name], 0);
        expect(summary?.['total-data-files'] ?? '0').toBe(`${world.model.length}`);
        expect(summary?.['total-records'] ?? '0').toBe(`${sum('rows')}`);
        if (taken.every(({ does }) => does !== 'rewrite')) {
          expect(summary?.['total-files-size'] ?? '0').toBe(`${sum('bytes')}`);
        }
      }),
    );
  });
});

test('old days are removed in several snapshots where many manifests have files of them', async () => {
  const files = new MemoryFiles();
  let table = newTable();
  for (const day of DAYS) table = changed(table, await buildAppend(table, [dataFile(day, day)], makingOf(files)));
  const left = async () =>
    (await Array.fromAsync(liveFiles(table, files))).map(({ partition }) => partition).toSorted();
  const steps: unknown[] = [];
  for (;;) {
    const change = await buildDelete(table, '2026-11-28', makingOf(files), 1);
    if (!change) break;
    table = changed(table, change);
    steps.push(await left());
  }
  expect(steps).toEqual([
    ['2026-11-27', '2026-11-28', '2026-11-29'],
    ['2026-11-28', '2026-11-29'],
  ]);
});
