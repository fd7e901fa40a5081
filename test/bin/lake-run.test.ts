import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { writeLakeVersion } from '../../local/lake-version.ts';
import { complaints, dir, lake, lakeIn, sample } from '../helpers/lake-command.ts';

const ELB_NAME =
  '123456789012_elasticloadbalancing_eu-west-1_app.shop.50dc6c495c0c9188_20260105T1005Z_192.0.2.9_ab12.log.gz';

describe('lake run', () => {
  test('says which sources a lake had that are not configured any more', async () => {
    await writeFile(join(dir, 'app.jsonl'), '{"level":"INFO"}\n');
    const from = { bucket: 'my-logs', prefix: 'gw/', notifications: 'eventbridge' };
    const sources = [{ name: 'gw', format: 'json', columns: { level: 'string' }, from }];
    const once = ['run', 'app.jsonl', '--lake', 'configured', '--source'];
    expect(await lake(...once, 'gw', '-c', `sources=${JSON.stringify(sources)}`)).toMatchObject({ code: 0 });
    const { code, stderr } = await lake(...once, 'app');
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('so that it has no tables for them: gw; give the same -c'),
    ]);
  }, 60_000);
});

describe('lake run with log groups alone, whose rows are divided on the direct lane', () => {
  test('finds its rows in the tables of the values, and says that events that come again are there again', async () => {
    const lines = ['acme', 'globex', 'acme'].map((tenant, n) => `${JSON.stringify({ tenant, n })}\n`);
    await writeFile(join(dir, 'tenants.jsonl'), lines.join(''));
    const [source, lane] = [
      { name: 'app', format: 'json', columns: { tenant: 'string' }, from: { logGroups: ['/example/app'] } },
      { delivery: 'direct', tableFormat: 'iceberg', fanOut: { by: 'tenant', allow: ['acme'], other: 'rest' } },
    ];
    const args = ['run', 'tenants.jsonl', '--source', 'app', '--lake', 'divided', '-c'];
    const run = (of: object = lane) => lake(...args, `sources=${JSON.stringify([{ ...source, ...of }])}`, '--json');
    const first = await run();
    expect([first.code, complaints(first)]).toEqual([0, []]);
    expect(JSON.parse(first.stdout).sources).toMatchObject([{ source: 'app', lines: 3, rows: 3, inTable: 3 }]);
    const { code, stderr } = await run();
    expect(code).toBe(0);
    expect(stderr).toMatch(/loaded before: 1 file, whose events are now there twice.*app_once has each once/);

    // The name without a database is then that of the Iceberg table, which has none of these rows.
    await writeFile(join(dir, 'tenants.jsonl'), '{"tenant":"acme","n":4}\n');
    const back = await run({ delivery: 'direct' });
    expect([back.code, complaints(back)]).toEqual([0, []]);
  }, 120_000);
});

