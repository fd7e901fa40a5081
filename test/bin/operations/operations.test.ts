import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once as event } from 'node:events';
import { globSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localAlarms } from '../../../bin/alarms/local-alarms.ts';
import { audit } from '../../../bin/operations/audit.ts';
import { backfillObjects } from '../../../bin/operations/backfill-objects.ts';
import { duplicatesReport } from '../../../bin/operations/duplicates.ts';
import type { LakeHandle } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import { asSourceObject, listObjects } from '../../../bin/operations/objects.ts';
import { redrive } from '../../../bin/operations/redrive.ts';
import { replayRejected } from '../../../bin/operations/replay-rejected.ts';
import { sendRows } from '../../../bin/operations/send-rows.ts';
import { continuation } from '../../../lambdas/core/loading/notification.ts';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import { numbered } from '../../../lambdas/core/tables/table.ts';
import { dynamoLedger } from '../../../lambdas/edges/ledger.ts';
import { DRY, FIXED, lakesOf, NGINX, REAL } from '../../helpers/operated-lake.ts';

const LAKE = fileURLToPath(new URL('../../../bin/lake.ts', import.meta.url));
const CONTEXT = {
  sources: [
    { name: 'web', ...NGINX, from: { bucket: 'logs', prefix: 'web/' }, streamsPerTable: 2 },
    { name: 'app', ...NGINX, from: { logGroups: ['/demo/app'] } },
  ],
};
/** Rejected by LOG_FORMAT, a line of the format with a bar. */
const BARRED = '192.0.2.7 | [05/Jan/2026:10:00:09 +0000] "GET /barred HTTP/1.1" 200';
const newLake = lakesOf(CONTEXT);

/** The running test's own lake. */
let dir: string;
let lake: LakeHandle;

beforeEach(async () => {
  dir = newLake();
  lake = await opened();
});
afterEach(() => lake.close());

const opened = () => openLocalLake({ dir, work: false, progress: () => {} });

function lines(count: number, from = 0): string[] {
  return Array.from(
    { length: count },
    (_, index) => `192.0.2.1 - [05/Jan/2026:10:00:00 +0000] "GET /${from + index} HTTP/1.1" 200`,
  );
}

/** Puts an object as its writer would, notification included. */
async function put(key: string, text: readonly string[]): Promise<void> {
  await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: key, Body: `${text.join('\n')}\n` }));
}

