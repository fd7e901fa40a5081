import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Claim, FencedError, LEDGER, type Ledger, type Progress } from '../../../lambdas/core/loading/ledger.ts';
import { NOTHING } from '../../../lambdas/core/loading/line-batcher.ts';
import { dynamoLedger } from '../../../lambdas/edges/ledger.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { type LocalTable, openLocalTable } from '../../helpers/local-table.ts';
import { loseAnswer } from '../../helpers/lost-answer.ts';

const HOUR_MS = 3_600_000;
let table: LocalTable;
let ledger: Ledger;
/** Requests whose answer is cut off after DynamoDB has done what they ask. */
let cutAnswers = 0;

beforeAll(async () => {
  table = await openLocalTable({ name: 'ledger', partition: LEDGER.key }, (_, __, response) => {
    if (cutAnswers === 0) return false;
    cutAnswers--;
    loseAnswer(response);
    return false;
  });
  ledger = dynamoLedger(new DynamoDBClient(clientOptions(table.url)), 'ledger');
});

afterAll(() => table.close());

let entries = 0;
const newEntry = () => ({ id: `entry-${entries++}`, source: 'alb', label: 's3://logs/a.log.gz', keepDays: 400 });
const progress = (lines: number): Progress => ({ counts: { ...NOTHING, lines, rows: lines } });
const inAnHour = () => Date.now() + HOUR_MS;

async function claimed(entry: ReturnType<typeof newEntry>, holder: string, leaseUntil = inAnHour()): Promise<Claim> {
  const result = await ledger.claim(entry, holder, leaseUntil);
  if (result.outcome !== 'claimed') throw new Error(`expected a claim, got ${result.outcome}`);
  return result.claim;
}

