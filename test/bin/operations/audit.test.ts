import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { describe, expect, test } from 'vitest';
import { audit } from '../../../bin/operations/audit.ts';
import { asSourceObject, listObjects } from '../../../bin/operations/objects.ts';
import { dynamoLedger } from '../../../lambdas/edges/ledger.ts';
import {
  counted,
  dir,
  lake,
  lay,
  lines,
  open,
  parquetFiles,
  put,
  raised,
  rows,
  summary,
} from '../../helpers/each-lake.ts';
import { DRY, REAL } from '../../helpers/operated-lake.ts';

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
    await open();
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