/** Lays an object there of which nobody is told. */
function lay(key: string, text: readonly string[]): void {
  const file = join(dir, 'buckets/logs', key);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${text.join('\n')}\n`);
}

/** Files of the table `web`. */
function parquetFiles(): string[] {
  return globSync(join(dir, 'buckets/lake/data/web/**/*.parquet')).sort();
}

async function rows(sql: string): Promise<Readonly<Record<string, unknown>>[]> {
  return Array.fromAsync(lake.query(sql));
}

async function counted(sql: string): Promise<number> {
  const [row] = await rows(`SELECT count(*) AS found FROM ${sql}`);
  return Number(row?.found);
}

const loadOf = (key: string) =>
  rows(`SELECT kind, lines, "rows", filtered, rejected FROM loads_once WHERE object_key = '${key}'`);

const summary = async () => {
  const { findings, recent: _, queued: __, ...counts } = await audit(lake, { fix: false }, REAL);
  return { ...counts, findings: findings.map(({ finding, what }) => `${finding} ${what}`).sort() };
};

describe('lake audit', () => {
  test('names files that were set aside, finds the objects that they stood for, and has those loaded', async () => {
    const [queueName, streamName] = [basename(lake.queueUrl ?? ''), lake.loadsStream];
    await lake.close();
    lay('web/unannounced.log', lines(3));
    const id = 'c0ffee00-0000-4000-8000-000000000000';
    const [queue, events, spool] = [
      `queues/${queueName}/${id}.json`,
      `invocations/load-log-events/${id}.250-events.json`,
      `firehose/${streamName}/1_${id}.spool`,
    ] as const;
    for (const file of [queue, events, spool]) {
      mkdirSync(dirname(join(dir, file)), { recursive: true });
      writeFileSync(join(dir, file), '');
    }
    lake = await opened();
    expect(
      (await lake.settle()).map((problem) => problem.replace(`${dir}/`, '').replace(/; `lake audit.*/, '')),
    ).toEqual([
      `${queue}.damaged: a damaged file, set aside; it stood for a message of queue ${queueName}`,
      `${events}.damaged: a damaged file, set aside; it stood for 250 log events for function load-log-events`,
      `${spool}.damaged: a damaged file, set aside; it stood for an unknown number of records of stream ${streamName}`,
    ]);

    const damaged = [queue, events, spool].map((file) => `damaged ${file}.damaged`).sort();
    expect(await summary()).toMatchObject({
      ...{ objects: 1, missing: 1, damaged: 3 },
      findings: [...damaged, 'missing s3://logs/web/unannounced.log'],
    });
    expect((await audit(lake, { fix: true }, REAL)).queued).toBe(1);
    await lake.settle();
    for (const file of [queue, events, spool]) rmSync(join(dir, `${file}.damaged`));
    expect(await summary()).toMatchObject({ objects: 1, balanced: 1, damaged: 0, findings: [] });
    expect(await counted('web')).toBe(3);
  });

  test('finds what is missing, unfinished or no longer in the tables, and has it loaded again', async () => {
    await put('web/a.log', [...lines(5), 'prose']);
    await lake.settle();
    await put('web/b.log', lines(7, 100));
    await lake.settle();
    expect(await summary()).toEqual({
      ...{ objects: 2, balanced: 2, unbalanced: 0, unfinished: 0, missing: 0, notLoaded: 0, damaged: 0 },
      findings: [],
    });

    const [file] = parquetFiles();
    rmSync(file ?? '');
    lay('web/missing.log', lines(2, 200));
    lay('web/unfinished.log', lines(3, 300));
    lay('other/no-log-of-ours.log', lines(1));
    const [object] = (await Array.fromAsync(listObjects(lake, { bucket: 'logs', prefix: 'web/unf' }))).flat();
    const found = object && asSourceObject(lake, object);
    if (typeof found !== 'object') throw new Error('the object is of no source');
    const entry = { id: found.id, source: 'web', label: found.object.key, keepDays: lake.ledgerDays };
    await dynamoLedger(lake.dynamodb, lake.ledgerTable).claim(entry, 'a message that died', Date.now() + 600_000);

    const broken = {
      ...{ objects: 4, balanced: 1, unbalanced: 1, unfinished: 1, missing: 1, notLoaded: 0, damaged: 0 },
      findings: [
        'missing s3://logs/web/missing.log',
        expect.stringMatching(/^unbalanced s3:\/\/logs\/web\/[ab]\.log$/),
        'unfinished s3://logs/web/unfinished.log',
      ],
    };
    expect(await summary()).toEqual(broken);
    expect(await audit(lake, { fix: true }, DRY)).toMatchObject({ queued: 3 });
    expect(await lake.settle()).toEqual([]);
    expect(await summary()).toEqual(broken);

    expect(await audit(lake, { fix: true }, REAL)).toMatchObject({ queued: 3 });
    expect(await lake.settle()).toEqual([]);
    expect(await summary()).toMatchObject({ objects: 4, balanced: 4, findings: [] });
    expect(await counted('web_once')).toBe(5 + 7 + 2 + 3);
  });

  test('counts what was deleted before it was loaded, and has it loaded when it is there again', async () => {
    await put('web/kept.log', lines(5));
    await put('web/gone.log', lines(3));
    const file = join(dir, 'buckets/logs/web/gone.log');
    rmSync(file);
    expect(await lake.settle()).toEqual([]);
    expect(await rows('SELECT object_key, not_loaded, lines FROM loads ORDER BY lines')).toEqual([
      { object_key: 'web/gone.log', not_loaded: 'gone', lines: 0 },
      { object_key: 'web/kept.log', not_loaded: null, lines: 5 },
    ]);
    const counts = { objects: 2, unbalanced: 0, unfinished: 0, damaged: 0 };
    expect(await summary()).toEqual({ ...counts, balanced: 1, missing: 0, notLoaded: 1, findings: [] });

    lay('web/gone.log', lines(3));
    expect(await summary()).toEqual({
      ...{ ...counts, balanced: 1, missing: 1, notLoaded: 0 },
      findings: ['missing s3://logs/web/gone.log'],
    });
    expect(await audit(lake, { fix: true }, REAL)).toMatchObject({ queued: 1 });
    expect(await lake.settle()).toEqual([]);
    expect(await summary()).toEqual({ ...counts, balanced: 2, missing: 0, notLoaded: 0, findings: [] });
    expect(await counted('web_once')).toBe(5 + 3);
  });
});

