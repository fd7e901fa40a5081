import { utimes } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildAppend } from '../../../lambdas/core/iceberg/append.ts';
import type { DataFile } from '../../../lambdas/core/iceberg/data-file.ts';
import { buildDelete } from '../../../lambdas/core/iceberg/delete-days.ts';
import { CommitRefusedError, type TableChange } from '../../../lambdas/core/iceberg/ports.ts';
import { commitCompaction, rewriteSmallFiles } from '../../../local/glue/maintenance/compact.ts';
import { expireSnapshots } from '../../../local/glue/maintenance/expire.ts';
import { removeOrphans } from '../../../local/glue/maintenance/orphans.ts';
import type { Compaction } from '../../../local/glue/maintenance/replace.ts';
import { dataFile, loaded } from '../../helpers/iceberg-rows.ts';
import { makingOf } from '../../helpers/iceberg-table.ts';
import { type LocalCatalog, openLocalCatalog } from '../../helpers/local-catalog.ts';
import { Maintained, WEB } from '../../helpers/maintained.ts';

/** A run takes a second, forty times as long as one of the simulation. */
const RUNS = Math.ceil(Number(process.env.TRIBUTARY_FAULT_RUNS ?? 300) / 40);

const DAY_MS = 86_400_000;
const ORPHAN_DAYS = 30;
const PROPERTY = 'tributary.commit.x';

/** A file that is stored, and not in the table. */
interface Waiting {
  readonly file: DataFile;
  readonly positions: readonly number[];
  /** When it was stored. */
  readonly at: number;
}

/** So few that steps meet on one of them. */
function dayOf(number: number): string {
  return `2026-11-2${number % 3}`;
}

/** A lake that writes, commits and expires days, and others who maintain its table, each in steps that take turns. */
class World {
  now = Date.now();
  /** Days of rows by their positions. */
  readonly rows = new Map<number, string>();
  waiting: Waiting[] = [];
  commits = 0;
  #begun: { readonly change: TableChange; readonly of: readonly Waiting[]; readonly at: number } | undefined;
  #compaction: { readonly compaction: Compaction; readonly at: number } | undefined;
  readonly #seen = new Set<string>();
  readonly #local: LocalCatalog;
  readonly web: Maintained;

  constructor(local: LocalCatalog, web: Maintained) {
    this.#local = local;
    this.web = web;
  }

  readonly steps = {
    store: async (day: number) => {
      const rows = this.web.newRows(1 + (day % 2));
      const file = await dataFile(this.#local, WEB, dayOf(day), rows);
      this.waiting.push({ file, positions: rows.map(({ position }) => position), at: this.now });
    },
    beginCommit: async () => {
      if (this.waiting.length === 0) return;
      const files = this.waiting.map(({ file }) => file);
      const properties = { [PROPERTY]: String(this.commits + 1) };
      const change = await buildAppend(await this.#loaded(), files, this.#making(properties));
      this.#begun = { change, of: [...this.waiting], at: this.now };
    },
    endCommit: async () => {
      const begun = this.#begun;
      this.#begun = undefined;
      // A run of the committer ends long before anybody takes its manifests, or its files, for orphans.
      const inTime = begun && this.now - begun.at <= DAY_MS && begun.of.every((each) => this.waiting.includes(each));
      if (!inTime) return;
      if (!(await this.#commit(begun.change))) return;
      this.commits++;
      for (const { file, positions } of begun.of)
        for (const each of positions) this.rows.set(each, `${file.partition}`);
      this.waiting = this.waiting.filter((each) => !begun.of.includes(each));
    },
    /** All of the lake's steps, with nothing in between. */
    write: async (day: number) => {
      await this.steps.store(day);
      await this.steps.beginCommit();
      await this.steps.endCommit();
    },
    expireDays: async (day: number) => {
      const before = dayOf(day + 1);
      const change = await buildDelete(await this.#loaded(), before, this.#making());
      if (!change || !(await this.#commit(change))) return;
      for (const [position, of] of this.rows) if (of < before) this.rows.delete(position);
    },
    beginMerging: async () => {
      const compaction = await rewriteSmallFiles(this.web.table(this.now), 2);
      if (compaction) this.#compaction = { compaction, at: this.now };
    },
    endMerging: async () => {
      const begun = this.#compaction;
      this.#compaction = undefined;
      if (begun && this.now - begun.at <= DAY_MS) await commitCompaction(this.web.table(this.now), begun.compaction);
    },
    /** Merging, with another step in between. */
    merge: async (number: number) => {
      const between = (['expireDays', 'write', 'endCommit', 'expireSnapshots'] as const)[number % 4];
      await this.steps.beginMerging();
      if (between) await this.steps[between](number);
      await this.steps.endMerging();
    },
    expireSnapshots: async (days: number) => {
      await expireSnapshots(this.web.table(this.now), { days: days % 5, count: 1, cleanFiles: days % 3 > 0 });
    },
    removeOrphans: async () => {
      await removeOrphans(this.web.table(this.now), ORPHAN_DAYS);
    },
    wait: async (days: number) => {
      this.now += (days + 0.5) * DAY_MS;
      // The lake does not wait so long that its files are orphans.
      this.waiting = this.waiting.filter(({ at }) => this.now - at < ORPHAN_DAYS * DAY_MS);
    },
  };

  async do(step: keyof World['steps'], number: number): Promise<void> {
    await this.steps[step](number);
    await this.#date();
    const positions = [...this.rows.keys()].sort((a, b) => a - b);
    expect((await this.web.positions()).map(Number), step).toEqual(positions);
    for (const { file } of this.waiting) await this.#local.files.get(file.path);
    const { properties } = (await this.#loaded()).metadata;
    expect(properties?.[PROPERTY] ?? '0', step).toBe(String(this.commits));
  }

  #loaded() {
    return loaded(this.#local, 'web');
  }

  #making(properties?: Readonly<Record<string, string>>) {
    return makingOf(this.#local.files, { now: this.now, ...(properties && { properties }) });
  }

  async #commit(change: TableChange): Promise<boolean> {
    try {
      await this.#local.catalog.commit('web', change);
      return true;
    } catch (error) {
      if (error instanceof CommitRefusedError) return false;
      throw error;
    }
  }

  /** New files are of the time of this world. */
  async #date(): Promise<void> {
    for (const uri of await this.web.allFiles()) {
      if (this.#seen.has(uri)) continue;
      this.#seen.add(uri);
      await utimes(this.web.table().path(uri), this.now / 1000, this.now / 1000);
    }
  }
}

const STEPS = Object.keys(new World(undefined as never, undefined as never).steps) as (keyof World['steps'])[];
/** What changes rows and files comes more often than what cleans up. */
const OFTEN = ['store', 'write', 'write', 'write', 'beginCommit', 'endCommit', 'merge', 'merge'] as const;

test('rows are those of the lake, whoever maintains its table between any two of its steps', async () => {
  const step = fc.tuple(fc.constantFrom(...STEPS, ...OFTEN), fc.nat({ max: 12 }));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 25 }), async (steps) => {
      const local = await openLocalCatalog();
      const world = new World(local, await Maintained.open(local));
      for (const [kind, number] of steps) await world.do(kind, number);
      world.now += 1000 * DAY_MS;
      world.waiting = [];
      await world.do('expireSnapshots', 1);
      await world.do('removeOrphans', 0);
      await world.web.expectOnlyFilesOfTable();
    }),
    { numRuns: RUNS },
  );
}, 600_000);
