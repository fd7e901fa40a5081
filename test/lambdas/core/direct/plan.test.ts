import { expect, test } from 'vitest';
import type { Batch } from '../../../../lambdas/core/direct/batch.ts';
import { type PlanPorts, planSource } from '../../../../lambdas/core/direct/plan.ts';

const AT = Date.parse('2026-11-22T12:00:00Z');
const before = (minutes: number) => new Date(AT - minutes * 60_000).toISOString();

async function planned(...batches: readonly Partial<Batch>[]) {
  const sent: string[] = [];
  const all = batches.map((batch, index): Batch => {
    const id = `b${index}`;
    return { id, source: 'web', state: 'open', since: before(20), attempts: 1, generation: 1, ...batch };
  });
  const ledger = {
    async *unfinished() {
      yield* all;
    },
    read: async (id: string) => all.find((batch) => batch.id === id),
    waiting: async () => [],
  } as unknown as PlanPorts['ledger'];
  const ports = { ledger, send: async (id: string) => void sent.push(id), now: () => new Date(AT) };
  const found = await planSource(
    'web',
    { ...ports, lake: {} as PlanPorts['lake'], requireCurrent: async () => undefined },
    {
      ...{ fileBytes: 1e9, ageMs: 300_000, dueAt: AT, maxOpen: 10, silentMs: 960_000 },
      ...{ newId: () => 'x', outOfTime: () => false },
    },
  );
  return { sent, sealedSince: found.sealedSince };
}

test('a seal is sent again after three minutes, and a batch that is being written after its writer has ended', async () => {
  const attemptedAt = before(15);
  expect(
    await planned(
      { state: 'open', attemptedAt },
      { state: 'open', attemptedAt: before(16) },
      { state: 'sealed', attemptedAt, sealedAt: before(2) },
      { state: 'sealed', attemptedAt, sealedAt: before(3) },
      { state: 'storing', attemptedAt, sealedAt: before(4) },
    ),
  ).toEqual({ sent: ['b1', 'b3', 'b4'], sealedSince: before(4) });
});

test('a batch is sent again, however many before it wait for their commits', async () => {
  const stored = { state: 'stored', attemptedAt: before(90), since: before(90), uncommitted: [0] } as const;
  const { sent } = await planned(...Array.from({ length: 12_000 }, () => stored), { attemptedAt: before(16) });
  expect(sent).toEqual(['b12000']);
});

test('a batch whose files wait for their commit waits for no writer', async () => {
  const stored = { state: 'stored', attemptedAt: before(50), sealedAt: before(45), uncommitted: [0] } as const;
  expect(await planned(stored)).toEqual({ sent: [], sealedSince: undefined });
});