/** The alarms that are raised. */
function raised(): string[] {
  return localAlarms(dir, Date.now()).flatMap(({ name, state }) => (state === 'ALARM' ? [name] : []));
}

/** URL of the dead-letter queue of a queue. */
async function deadLetters(QueueUrl: string | undefined): Promise<string | undefined> {
  const { Attributes } = await lake.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }),
  );
  const { deadLetterTargetArn } = JSON.parse(Attributes?.RedrivePolicy ?? '{}') as { deadLetterTargetArn: string };
  const QueueName = deadLetterTargetArn.slice(deadLetterTargetArn.lastIndexOf(':') + 1);
  return (await lake.sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl;
}

describe('lake alarms', () => {
  test('an object of another format raises the alarm of its source, and no other', async () => {
    await put('web/good.log', lines(40, 700));
    await lake.settle();
    expect(raised()).toEqual([]);
    await put('web/foreign.log', ['{"level":"info"}', '{"level":"warn"}']);
    await lake.settle();
    expect(raised()).toEqual(['tributary-lines-web']);
  });

  test('a record that Firehose cannot convert raises the alarm of its delivery', async () => {
    await lake.firehose.send(
      new PutRecordBatchCommand({ DeliveryStreamName: 'streams-web', Records: [{ Data: Buffer.from('no row') }] }),
    );
    await lake.settle();
    expect(raised()).toEqual(['tributary-delivery-web']);
  });
});