describe('the ledger', () => {
  test('gives an entry nobody has to the first who claims it, and skips it for everyone once it is finished', async () => {
    const entry = newEntry();
    const claim = await claimed(entry, 'message-a');
    expect(claim.resume).toBeUndefined();
    await claim.checkpoint(progress(5));
    await claim.finish('loaded');
    expect(await ledger.claim(entry, 'message-a', inAnHour())).toEqual({ outcome: 'already_loaded' });
    expect(await ledger.claim(entry, 'message-b', inAnHour())).toEqual({ outcome: 'already_loaded' });
  });

  test('keeps an entry for its holder while the lease runs, and for nobody after it', async () => {
    const entry = newEntry();
    await claimed(entry, 'message-a');
    expect(await ledger.claim(entry, 'message-b', inAnHour())).toEqual({ outcome: 'held' });
    const late = newEntry();
    const first = await claimed(late, 'message-a', Date.now() - 1);
    await first.checkpoint(progress(3));
    expect((await claimed(late, 'message-b')).resume).toEqual(progress(3));
  });

  test('lets the same message take over at once, at the last checkpoint, and fences the attempt it had before', async () => {
    const entry = newEntry();
    const first = await claimed(entry, 'message-a');
    await first.checkpoint(progress(100));
    const second = await claimed(entry, 'message-a');
    expect(second.resume).toEqual(progress(100));
    await expect(first.checkpoint(progress(200))).rejects.toThrow(FencedError);
    await expect(first.release(progress(200))).rejects.toThrow(FencedError);
    await expect(first.finish('loaded')).rejects.toThrow(FencedError);
    await second.finish('loaded');
    await expect(first.checkpoint(progress(300))).rejects.toThrow(FencedError);
  });

  test('lets anyone go on with what was released, from where it was', async () => {
    const entry = newEntry();
    await (await claimed(entry, 'message-a')).release(progress(7));
    const claim = await claimed(entry, 'message-b');
    expect(claim.resume).toEqual(progress(7));
    await claim.release();
    expect((await claimed(entry, 'message-c')).resume).toEqual(progress(7));
  });

  test.each(['replaced', 'gone', 'archived'] as const)('lets an object be loaded that was %s', async (outcome) => {
    const entry = newEntry();
    await (await claimed(entry, 'message-a')).finish(outcome);
    await (await claimed(entry, 'message-b')).finish('loaded');
    expect(await ledger.claim(entry, 'message-c', inAnHour())).toEqual({ outcome: 'already_loaded' });
  });

  test('remembers the latest version of a key until it is replaced, and with it the one that it replaced', async () => {
    const id = `latest-${entries++}`;
    const [a, b] = [
      { origin: 'a', sequencer: '0A', openedAt: 1 },
      { origin: 'b', openedAt: 2 },
    ];
    expect(await ledger.remember(id, a, 400)).toEqual(a);
    expect(await ledger.remember(id, b, 400)).toEqual(a);
    expect(await ledger.remember(id, b, 400, 'c')).toEqual(a);
    cutAnswers = 1;
    expect(await ledger.remember(id, b, 400, 'a')).toEqual({ ...b, replaces: 'a' });
    expect(await ledger.remember(id, { ...b, sequencer: '0B' }, 400)).toEqual({ ...b, sequencer: '0B', replaces: 'a' });
    expect(await ledger.remember(id, b, 400)).toEqual({ ...b, sequencer: '0B', replaces: 'a' });
    expect(await ledger.remember(id, a, 400)).toEqual({ ...b, sequencer: '0B', replaces: 'a' });
  });

  test('does each write once in effect though its answer is lost and it is made again', async () => {
    const entry = newEntry();
    cutAnswers = 1;
    const claim = await claimed(entry, 'message-a');
    cutAnswers = 1;
    await claim.checkpoint(progress(1));
    cutAnswers = 1;
    await claim.finish('loaded');
    expect(await ledger.claim(entry, 'message-b', inAnHour())).toEqual({ outcome: 'already_loaded' });
    const released = newEntry();
    const other = await claimed(released, 'message-a');
    cutAnswers = 1;
    await other.release(progress(2));
    expect((await claimed(released, 'message-b')).resume).toEqual(progress(2));
  });

  test('never lets two holders write past each other, whatever the order of their steps', {
    timeout: 30_000,
  }, async () => {
    const claiming = fc.record({
      act: fc.constant('claim' as const),
      holder: fc.constantFrom('a', 'b', 'c'),
      // Over before the next step: anyone may take the entry, though its holder still runs.
      lease: fc.constantFrom('an hour', 'over'),
    });
    const writing = fc.record({
      act: fc.constantFrom('checkpoint', 'release', 'finish'),
      // Which of all claims made so far, the latest and all those it overtook.
      claim: fc.nat(),
    });
    const steps = fc.array(fc.oneof(claiming, writing), { minLength: 4, maxLength: 16 });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (each) => {
        const entry = newEntry();
        const claims: Claim[] = [];
        let held: { readonly by: string; readonly leaseIsOver: boolean } | undefined;
        let finished = false;
        let lines = 0;
        for (const step of each) {
          if (step.act === 'claim') {
            const { holder } = step;
            const leaseIsOver = step.lease === 'over';
            const got = await ledger.claim(entry, holder, leaseIsOver ? Date.now() - 1 : inAnHour());
            if (finished) expect(got).toEqual({ outcome: 'already_loaded' });
            else if (held && held.by !== holder && !held.leaseIsOver) expect(got).toEqual({ outcome: 'held' });
            else {
              if (got.outcome !== 'claimed') throw new Error(`expected a claim, got ${got.outcome}`);
              // The latest progress, and not that of a claim which had been overtaken.
              expect(got.claim.resume?.counts.lines ?? 0).toBe(lines);
              claims.push(got.claim);
              held = { by: holder, leaseIsOver };
            }
          } else if (claims.length > 0) {
            const at = step.claim % claims.length;
            const claim = claims[at] as Claim;
            const write = () => (step.act === 'finish' ? claim.finish('loaded') : claim[step.act](progress(lines + 1)));
            if (at < claims.length - 1) {
              await expect(write()).rejects.toThrow(FencedError);
              refused++;
            } else {
              await write();
              if (step.act === 'finish') finished = true;
              else lines++;
              if (step.act !== 'checkpoint') held = undefined;
            }
          }
        }
      }),
      { numRuns: 60 },
    );
    // Or the steps would have shown nothing about fencing.
    expect(refused).toBeGreaterThan(0);
  });
});
