import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { duplicatesReport } from '../../../bin/operations/duplicates.ts';
import type { LakeHandle } from '../../../bin/operations/lake-handle.ts';
import { redrive } from '../../../bin/operations/redrive.ts';
import { replayRejected } from '../../../bin/operations/replay-rejected.ts';
import { sendRows } from '../../../bin/operations/send-rows.ts';
import { continuation } from '../../../lambdas/core/loading/notification.ts';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import { numbered } from '../../../lambdas/core/tables/table.ts';
import {
  counted,
  lake,
  lay,
  lines,
  loadOf,
  parquetFiles,
  put,
  raised,
  rows,
  summary,
} from '../../helpers/each-lake.ts';
import { DRY, FIXED, REAL } from '../../helpers/operated-lake.ts';

/** URL of the dead-letter queue of a queue. */
async function deadLetters(QueueUrl: string | undefined): Promise<string | undefined> {
  const { Attributes } = await lake.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }),
  );
  const { deadLetterTargetArn } = JSON.parse(Attributes?.RedrivePolicy ?? '{}') as { deadLetterTargetArn: string };
  const QueueName = deadLetterTargetArn.slice(deadLetterTargetArn.lastIndexOf(':') + 1);
  return (await lake.sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl;
}

/** Rejected by LOG_FORMAT, a line of the format with a bar. */
const BARRED = '192.0.2.7 | [05/Jan/2026:10:00:09 +0000] "GET /barred HTTP/1.1" 200';

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