describe('lake redrive', () => {
  test('sends dead letters again, which load once their cause is gone', async () => {
    const late = lines(4, 400);
    const etag = createHash('md5')
      .update(`${late.join('\n')}\n`)
      .digest('hex');
    const MessageBody = continuation({ bucket: 'logs', key: 'web/late.log', etag });
    await lake.sqs.send(new SendMessageCommand({ QueueUrl: await deadLetters(lake.queueUrl), MessageBody }));
    expect((await redrive(lake, DRY, [])).deadLetters).toEqual({ redriven: 1, failedAgain: 0 });
    expect((await redrive(lake, DRY, [])).deadLetters).toEqual({ redriven: 1, failedAgain: 0 });
    expect(raised()).toEqual(['tributary-dead-letters']);

    lay('web/late.log', late);
    expect((await redrive(lake, REAL, [])).deadLetters).toEqual({ redriven: 1, failedAgain: 0 });
    await lake.settle();
    expect((await redrive(lake, DRY, [])).deadLetters).toEqual({ redriven: 0, failedAgain: 0 });
    expect(await counted('web_once')).toBe(4);
    expect((await summary()).findings).toEqual([]);
    expect(raised()).toEqual([]);
  });

  test('sends the dead letters of the duplicate check to its own queue, where they are checked', async () => {
    await put('web/unchecked.log', lines(4, 450));
    await lake.settle();
    const checked = async () => (await duplicatesReport(lake, { source: 'web' })).sources[0]?.redelivered ?? 0;
    const before = await checked();
    const etag = createHash('md5')
      .update(`${lines(4, 450).join('\n')}\n`)
      .digest('hex');
    const MessageBody = continuation({ bucket: 'logs', key: 'web/unchecked.log', etag });
    await lake.sqs.send(new SendMessageCommand({ QueueUrl: await deadLetters(lake.checkQueueUrl), MessageBody }));
    const counts = { deadLetters: { redriven: 0, failedAgain: 0 }, checkDeadLetters: { redriven: 1, failedAgain: 0 } };
    expect(await redrive(lake, DRY, [])).toMatchObject(counts);
    expect(await redrive(lake, REAL, [])).toMatchObject(counts);
    await lake.settle();
    expect((await redrive(lake, DRY, [])).checkDeadLetters).toEqual({ redriven: 0, failedAgain: 0 });
    // The check recognises an object that it has checked before: this one was delivered to it again.
    expect(await checked()).toBe(before + 1);
  });

  test('loads the events Lambda gave up, and says which it cannot', async () => {
    const prefix = 'aws/lambda/async/load-log-events/2026/01/05/';
    const record = (logGroup: string) => {
      const payload = {
        messageType: 'DATA_MESSAGE',
        ...{ owner: '123456789012', logGroup, logStream: 'one', subscriptionFilters: ['filter'] },
        logEvents: lines(3, 500).map((message, index) => ({ id: `id-${index}`, timestamp: 1, message })),
      };
      const data = gzipSync(JSON.stringify(payload)).toString('base64');
      return JSON.stringify({ requestContext: { requestId: 'r-1' }, requestPayload: { awslogs: { data } } });
    };
    const keep = (name: string, Body: string) =>
      lake.s3.send(new PutObjectCommand({ Bucket: lake.lakeBucket, Key: `${prefix}${name}`, Body }));
    await keep('good', record('/demo/app'));
    await keep('good-again', record('/demo/app'));
    await keep('stranger', record('/demo/nobody'));
    await keep('torn', '{"requestContext":');

    expect((await summary()).unfinished).toBe(4);
    expect((await redrive(lake, DRY, [])).failedEvents).toMatchObject({ found: 4, loaded: 0, left: 0 });
    const problems: string[] = [];
    expect((await redrive(lake, REAL, problems)).failedEvents).toEqual({
      ...{ found: 4, loaded: 1, alreadyLoaded: 1, left: 2 },
    });
    expect(problems).toEqual([
      expect.stringContaining('stranger: not loaded: no source has the log group /demo/nobody'),
      expect.stringContaining('torn: not loaded: expected an invocation record'),
    ]);
    await lake.settle();
    expect(await counted("app_once WHERE log_stream = 'one'")).toBe(3);
  });

  test('rejects the bad rows of a failed record, sends the others and keeps the balance', async () => {
    await put('web/converted.log', lines(6, 600));
    await lake.settle();
    const [{ origin } = {}] = await rows(`SELECT origin FROM loads WHERE object_key = 'web/converted.log'`);
    const web = lake.sources.find(({ settings }) => settings.name === 'web');
    const keys = new Map(numbered(web?.format.columns ?? {}).map(({ name, key }) => [name, key]));
    // As if Firehose had not been able to convert the fourth line's row, and with it the record.
    for (const file of parquetFiles()) rmSync(file);
    const row = (position: number, status: unknown) =>
      JSON.stringify({
        ...{ 0: origin, 1: position },
        [keys.get('client_ip') ?? '']: '192.0.2.1',
        [keys.get('status_code') ?? '']: status,
      });
    const good = [1, 2, 3, 5, 6].map((position) => row(position, 200));
    await sendRows(lake, web?.settings.streams ?? [], [...good, row(4, 'abc')]);
    expect(await lake.settle()).toContainEqual(expect.stringContaining('1 record could not be converted'));
    expect(await loadOf('web/converted.log')).toMatchObject([{ kind: 'object', rows: 6, rejected: 0 }]);

    const counts = { objects: 1, records: 1, rowsSent: 5, rowsRejected: 1, left: 0 };
    expect((await redrive(lake, DRY, [])).failedRecords).toEqual(counts);
    expect((await redrive(lake, REAL, [])).failedRecords).toEqual(counts);
    await lake.settle();
    expect((await redrive(lake, REAL, [])).failedRecords).toMatchObject({ objects: 0, left: 0 });
    const [rejected] = await rows(`SELECT * FROM rejected_lines WHERE reason = 'conversion_failed'`);
    expect(rejected).toMatchObject({ origin, position: 4, source: 'web' });
    expect(JSON.parse(String(rejected?.raw))).toMatchObject({
      client_ip: '192.0.2.1',
      status_code: 'abc',
      position: 4,
    });
    expect(await loadOf('web/converted.log')).toEqual([
      { kind: 'amended', lines: 6, rows: 5, filtered: 0, rejected: 1 },
    ]);
    expect((await summary()).findings).toEqual([]);
  });
});

