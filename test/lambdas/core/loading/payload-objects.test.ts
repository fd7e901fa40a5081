import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { objectToCheck } from '../../../../lambdas/core/duplicates/input-to-check.ts';
import { Pager } from '../../../../lambdas/core/duplicates/pages.ts';
import { originOf, payloadInputKey } from '../../../../lambdas/core/loading/input.ts';
import { LineBatcher, MAX_REJECTED_KEPT } from '../../../../lambdas/core/loading/line-batcher.ts';
import { readPayload } from '../../../../lambdas/core/loading/payload.ts';
import { readObject } from '../../../../lambdas/core/loading/read-object.ts';
import { rejectedTable } from '../../../../lambdas/core/tables/lake-tables.ts';
import { OWN, sourceTable } from '../../../../lambdas/core/tables/table.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { rowsByName } from '../../../helpers/rows.ts';

const format = compiled('json', { columns: { n: 'int' } });
const table = sourceTable('app', '', format.columns, 'events');
const COMMON = { source: 'app', format, lane: 'events', keepRaw: 'never', now: () => new Date(0) } as const;
const TIME = 1_795_348_980_138;

function payload(stream: string, messages: readonly string[]): Buffer {
  const logEvents = messages.map((message, index) => ({ id: `${stream}${index}`, timestamp: TIME + index, message }));
  const of = { owner: '123456789012', logGroup: '/ecs/app', logStream: stream, subscriptionFilters: ['lake'] };
  return gzipSync(JSON.stringify({ messageType: 'DATA_MESSAGE', ...of, logEvents }));
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function readAll(bytes: Buffer): Promise<LineBatcher> {
  const batcher = new LineBatcher({ ...COMMON, origin: 'object', shared: new Map() });
  await readObject(
    batcher,
    once(bytes),
    async () => once(bytes),
    async () => true,
    'events',
  );
  return batcher;
}

/** What the function makes of a payload that it gets alone. */
function aloneRows(gzip: Buffer) {
  const read = readPayload({ awslogs: { data: gzip.toString('base64') } });
  if (!read) throw new Error('expected a payload');
  const shared = new Map<string, string>([
    [OWN.logGroup.name, read.logGroup],
    [OWN.logStream.name, read.logStream],
  ]);
  const batcher = new LineBatcher({ ...COMMON, origin: originOf(payloadInputKey('app', read)), shared });
  for (const block of read.blocks) batcher.readEvents(block);
  batcher.end();
  return batcher.takeRemaining().flatMap(({ rows }) => rowsByName(rows, table));
}

describe('an object of payloads of log groups', () => {
  const messages = ['{"n":1}', 'no JSON', '{"n":2}', '{"n":"x"}', ''];
  const payloads = [
    payload('web/1', messages),
    payload('web/2', ['{"n":3}', '{"n":4}']),
    payload('web/1', ['{"n":5}']),
  ];

  test('has the rows of its payloads alone, which say of which payload they are, and positions of their own', async () => {
    const [batch] = (await readAll(Buffer.concat(payloads))).takeRemaining();
    const rows = rowsByName(batch?.rows ?? [], table);
    expect(rows.map(({ position }) => position)).toEqual([1, 3, 4, 6, 7, 8]);
    const alone = payloads.flatMap(aloneRows);
    expect(
      rows.map(({ payload: origin, payload_position: position, ...row }) => ({ ...row, origin, position })),
    ).toEqual(alone);
    const [rejected] = rowsByName(batch?.rejected ?? [], rejectedTable);
    expect(rejected).toMatchObject({
      position: 2,
      payload_position: 2,
      payload: alone[0]?.origin,
      log_stream: 'web/1',
    });
  });

  test('loses one payload that is broken, and what is no payload, each as one rejected line', async () => {
    const [first, second, third] = payloads as [Buffer, Buffer, Buffer];
    const broken = second.subarray(0, 30);
    const batcher = await readAll(Buffer.concat([first, broken, gzipSync('{"no":"payload"}'), third]));
    expect(batcher.counts).toMatchObject({ lines: 8, rows: 4, filtered: 1, rejected: 3, unverifiedRows: 0 });
    expect(Object.fromEntries(batcher.reasons)).toMatchObject({ broken_gzip: 1, bad_payload: 1 });
  });

  test('keeps as many rejected lines of each payload as of one that comes alone', async () => {
    const flood = Array.from({ length: MAX_REJECTED_KEPT + 5 }, () => 'no JSON');
    const batcher = await readAll(Buffer.concat([payload('web/1', flood), payload('web/2', ['no JSON', ...messages])]));
    const kept = batcher.takeRemaining().flatMap(({ rejected }) => rowsByName(rejected, rejectedTable));
    const streams = kept.map(({ log_stream: stream }) => stream);
    expect(streams.filter((stream) => stream === 'web/1')).toHaveLength(MAX_REJECTED_KEPT);
    expect(streams.filter((stream) => stream === 'web/2')).toHaveLength(2);
    expect(batcher.counts.rejected).toBe(MAX_REJECTED_KEPT + 7);
  });

  test('is checked for duplicates event by event, each under its own time', async () => {
    const settings = { name: 'app', format: 'json', lane: 'events', logGroups: ['/ecs/app'] } as const;
    const bytes = Buffer.concat(payloads);
    const object = { bucket: 'payloads', key: 'log-groups/app/1.gz', etag: 'e', size: bytes.length };
    const delivery = { holder: 'message', arrivedAt: 0, retried: false };
    let records = 0;
    const minutes = new Set<number>();
    const pager = new Pager({
      ...{ sampleRate: 1, from: 0, to: 2 ** 31 - 1 },
      take: ({ count, minute }) => {
        records += count;
        minutes.add(minute);
      },
    });
    const input = objectToCheck({ settings, format }, object, delivery, async () => once(bytes));
    await input.read(pager, async () => {});
    expect(records).toBe(7);
    expect([...minutes].map((minute) => Math.floor(minute / 60))).toEqual([Math.floor(TIME / 3_600_000)]);
  });
});
