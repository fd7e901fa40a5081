import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type LatestVersion,
  sendAsVersion,
  type Version,
  type VersionMarks,
} from '../../../../lambdas/core/loading/versions.ts';

/** The ledger's entry of one key, with the condition of lambdas/edges/ledger.ts. */
class Entry {
  latest: LatestVersion | undefined;

  remember(version: Version, instead: string | undefined): LatestVersion {
    const { latest } = this;
    if (latest && latest.origin !== version.origin && latest.origin !== instead) return latest;
    const replaces = instead ?? latest?.replaces;
    this.latest = { ...version, ...(replaces !== undefined && { replaces }) };
    return this.latest;
  }
}

/** What the rows of `loads` say: their origin and marks. */
type Row = VersionMarks & { readonly origin: string };

const replacedIn = (rows: readonly Row[]): Set<string> =>
  new Set(
    rows.flatMap(({ origin, replaces, replaced_by }) => [
      ...(replaces ? [replaces] : []),
      ...(replaced_by ? [origin] : []),
    ]),
  );

const version = (age: number, known: boolean): Version => ({
  origin: `version-${age}`,
  openedAt: 1000 + age,
  // Of different lengths, as S3 writes them: they are compared as if zeros followed.
  ...(known && { sequencer: `00${(16 + age).toString(16)}${age % 2 ? 'ab' : ''}` }),
});

class Crash extends Error {}

describe('the rows of loads of several versions of an object', () => {
  test('say of a version alone nothing', async () => {
    const rows: VersionMarks[] = [];
    await sendAsVersion(
      version(1, true),
      async () => version(1, true),
      async (marks) => void rows.push(marks),
    );
    expect(rows).toEqual([{}]);
  });

  test('name every version but the latest as replaced, in whatever order their loads end, meet and crash', async () => {
    const step = fc.record({ load: fc.nat(), crash: fc.nat(9).map((drawn) => drawn === 0) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        fc.array(step, { minLength: 1, maxLength: 60 }),
        async (ages, allKnown, steps) => {
          const entry = new Entry();
          const rows: Row[] = [];
          // Without a sequencer for all of them, the time of opening decides between some.
          const versions = ages.map((known, age) => version(age, allKnown || known));
          const loads = versions.map((each) => new Load(each, entry, rows));
          for (const { load, crash } of steps) await loads[load % loads.length]?.step(crash);
          for (const load of loads) while (!load.ended) await load.step(false);
          const replaced = replacedIn(rows);
          expect([...replaced].toSorted()).toEqual(versions.slice(0, -1).map(({ origin }) => origin));
          expect(entry.latest?.origin).toBe(versions.at(-1)?.origin);
          // The last row of each says what is true of it, after any crash.
          for (const { origin } of versions) {
            const last = rows.findLast((row) => row.origin === origin);
            const first = rows.find((row) => row.origin === origin && row.replaces !== undefined);
            if (last?.replaced_by === undefined) expect(last?.replaces === undefined).toBe(first === undefined);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** One version's load, which does one thing at a time and begins anew after a crash. */
class Load {
  ended = false;
  readonly #version: Version;
  readonly #entry: Entry;
  readonly #rows: Row[];
  #go: ((crash: boolean) => void) | undefined;
  #running = false;

  constructor(version: Version, entry: Entry, rows: Row[]) {
    this.#version = version;
    this.#entry = entry;
    this.#rows = rows;
  }

  /** Does the next thing, and crashes after it if told to. */
  async step(crash: boolean): Promise<void> {
    if (this.ended) return;
    if (!this.#running) this.#start();
    await settled();
    this.#go?.(crash);
    await settled();
  }

  #start(): void {
    this.#running = true;
    const turn = <T>(act: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        this.#go = (crash) => {
          this.#go = undefined;
          const done = act();
          if (crash) reject(new Crash());
          else resolve(done);
        };
      });
    const { origin } = this.#version;
    sendAsVersion(
      this.#version,
      (instead) => turn(() => this.#entry.remember(this.#version, instead)),
      (marks) => turn(() => void this.#rows.push({ origin, ...marks })),
    ).then(
      () => {
        this.ended = true;
      },
      (error: unknown) => {
        if (!(error instanceof Crash)) throw error;
        this.#running = false;
      },
    );
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