/** The lake after its sources have learnt another log_format. */
function withFormat(logFormat: string): LakeHandle {
  const settings = lake.sources.map((source) => source.settings);
  return {
    ...lake,
    sources: compiledSources(settings.map((each) => ({ ...each, options: { ...each.options, logFormat } }))),
  };
}

describe('lake replay-rejected', () => {
  test('makes rows of the lines that a fix can read, once, and keeps the balance', async () => {
    await put('web/barred.log', [...lines(2, 700), BARRED, 'more prose', BARRED]);
    await lake.settle();
    expect(await loadOf('web/barred.log')).toEqual([{ kind: 'object', lines: 5, rows: 2, filtered: 0, rejected: 3 }]);
    const fixed = withFormat(FIXED);
    const task = { where: "raw LIKE '192.0.2.7%' OR raw = 'more prose'", since: new Date(Date.now() - 3_600_000) };
    const counts = { lines: 3, replayed: 2, stillRejected: 1, cut: 0, notLoaded: 0 };

    expect(await replayRejected(lake, task, REAL)).toMatchObject({ replayed: 0, stillRejected: 3 });
    expect(await replayRejected(fixed, task, DRY)).toEqual(counts);
    expect(await replayRejected(fixed, task, REAL)).toEqual(counts);
    // At once, before the rows are in the table.
    expect(await replayRejected(fixed, task, REAL)).toEqual({ ...counts, lines: 1, replayed: 0 });
    await lake.settle();
    expect(await replayRejected(fixed, task, REAL)).toEqual({ ...counts, lines: 1, replayed: 0 });
    await lake.settle();

    expect(await counted('web')).toBe(2 + 2);
    expect(await rows(`SELECT position FROM web WHERE request_url = '/barred' ORDER BY position`)).toEqual([
      { position: 3 },
      { position: 5 },
    ]);
    expect(await loadOf('web/barred.log')).toEqual([{ kind: 'amended', lines: 5, rows: 4, filtered: 0, rejected: 1 }]);
    expect((await summary()).findings).toEqual([]);
  });

  test('a replay broken off when its rows were sent counts them in loads when it is run again', async () => {
    await put('web/barred-too.log', [...lines(2, 800), BARRED]);
    await lake.settle();
    const fixed = withFormat(FIXED);
    const [load] = await rows("SELECT origin FROM loads WHERE object_key = 'web/barred-too.log'");
    const task = { where: `origin = '${load?.origin}'` };
    await expect(replayRejected({ ...fixed, loadsStream: 'gone' }, task, REAL)).rejects.toThrow('gone');
    await lake.settle();
    expect((await summary()).findings).toEqual(['unbalanced s3://logs/web/barred-too.log']);

    expect(await replayRejected(fixed, task, REAL)).toMatchObject({ lines: 1, replayed: 1 });
    await lake.settle();
    expect(await replayRejected(fixed, task, REAL)).toMatchObject({ lines: 0, replayed: 0 });
    expect(await loadOf('web/barred-too.log')).toEqual([
      { kind: 'amended', lines: 3, rows: 3, filtered: 0, rejected: 0 },
    ]);
    expect((await summary()).findings).toEqual([]);
  });
});

