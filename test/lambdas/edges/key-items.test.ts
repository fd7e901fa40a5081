import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { announceObject } from '../../../lambdas/core/direct/announce.ts';
import type { MemberEnd } from '../../../lambdas/core/direct/attempt-list.ts';
import { BATCH, type Batch, type Candidate } from '../../../lambdas/core/direct/batch.ts';
import type { BatchLedger } from '../../../lambdas/core/direct/ports.ts';
import { keyItemId, objectInputKey, originOf } from '../../../lambdas/core/loading/input.ts';
import { LEDGER } from '../../../lambdas/core/loading/ledger.ts';
import { sendAsVersion, type VersionMarks, versionMarks } from '../../../lambdas/core/loading/versions.ts';
import { dynamoBatches } from '../../../lambdas/edges/batches.ts';
import { dynamoLedger } from '../../../lambdas/edges/ledger.ts';
import { Items } from '../../../lambdas/edges/ledger-items.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { type LocalTable, openLocalTable } from '../../helpers/local-table.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const LATER = '2026-11-22T13:00:00Z';

let table: LocalTable;
let runs = 0;

beforeAll(async () => {
  const index = { name: LEDGER.index, partition: LEDGER.group, sort: LEDGER.since };
  table = await openLocalTable({ name: 'ledger', partition: LEDGER.key, indexes: [index] });
});
afterAll(() => table.close());

class Crash extends Error {}

type Row = VersionMarks & { readonly origin: string };

/** One version of an object on its way through the lane, which makes one request to the ledger at a time. */
class Version {
  ended = false;
  readonly origin: string;
  readonly #source: string;
  readonly #object: { bucket: string; key: string; etag: string; size: number; sequencer: string };
  readonly #rows: Row[];
  readonly #isLoaded: boolean;
  readonly #client = new DynamoDBClient(clientOptions(table.url));
  readonly #ledger: BatchLedger;
  /** Looks at the index, by many requests at once. */
  readonly #index: BatchLedger;
  #candidate: Candidate | undefined;
  #go: ((crash: boolean) => void) | undefined;
  #running = false;