// Each run synthesizes the stack: seconds on an idle machine, many on a busy one.
describe('lake run and lake query', { timeout: 240_000 }, () => {
  test('say in one line what no lake can be made of', async () => {
    await mkdir(join(dir, 'bare'));
    await writeFile(join(dir, 'bare', 'README.md'), 'no log');
    await writeFile(join(dir, 'nothing.log'), '');
    await writeFile(join(dir, 'nothing.log.gz'), gzipSync(''));

    const unknown = await lake('run', 'nothing.log', '--source', 'river', '--lake', 'never');
    const failed = await lake('run', 'gone.log', 'bare', 'nothing.log', 'nothing.log.gz', '--lake', 'never');
    const query = await lake('query', 'SELECT 1', '--lake', 'never');

    expect([unknown.code, failed.code, query.code]).toEqual([2, 1, 1]);
    expect(complaints(unknown)).toEqual([expect.stringContaining('no source river: give one of alb, kong, app')]);
    expect(complaints(failed)).toEqual([
      'lake: gone.log: no such file or folder; check the path',
      expect.stringContaining('bare: no logs in this folder'),
      'lake: nothing.log: empty file; nothing to load',
      'lake: nothing.log.gz: no lines in the compressed file; nothing to load',
    ]);
    expect(complaints(query)).toEqual([expect.stringContaining('never: no lake in this folder')]);
  });

  test('set a damaged ledger aside, say so in one line, and load', async () => {
    await mkdir(join(dir, 'damaged', 'dynamodb'), { recursive: true });
    await writeLakeVersion(join(dir, 'damaged'));
    await writeFile(join(dir, 'damaged', 'dynamodb', 'CURRENT'), 'nothing LevelDB wrote');
    await writeFile(join(dir, 'any.log'), sample('any', 3));

    const run = await lake('run', 'any.log', '--lake', 'damaged');

    expect(run.code).toBe(1);
    expect(complaints(run)).toEqual([
      expect.stringContaining(
        'damaged/dynamodb.damaged: a damaged file, set aside; it stood for entries of the ledger',
      ),
    ]);
    expect(run.stdout).toContain('alb         1      3     3');
  });

  test('say in one line that the stack of a lake is damaged, and what to do', async () => {
    await mkdir(join(dir, 'cut', 'stack'), { recursive: true });
    await writeFile(join(dir, 'cut', 'stack', 'manifest.json'), '');
    for (const args of [['query', 'SELECT 1'], ['audit']]) {
      const run = await lake(...args, '--lake', 'cut');
      expect(run.code).toBe(1);
      expect(complaints(run)).toEqual([
        'lake: cut/stack is no cloud assembly: cannot read manifest.json; ' +
          '`lake run FILE --lake cut` makes the stack anew and keeps all data',
      ]);
    }
  });

  test('say in one line that a lake is of an older version, and what to do', async () => {
    await mkdir(join(dir, 'older', 'buckets'), { recursive: true });
    await mkdir(join(dir, 'older', 'stack'));
    await writeFile(join(dir, 'any.log'), sample('any', 3));
    for (const args of [['run', 'any.log'], ['query', 'SELECT 1'], ['audit']]) {
      const run = await lake(...args, '--lake', 'older');
      expect(run.code).toBe(1);
      expect(complaints(run)).toEqual([expect.stringContaining('was made by a version before 0.2.0;')]);
    }
  });

  test('load what is good, say what is not, and answer SQL over it', async () => {
    await mkdir(join(dir, 'one'));
    await mkdir(join(dir, 'two'));
    await writeFile(join(dir, 'one', ELB_NAME), gzipSync(sample('elb', 300)));
    await writeFile(join(dir, 'one', `conn_log_${ELB_NAME}`), gzipSync('of another format'));
    await writeFile(join(dir, 'one', 'same.log'), sample('one', 20));
    await writeFile(join(dir, 'two', 'same.log'), `${sample('two', 30)}prose\n`);
    const whole = gzipSync(sample('broken', 20_000));
    await writeFile(join(dir, 'broken.log.gz'), whole.subarray(0, whole.length / 2));

    await writeFile(join(dir, 'archive.log.gz'), gzipSync('BZh91AY&SY and so on\n'.repeat(1000)));

    const run = await lake('run', 'one', 'two/same.log', 'broken.log.gz', 'archive.log.gz', 'gone.log', '--json');
    const { sources } = JSON.parse(run.stdout);
    const query = await lake(
      'query',
      'SELECT object_key, sum("rows") AS "rows", sum(rejected) AS rejected FROM loads GROUP BY 1 ORDER BY "rows"',
      '--json',
    );
    const loads: { object_key: string; rows: number; rejected: number }[] = JSON.parse(query.stdout);

    expect(run.code).toBe(1);
    expect(complaints(run).sort()).toEqual([
      expect.stringContaining('archive.log.gz: expected lines of text, gzip or zstd, got bzip2; none of its lines'),
      expect.stringContaining('broken.log.gz: expected gzip up to its end, got unexpected end of file; only the lines'),
      'lake: gone.log: no such file or folder; check the path',
    ]);
    expect(run.stderr).toContain(`conn_log_${ELB_NAME}: skipped`);
    expect(query.code).toBe(0);
    expect(loads).toEqual([
      { object_key: 'archive.log.gz', rows: 0, rejected: 1 },
      { object_key: 'same.log', rows: 20, rejected: 0 },
      { object_key: expect.stringMatching(/^[0-9a-f]{12}\/same\.log$/), rows: 30, rejected: 1 },
      {
        object_key: `AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/01/05/${ELB_NAME}`,
        rows: 300,
        rejected: 0,
      },
      { object_key: 'broken.log.gz', rows: expect.any(Number), rejected: 1 },
    ]);
    expect(sources).toHaveLength(1);
    expect(sources[0]).toMatchObject({ source: 'alb', files: 5, filtered: 0, rejected: 3 });
    expect(sources[0].lines).toBe(sources[0].rows + 3);
    expect(sources[0].rows).toBeGreaterThan(350 + 1000);
    expect(sources[0].rejections.map(({ reason }: { reason: string }) => reason).sort()).toEqual([
      'broken_gzip',
      'too_few_fields',
      'unreadable_content',
    ]);
  });

  test('say on Ctrl-C that what is loaded stays, and load the rest the next time', async () => {
    const many = Array.from({ length: 60 }, (_, index) => `many/${index}.log`);
    await mkdir(join(dir, 'many'));
    for (const [index, name] of many.entries()) await writeFile(join(dir, name), sample(`many ${index}`, 2));
    const stopped = await lakeIn({}, ['run', 'many', '--lake', 'stopped'], (child, stderr) => {
      if (stderr.includes('loading 60 files')) child.kill('SIGINT');
    });
    expect([stopped.code, complaints(stopped)]).toEqual([
      130,
      ['lake: interrupted: what is loaded stays in stopped; the same command again loads the rest'],
    ]);
    const again = await lake('run', 'many', '--lake', 'stopped');
    expect([again.code, again.stdout.split('\n')[1]]).toEqual([0, 'alb        60    120   120         0         0']);
    expect(again.stderr).not.toContain('synthesizing');
  });

  test('send files of a CloudWatch source as log events, and add to the lake that is there', async () => {
    const line =
      '192.0.2.7 - - [05/Jan/2026:10:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 5 "-" "curl/8.9.1" kong_request_id: "1f"';
    await writeFile(join(dir, 'gateway.log'), `${line}\n2026/01/05 10:00:01 [notice] 1#0: exiting\n`);

    const run = await lake('run', 'gateway.log', '--source', 'kong');
    await utimes(join(dir, 'gateway.log'), new Date(), new Date('2026-02-03T04:05:06Z'));
    const again = await lake('run', 'gateway.log', '--source', 'kong');
    const query = await lake(
      'query',
      "SELECT client_ip, request_url, split_part(log_stream, '/', 1) AS stream FROM kong",
    );
    const rows = await lake('query', 'SELECT count(*) AS found FROM alb WHERE account_id IS NOT NULL', '--csv');

    // A saved query is asked for all that was loaded, and knows on which days it arrived.
    const saved = await lake('query', 'kong-top-urls');
    expect(saved.stdout.split('\n').slice(1)).toEqual([expect.stringMatching(/^GET +\/a +1 +0 +5$/), '']);
    expect(saved.stderr).toMatch(/^kong-top-urls: 2026-01-05 10:00:00 to 2026-01-05 10:00:01 UTC, dt from 20/);
    const balance = await lake('query', 'balance-by-day', '--json');
    expect(JSON.parse(balance.stdout)).toContainEqual(
      expect.objectContaining({ source: 'kong', inputs: 1, lines: 2, rows: 1, filtered: 1, rejected: 0, missing: 0 }),
    );

    expect([run.code, complaints(run)]).toEqual([0, []]);
    expect(run.stdout.split('\n')).toEqual([
      'source  files  lines  rows  filtered  rejected',
      'kong        1      2     1         1         0',
      '',
      'source  left out by filter  lines  example',
      expect.stringMatching(/^kong {4}no_http +1 {2}2026\/01\/05 10:00:01 \[notice\] 1#0: exiting$/),
      '',
    ]);
    expect([again.code, again.stdout]).toEqual([0, run.stdout]);
    expect(again.stderr).toContain('loaded before: 1 file,');
    expect(query.stdout).toBe(['client_ip  request_url  stream', '192.0.2.7  /a           gateway.log', ''].join('\n'));
    expect(rows.stdout).toBe('found\r\n300\r\n');
  });
});