describe('lake backfill', () => {
  const task = { bucket: 'logs', prefix: 'web/old/', reload: false };
  const layOld = (count: number) => {
    for (let number = 0; number < count; number++) {
      lay(`web/old/${String(number).padStart(3, '0')}.log`, lines(1, 1000 + number));
    }
  };

  test('a backfill killed midway and run again has loaded every object once', { timeout: 180_000 }, async () => {
    const count = 105;
    layOld(count);
    const listed = { listed: count, queued: count, old: 0, alreadyLoaded: 0, outOfTime: 0, noLogs: 0, refused: 0 };
    expect(await backfillObjects(lake, task, DRY)).toEqual(listed);
    expect(await counted('loads')).toBe(0);
    await lake.close();

    const states = join(dir, 'operations/backfill-*.json');
    const args = ['backfill', 's3://logs/web/old/', '--rate', '50', '--lake', dir];
    const child = spawn(process.execPath, [LAKE, ...args], { stdio: 'ignore' });
    const ended = event(child, 'close');
    while (globSync(states).length === 0 && child.exitCode === null) await sleep(20);
    child.kill('SIGKILL');
    await ended;
    expect(globSync(states)).toHaveLength(1);
    lake = await opened();

    expect(await backfillObjects(lake, task, REAL)).toEqual(listed);
    expect(await lake.settle()).toEqual([]);
    expect(globSync(states)).toEqual([]);
    expect(await counted('web_once WHERE origin IN (SELECT origin FROM loads)')).toBe(count);
    expect((await summary()).findings).toEqual([]);
    expect(await backfillObjects(lake, task, REAL)).toEqual({ ...listed, queued: 0, alreadyLoaded: count });
  });

  test('counts before it starts the objects whose rows will lie under another day than their events', async () => {
    layOld(2);
    utimesSync(join(dir, 'buckets/logs/web/old/000.log'), new Date(), new Date('2026-01-05T10:00:00Z'));
    expect(await backfillObjects(lake, task, DRY)).toMatchObject({ listed: 2, queued: 2, old: 1 });
  });

  test('loads again what is loaded only when asked to, with the same origin and position', async () => {
    layOld(2);
    await backfillObjects(lake, task, REAL);
    await lake.settle();
    expect(await backfillObjects(lake, task, REAL)).toMatchObject({ queued: 0, alreadyLoaded: 2 });
    const files = parquetFiles();
    expect([await counted('web'), await counted('web_once')]).toEqual([2, 2]);

    const one = { ...task, prefix: 'web/old/000', reload: true };
    expect(await backfillObjects(lake, { ...one, until: new Date(0) }, REAL)).toMatchObject({ outOfTime: 1 });
    expect(await backfillObjects(lake, one, REAL)).toMatchObject({ listed: 1, queued: 1 });
    await lake.settle();
    expect([await counted('web'), await counted('web_once')]).toEqual([3, 2]);

    // The repeat came a day later.
    const [file = ''] = parquetFiles().filter((each) => !files.includes(each));
    const later = join(dir, 'buckets/lake/data/web/dt=2099-12-31');
    mkdirSync(later);
    renameSync(file, join(later, basename(file)));
    expect([await counted('web'), await counted('web_once')]).toEqual([3, 2]);
    expect(await counted("web_once WHERE dt = '2099-12-31'")).toBe(1);
    expect((await summary()).findings).toEqual([]);
  });

  test('refuses a place of no source, naming the places there are', async () => {
    await expect(backfillObjects(lake, { ...task, bucket: 'elsewhere' }, REAL)).rejects.toThrow(
      's3://elsewhere/web/old/: expected a prefix of a source: s3://logs/web/ (web)',
    );
  });
});
