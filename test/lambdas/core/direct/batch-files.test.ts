import { describe, expect, test } from 'vitest';
import { BatchFiles, MAX_OPEN } from '../../../../lambdas/core/direct/batch-files.ts';
import type { LakeFiles, Spill } from '../../../../lambdas/core/direct/ports.ts';
import { MAX_GATHERED_BYTES, RowGatherer } from '../../../../lambdas/core/direct/row-gatherer.ts';
import type { ParquetFile } from '../../../../lambdas/core/parquet/file.ts';
import { sourceTable, text } from '../../../../lambdas/core/tables/table.ts';

const table = sourceTable('app', '', { tenant: text('The tenant.') }, 'objects');

/** A lake that keeps what is begun and ended, and a disk in memory. */
class World {
  readonly uploads = new Map<string, string>();
  readonly aborted: string[] = [];
  readonly disk = new Map<string, Uint8Array[]>();
  readonly tables: string[] = [];
  spilledBytes = 0;
  open = 0;
  mostOpen = 0;
  failing: string | undefined;

  readonly lake = {
    keyOf: (uri) => uri.replace('s3://lake/', ''),
    begin: async (key) => {
      await Promise.resolve();
      if (this.failing !== undefined && key.includes(this.failing)) throw new Error(`no upload of ${key}`);
      this.uploads.set(key, '');
      return key;
    },
    uploadPart: async (key, _id, number, bytes) => {
      this.uploads.set(key, `${this.uploads.get(key)}${Buffer.from(bytes)}`);
      return { number, etag: `${number}` };
    },
    abort: async (key) => void this.aborted.push(key),
  } as Partial<LakeFiles> as LakeFiles;

  readonly spill: Spill = {
    append: async (name, rows) => {
      this.spilledBytes += rows.length;
      this.disk.set(name, [...(this.disk.get(name) ?? []), Uint8Array.from(rows)]);
    },
    take: async function* (this: World, name: string) {
      yield* this.disk.get(name) ?? [];
      this.disk.delete(name);
    }.bind(this),
  };

  readonly files = new BatchFiles({
    attempt: 'one',
    batch: 'b',
    lake: this.lake,
    spill: this.spill,
    openFile: () => this.#file(),
    tables: {
      of: async ({ name }) => {
        this.tables.push(name);
        return name.startsWith('app')
          ? { name, uuid: `uuid-${name}`, location: `s3://lake/iceberg/${name}`, schemaId: 0, ids: {} }
          : undefined;
      },
    },
  });

  /** A file that has its rows as they are. */
  #file(): ParquetFile {
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    let bytes: Uint8Array[] = [];
    let rows = 0;
    const take = () => {
      const taken = bytes;
      bytes = [];
      return taken;
    };
    const finish = () => {
      this.open--;
      return take();
    };
    const append = (more: Uint8Array) => {
      rows += Buffer.from(more).toString().split('}').length - 1;
      bytes.push(Uint8Array.from(more));
    };
    const metrics = () => ({
      columnSizes: {},
      valueCounts: {},
      nullCounts: {},
      lower: {},
      upper: {},
      splitOffsets: [],
    });
    return {
      ...{ append, take, finish, metrics, bytes: 0, memoryBytes: 0 },
      get rows() {
        return rows;
      },
    };
  }
}

const rowOf = (number: number) => `{"a":"${number}"}`;

describe('BatchFiles', () => {
  test('writes the rows of 1,000 tables, each in its order, with few files open', async () => {
    const world = new World();
    const wanted = new Map<string, string>();
    for (let row = 0; row < 20_000; row++) {
      const name = `app_${(row * 7) % 1000}`;
      const day = row % 3 === 0 ? '2026-11-28' : '2026-11-29';
      await world.files.append({ ...table, name }, day, Buffer.from(rowOf(row)));
      const key = `iceberg/${name}/data/dt=${day}/b.one-0.parquet`;
      wanted.set(key, `${wanted.get(key) ?? ''}${rowOf(row)}`);
    }
    const { files, tables = [] } = await world.files.finish(['{"a":"loads"}'], '2026-11-29');
    expect(world.uploads.get('data/loads/dt=2026-11-29/b-0.parquet')).toBe('{"a":"loads"}');
    expect(files.at(-1)?.key).toBe('data/loads/dt=2026-11-29/b-0.parquet');
    world.uploads.delete('data/loads/dt=2026-11-29/b-0.parquet');
    expect(new Map([...world.uploads].sort())).toEqual(new Map([...wanted].sort()));
    expect(world.mostOpen).toBeLessThanOrEqual(MAX_OPEN);
    expect(tables).toHaveLength(1000);
    expect(tables.flatMap((each) => each.files).reduce((rows, file) => rows + file.rows, 0)).toBe(20_000);
    for (const each of tables) for (const { path } of each.files) expect(path).toContain(`/${each.name}/`);
    // Each table is asked for once, whatever days it has rows of.
    expect(world.tables.filter((name) => name !== 'loads')).toHaveLength(1000);
  });

  test('keeps rows that come one by one on disk when they are more than the memory for them', async () => {
    const world = new World();
    const row = Buffer.from(`{"a":"${'x'.repeat(10_000)}"}`);
    const rows = Math.ceil((1.5 * MAX_GATHERED_BYTES) / row.length);
    for (let at = 0; at < rows; at++) await world.files.append({ ...table, name: `app_${at % 500}` }, 'd', row);
    expect(world.spilledBytes).toBeGreaterThan(MAX_GATHERED_BYTES / 4);
    const { tables = [] } = await world.files.finish([], 'd');
    expect(tables.flatMap((each) => each.files).reduce((sum, file) => sum + file.rows, 0)).toBe(rows);
    expect(world.mostOpen).toBeLessThanOrEqual(MAX_OPEN);
    expect(world.disk.size).toBe(0);
  });

  test('begins no upload after one has failed', async () => {
    const world = new World();
    for (let at = 0; at < 200; at++) {
      await world.files.append({ ...table, name: `app_${at}` }, 'd', Buffer.from(rowOf(at)));
    }
    world.failing = 'app_150/';
    await expect(world.files.finish([], 'd')).rejects.toThrow('no upload of iceberg/app_150/data/dt=d/b.one-0.parquet');
    await world.files.abort();
    const begun = world.uploads.size;
    await new Promise((resolve) => setImmediate(resolve));
    expect(world.uploads.size).toBe(begun);
    expect(world.aborted.sort()).toEqual([...world.uploads.keys()].sort());
  });
});

describe('RowGatherer', () => {
  test('holds no more memory than it says, whatever the number of places', async () => {
    const places = Array.from({ length: 10_000 }, () => ({ gathered: undefined, put: 0 }));
    const gatherer = new RowGatherer<(typeof places)[number]>(async (place, rows) => {
      place.put += rows.length;
    });
    const row = new Uint8Array(2_000);
    let most = 0;
    for (let at = 0; at < 100_000; at++) {
      await gatherer.add(places[(at * 31) % places.length] as (typeof places)[number], row);
      most = Math.max(most, gatherer.bytes);
    }
    expect(most).toBeGreaterThan(MAX_GATHERED_BYTES / 2);
    expect(most).toBeLessThanOrEqual(MAX_GATHERED_BYTES);
    for (const place of places) await gatherer.flush(place);
    expect(gatherer.bytes).toBe(0);
    expect(new Set(places.map(({ put }) => put))).toEqual(new Set([20_000]));
  });
});
