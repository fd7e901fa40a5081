import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CommitRefusedError, type IcebergCatalog, type LoadedTable } from '../../../lambdas/core/iceberg/ports.ts';
import { type GlueFault, glueFaults, isCommit } from '../../helpers/glue-faults.ts';
import { catalogAt, openLocalCatalog } from '../../helpers/local-catalog.ts';
import { appendOf, ONE_COLUMN } from '../../helpers/table-changes.ts';

/** What a client knows of its appends, by the ids of their snapshots. */
interface Known {
  readonly done: Set<bigint>;
  readonly refused: Set<bigint>;
  readonly unknown: Set<bigint>;
}

/** Appends until so many appends are surely done; each try is an append of its own. */
async function append(catalog: IcebergCatalog, wanted: number, firstId: bigint, known: Known): Promise<void> {
  let id = firstId;
  for (let done = 0; done < wanted; id++) {
    const table = (await catalog.load('web')) as LoadedTable;
    try {
      const { metadata } = await catalog.commit('web', appendOf(table, id));
      expect(metadata['current-snapshot-id']).toBe(id);
      known.done.add(id);
      done++;
    } catch (error) {
      (error instanceof CommitRefusedError ? known.refused : known.unknown).add(id);
    }
  }
}

/** The snapshots of the branch, oldest first, by their parents. */
function historyOf({ metadata }: LoadedTable): bigint[] {
  const history: bigint[] = [];
  const parents = new Map(metadata.snapshots?.map((each) => [each['snapshot-id'], each['parent-snapshot-id']]));
  for (let id = metadata['current-snapshot-id'] ?? undefined; id !== undefined; id = parents.get(id))
    history.unshift(id);
  return history;
}

const fault = fc.option(fc.constantFrom<GlueFault>('throttled', 'failed-before', 'failed-after', 'lost', 'late'), {
  freq: 1,
  nil: undefined,
});

test('appends of many clients, of which some have an unknown end, are one history without a gap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 3 }),
      fc.array(fault, { maxLength: 10 }),
      async (clients, faults) => {
        const planned = [...faults];
        const { intercept, doLate } = glueFaults((request) => (isCommit(request) ? planned.shift() : undefined));
        const { url, catalog } = await openLocalCatalog({ intercept });
        await catalog.create('web', ONE_COLUMN);
        const known: Known = { done: new Set(), refused: new Set(), unknown: new Set() };
        await Promise.all(
          clients.map((count, index) => append(catalogAt(url), count, BigInt(index + 1) << 32n, known)),
        );
        await doLate();

        const table = (await catalog.load('web')) as LoadedTable;
        const history = historyOf(table);
        expect(history).toEqual(table.metadata.snapshots?.map((each) => each['snapshot-id']));
        expect(table.metadata.snapshots?.map((each) => each['sequence-number'])).toEqual(
          history.map((_, index) => index + 1),
        );
        for (const id of known.done) expect(history).toContain(id);
        for (const id of known.refused) expect(history).not.toContain(id);
        for (const id of history) expect(known.done.has(id) || known.unknown.has(id)).toBe(true);
      },
    ),
    { numRuns: 6 },
  );
}, 60_000);