  constructor(source: string, age: number, isLoaded: boolean, rows: Row[], index: BatchLedger) {
    this.#index = index;
    this.#source = source;
    this.#isLoaded = isLoaded;
    this.#rows = rows;
    this.#object = { bucket: 'logs', key: 'a.log', etag: `e${age}`, size: 1, sequencer: `00${age}` };
    this.origin = originOf(objectInputKey(source, this.#object));
    this.#ledger = dynamoBatches(this.#client, { table: 'ledger', entryDays: 400 });
    this.#client.middlewareStack.add(
      (next) => async (args) => {
        const crash = await new Promise<boolean>((resolve) => {
          this.#go = resolve;
        });
        const result = await next(args);
        if (crash) throw new Crash();
        return result;
      },
      { step: 'initialize' },
    );
  }

  /** Makes the next request, and dies after it if told to. */
  async step(crash: boolean): Promise<void> {
    if (this.ended) return;
    if (!this.#running) this.#start();
    const isAtRequest = () => this.#go !== undefined || !this.#running;
    while (!isAtRequest()) await turn();
    const go = this.#go;
    this.#go = undefined;
    go?.(crash);
    while (!isAtRequest()) await turn();
  }

  close(): void {
    this.#client.destroy();
  }

  #start(): void {
    this.#running = true;
    this.#load()
      .then(
        () => {
          this.ended = true;
        },
        (error: unknown) => {
          if (!(error instanceof Crash)) throw error;
        },
      )
      .finally(() => {
        this.#running = false;
      });
  }

  async #load(): Promise<void> {
    const { origin } = this;
    const { etag, sequencer } = this.#object;
    const ports = { ledger: this.#ledger, now: () => NOW, entryDays: 400 };
    await announceObject(this.#source, this.#object, ports);
    if (!this.#isLoaded) return;
    const keyId = keyItemId(this.#source, this.#object);
    const batch = `${this.#source}-${etag}`;
    if (!this.#candidate) {
      const waiting = await this.#index.waiting(this.#source, 'live', LATER, 100);
      this.#candidate = waiting.find(({ candidate }) => candidate.etag === etag)?.candidate as Candidate;
    }
    await this.#ledger.plan({ id: batch, source: this.#source, since: NOW.toISOString() });
    await this.#ledger.claim(batch, this.#candidate);
    await this.#ledger.advance(batch, BATCH.planned, BATCH.open);
    const open = await this.#ledger.read(batch);
    if (!open) throw new Error('expected a batch');
    const version = { origin, openedAt: 1, sequencer };
    const before = this.#candidate.id === keyId ? undefined : await this.#ledger.latestVersion(keyId);
    await this.#ledger.seal(open, 'attempt', BATCH.sealed, NOW.toISOString());
    this.#rows.push({ origin, ...versionMarks(version, before) });
    await sendAsVersion(
      version,
      (instead) => this.#ledger.remember(keyId, version, 400, instead),
      async (marks) => void this.#rows.push({ origin, ...marks }),
    );
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// One in five versions is never loaded.
test('every version that was loaded but the latest is named, in whatever order they are announced, sealed, published and die', async () => {
  const client = new DynamoDBClient(clientOptions(table.url));
  const index = dynamoBatches(client, { table: 'ledger', entryDays: 400 });
  const step = fc.record({ version: fc.nat(), crash: fc.nat(14).map((drawn) => drawn === 0) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(4), { minLength: 1, maxLength: 3 }),
      fc.array(step, { minLength: 10, maxLength: 80 }),
      async (kinds, steps) => {
        const rows: Row[] = [];
        const source = `r${runs++}`;
        const versions = kinds.map((kind, age) => new Version(source, age, kind !== 0, rows, index));
        for (const { version, crash } of steps) await versions[version % versions.length]?.step(crash);
        for (const version of versions) while (!version.ended) await version.step(false);
        const named = rows.flatMap(({ origin, replaces, replaced_by }) => [
          ...(replaces === undefined ? [] : [replaces]),
          ...(replaced_by === undefined ? [] : [origin]),
        ]);
        const loaded = versions.filter((_, age) => kinds[age] !== 0).map(({ origin }) => origin);
        expect([...new Set(named)].toSorted()).toEqual(loaded.slice(0, -1).toSorted());
        for (const version of versions) version.close();
      },
    ),
    { numRuns: 25 },
  );
  client.destroy();
}, 60_000);

// Otherwise the other lane could make it once it has expired, and begin the version there.
test('the item of a key that is about to expire is kept for whoever begins one of its versions beside it', async () => {
  const client = new DynamoDBClient(clientOptions(table.url));
  onTestFinished(() => client.destroy());
  const [firehose, source] = [dynamoLedger(client, 'ledger'), `r${runs++}`];
  const object = { bucket: 'logs', key: 'a.log', size: 1 };
  const id = keyItemId(source, object);
  const expiry = async () => Number((await new Items(client, 'ledger').get(id))?.[LEDGER.expiry]?.N);
  const days = (number: number) => Math.ceil(Date.now() / 1000) + number * 86_400;
  const version = (etag: string) => ({ origin: originOf(objectInputKey(source, { ...object, etag })), openedAt: 0 });
  const announced = (etag: string) =>
    announceObject(source, { ...object, etag }, { ledger, now: () => NOW, entryDays: 400 });
  const ledger = dynamoBatches(client, { table: 'ledger', entryDays: 400 });
  await firehose.reserve(id, version('a'), 400);
  for (const begin of [
    () => firehose.reserve(id, version('a'), 400),
    () => firehose.reserve(id, version('b'), 400),
    () => announced('a'),
    () => announced('b'),
  ]) {
    const ExpressionAttributeValues = { ':soon': { N: String(days(1)) } };
    await client.send(
      new UpdateItemCommand({
        TableName: 'ledger',
        Key: { [LEDGER.key]: { S: id } },
        UpdateExpression: `SET ${LEDGER.expiry} = :soon`,
        ExpressionAttributeValues,
      }),
    );
    await begin();
    expect(await expiry()).toBeGreaterThan(days(399));
  }
});

describe('of an object that was replaced while its batch was being written', () => {
  const A = { bucket: 'logs', key: 'a.log', etag: 'a', size: 1 };
  const B = { ...A, etag: 'b' };
  const originIn = (source: string, object: typeof A) => originOf(objectInputKey(source, object));
  const version = (source: string, object: typeof A, openedAt: number) => ({
    origin: originIn(source, object),
    openedAt,
  });

  /** A ledger in which A waits for its commit or is written, by a batch whose list says how it ended. */
  async function withSealed(source: string, ended: MemberEnd) {
    const client = new DynamoDBClient(clientOptions(table.url));
    onTestFinished(() => client.destroy());
    const lists = { findList: async () => ({ members: [{ origin: originIn(source, A), ended }] }) as never };
    const ledger = dynamoBatches(client, { table: 'ledger', entryDays: 400, lists });
    await announceObject(source, A, { ledger, now: () => NOW, entryDays: 400 });
    const [{ candidate } = { candidate: undefined }] = await ledger.waiting(source, 'live', LATER, 100);
    await ledger.plan({ id: source, source, since: NOW.toISOString() });
    await ledger.claim(source, candidate as Candidate);
    await ledger.advance(source, BATCH.planned, BATCH.open);
    await ledger.seal((await ledger.read(source)) as Batch, 'attempt', BATCH.sealed, new Date(30).toISOString());
    return { ledger, id: keyItemId(source, A) };
  }

  const loaded = (source: string) =>
    ({ outcome: 'loaded', version: version(source, A, 10), counts: {}, reasons: {}, row: {} }) as unknown as MemberEnd;

  // Without S3's numbers, as a backfill has none. B was given after A, and before the batch of A was sealed.
  test('the later version says that it replaces it: times are those at which S3 gave them', async () => {
    const source = `r${runs++}`;
    const { ledger, id } = await withSealed(source, loaded(source));
    const marks: VersionMarks[] = [];
    await sendAsVersion(
      version(source, B, 20),
      (instead) => ledger.remember(id, version(source, B, 20), 400, instead),
      async (each) => void marks.push(each),
    );
    expect(marks).toEqual([{ replaces: originIn(source, A) }]);
  });

  test('the later version replaces nothing if that one was not loaded, also before its entry says so', async () => {
    const source = `r${runs++}`;
    const { ledger, id } = await withSealed(source, { outcome: 'replaced' });
    expect(await ledger.latestVersion(id)).toBeUndefined();
    expect(await ledger.remember(id, version(source, B, 20), 400)).toEqual(version(source, B, 20));
  });
});
