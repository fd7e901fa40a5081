import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Claim, FencedError, LEDGER, type Ledger, type Progress } from '../../../lambdas/core/loading/ledger.ts';
import { NOTHING } from '../../../lambdas/core/loading/line-batcher.ts';
import { dynamoLedger } from '../../../lambdas/edges/ledger.ts';
import { openDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { type Endpoint, openEndpoint } from '../../../local/endpoint.ts';
import type { Service } from '../../../local/template/resource.ts';

const HOUR_MS = 3_600_000;
const dir = mkdtempSync(join(tmpdir(), 'tributary-ledger-'));
let endpoint: Endpoint;
let service: Service;
let ledger: Ledger;
/** Requests whose answer is cut off after DynamoDB has done what they ask. */
let cutAnswers = 0;

beforeAll(async () => {
  service = await openDynamoDb({
    dir,
    tables: [
      {
        logicalId: 'Ledger',
        type: 'AWS::DynamoDB::Table',
        localName: 'ledger',
        properties: {
          KeySchema: [{ AttributeName: LEDGER.key, KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: LEDGER.key, AttributeType: 'S' }],
        },
      },
    ],
  });
  endpoint = await openEndpoint((_, __, response) => {
    if (cutAnswers === 0) return false;
    cutAnswers--;
    const { end } = response;
    response.end = (() => {
      response.end = end;
      response.destroy();
      return response;
    }) as typeof response.end;
    return false;
  });
  endpoint.serve(service);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  ledger = dynamoLedger(new DynamoDBClient({ endpoint: endpoint.url, region: 'us-east-1', credentials }), 'ledger');
});

afterAll(async () => {
  await endpoint.close();
  await service.close();
  rmSync(dir, { recursive: true });
});

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
    expect((await claimed(entry, 'message-b')).resume).toEqual(progress(7));
  });

  test('lets an object be loaded whose replacement has been replaced by it', async () => {
    const entry = newEntry();
    await (await claimed(entry, 'message-a')).finish('replaced');
    await (await claimed(entry, 'message-b')).finish('loaded');
    expect(await ledger.claim(entry, 'message-c', inAnHour())).toEqual({ outcome: 'already_loaded' });
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

  test('never lets two holders write past each other, whatever the order of their steps', async () => {
    const step = fc.record({
      who: fc.constantFrom('a', 'b', 'c'),
      act: fc.constantFrom('claim', 'checkpoint', 'release', 'finish'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const entry = newEntry();
        const claims = new Map<string, Claim>();
        let owner: string | undefined;
        let done = false;
        let lines = 0;
        for (const { who, act } of steps) {
          const claim = claims.get(who);
          if (act === 'claim') {
            const got = await ledger.claim(entry, who, inAnHour());
            if (done) expect(got).toEqual({ outcome: 'already_loaded' });
            else if (owner !== undefined && owner !== who) expect(got).toEqual({ outcome: 'held' });
            else {
              if (got.outcome !== 'claimed') throw new Error(`expected a claim, got ${got.outcome}`);
              expect(got.claim.resume?.counts.lines ?? 0).toBe(lines);
              claims.clear();
              claims.set(who, got.claim);
              owner = who;
            }
          } else if (claim) {
            // Only the last claim is in the map: all earlier ones are fenced, which other tests show.
            if (act === 'finish') {
              await claim.finish('loaded');
              done = true;
            } else if (!done) {
              lines++;
              await claim[act](progress(lines));
              if (act === 'release') owner = undefined;
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
