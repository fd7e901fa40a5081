import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { writeLakeVersion } from '../../local/lake-version.ts';
import { everydayAlbLines } from '../helpers/alb.ts';
import { sharedFolder, temporaryFolder } from '../helpers/folder.ts';

const LAKE = fileURLToPath(new URL('../../bin/lake.ts', import.meta.url));
const ELB_NAME =
  '123456789012_elasticloadbalancing_eu-west-1_app.shop.50dc6c495c0c9188_20260105T1005Z_192.0.2.9_ab12.log.gz';
const FROM = Date.parse('2026-01-05T10:00:00Z');

const dir = sharedFolder();

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function lake(...args: readonly string[]): Promise<Ended> {
  return lakeIn({}, args);
}

/**
 * @param variables of the environment, which otherwise says nothing of a terminal
 * @param watch is called whenever the command has written to stderr
 */
function lakeIn(
  variables: Readonly<Record<string, string>>,
  args: readonly string[],
  watch?: (child: ChildProcess, stderr: string) => void,
): Promise<Ended> {
  const { COLUMNS: _, FORCE_COLOR: __, NO_COLOR: ___, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const options = {
      cwd: dir,
      env: { ...env, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    };
    const child = spawn(process.execPath, [LAKE, ...args], options);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    if (watch) child.stderr.on('data', () => watch(child, stderr));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const sample = (seed: string, lines: number) =>
  everydayAlbLines(seed, lines, { from: FROM, node: '192.0.2.9' })
    .map((line) => `${line}\n`)
    .join('');

/** The lines a command addresses to its user, without progress. */
const complaints = ({ stderr }: Ended) => stderr.split('\n').filter((line) => line.startsWith('lake: '));

describe('lake', () => {
  test('with --help tells the commands and exits with 0', async () => {
    const { code, stdout } = await lake('--help');

    expect(code).toBe(0);
    for (const command of ['demo', 'run', 'query', 'formats', 'parse']) expect(stdout).toContain(`\n  ${command} `);
  });

  test.each([
    ['no command', []],
    ['an unknown command', ['walk']],
    ['an unknown option', ['query', 'SELECT 1', '--yaml']],
    ['no file', ['run']],
    ['a context param without a value', ['run', 'a.log', '-c', 'bufferSizeMiB']],
    ['an unknown source', ['run', 'a.log', '--source', 'river']],
    ['an unknown param', ['run', 'a.log', '-c', 'bufferSize=64']],
    ['a param that cannot be', ['plan', '--lines-per-day', '1e9', '-c', 'bufferSizeMiB=1']],
    ['an option of a format that is no JSON', ['parse', '-f', 'json', '-o', 'columns={', 'a.log']],
    ['an option that the format does not have', ['parse', '-f', 'alb', '-o', 'colums={}', 'a.log']],
    ['lines to prove without their source', ['prove', '--lines', 'a.log']],
    ['an unknown format', ['parse', '--format', 'morse', 'a.log']],
    ['no place to backfill', ['backfill']],
    ['a place to backfill that is no s3 URL', ['backfill', 'landing/a']],
    ['a log group to backfill without its time', ['backfill', '--log-group', '/app', '--since', '1h']],
  ])('exits with 2 for %s', async (_name, args) => {
    const { code, stdout, stderr } = await lake(...args);

    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toBe('');
  });

  test.each([
    ['two kinds of output at once', ['query', 'SELECT 1', '--csv'], 2, /'--json' cannot be used with option '--csv'$/],
    ['an unknown command', ['qurey'], 2, /^unknown command 'qurey' \(Did you mean query\?\)$/],
    ['an unknown param', ['plan', '--lines-per-day', '1', '-c', 'scanLimit=1'], 2, /did you mean scanLimitGiB\?$/],
    ['no lake', ['query', 'SELECT 1', '--lake', 'none'], 1, /^none: no lake in this folder/],
  ])('with --json gives an error as one JSON document too, for %s', async (_name, args, exitCode, message) => {
    const { code, stdout, stderr } = await lake(...args, '--json');

    expect(code).toBe(exitCode);
    expect(JSON.parse(stdout)).toEqual({ error: { message: expect.stringMatching(message), exitCode } });
    expect(stderr).toMatch(/^lake: .+\n$/);
  });

  test('shows the error in colour and wrapped only where a terminal would show it', async () => {
    const args = ['run', 'a.log', '-c', 'scanLimit=1'];
    const plain = 'lake: scanLimit: unknown param, did you mean scanLimitGiB?\n';
    expect((await lake(...args)).stderr).toBe(plain);
    expect((await lakeIn({ FORCE_COLOR: '1' }, args)).stderr).toBe(plain.replace('lake:', '\x1b[31mlake:\x1b[39m'));
    expect((await lakeIn({ COLUMNS: '40' }, args)).stderr).toBe(plain.replace(' mean', '\n  mean'));
  });

  test('refuses to empty a folder that holds no lake', async () => {
    await mkdir(join(dir, 'precious'));
    await writeFile(join(dir, 'precious', 'letter.txt'), 'dear');
    const ended = await lake('demo', '--lake', 'precious');

    expect(ended.code).toBe(1);
    expect(complaints(ended)).toEqual([
      expect.stringContaining('precious: this folder contains files that do not belong to a lake (letter.txt)'),
    ]);
    expect(await readdir(join(dir, 'precious'))).toEqual(['letter.txt']);
  });

  test.each([
    ['a folder named as one of a lake', 'sample', undefined, 'this folder contains no lake, so'],
    [
      'something beside a lake',
      'locks',
      'letter.txt',
      'this folder contains files that do not belong to a lake (letter.txt), so',
    ],
  ])('refuses to empty a folder with %s', async (_, folder, file, message) => {
    const precious = temporaryFolder();
    await mkdir(join(precious, folder));
    if (file) await writeFile(join(precious, file), 'dear');
    const ended = await lake('demo', '--lake', precious);

    expect(ended.code).toBe(1);
    expect(complaints(ended)).toEqual([expect.stringContaining(message)]);
    expect(await readdir(precious)).toEqual([file, folder].filter((name) => name).sort());
  });
});

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

describe('lake formats', () => {
  test('gives each format with its columns as one JSON document', async () => {
    const { code, stdout } = await lake('formats', '--json');
    const formats: { name: string; columns: { name: string; type: string }[] | null }[] = JSON.parse(stdout);

    expect(code).toBe(0);
    expect(formats.find(({ name }) => name === 'alb')?.columns?.slice(0, 2)).toMatchObject([
      { name: 'type', type: 'string' },
      { name: 'time', type: 'timestamp' },
    ]);
  });
});

describe('lake parse', () => {
  test('shows rows with their errors and rejections with their reasons', async () => {
    const lines = sample('parse', 2).split('\n');
    await writeFile(
      join(dir, 'parse.log'),
      [lines[0], (lines[1] ?? '').replace(/ \d+ (?=\d+ ")/, ' 12x '), 'prose', ''].join('\n'),
    );
    const { code, stdout } = await lake('parse', '--format', 'alb', '--json', 'parse.log');

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      lines: 3,
      rows: 2,
      rejected: 1,
      fieldErrors: 1,
      reasons: { too_few_fields: 1 },
      parsed: [
        { line: 1, outcome: 'row', columns: { elb: 'app/shop/50dc6c495c0c9188' } },
        {
          line: 2,
          outcome: 'row',
          columns: { errors: { received_bytes: { value: '12x', reason: 'not a whole number' } } },
        },
        { line: 3, outcome: 'rejected', reason: 'too_few_fields', raw: 'prose' },
      ],
    });
  });

  test('takes options of the format', async () => {
    await writeFile(join(dir, 'own.json'), '{"a":9007199254740993,"b":true}\n');
    const columns = 'columns={"a":"bigint"}';
    const { code, stdout } = await lake('parse', '-f', 'json', '-o', columns, '--json', 'own.json');

    expect(code).toBe(0);
    expect(JSON.parse(stdout).parsed).toEqual([
      { line: 1, outcome: 'row', columns: { a: '9007199254740993', extra: { b: 'true' } } },
    ]);
  });

  test('takes an option that is text as it stands, whatever it begins with', async () => {
    const read = async (name: string, line: string, ...options: string[]) => {
      await writeFile(join(dir, name), `${line}\n`);
      const { code, stdout } = await lake('parse', '-f', 'nginx', ...options.flatMap((o) => ['-o', o]), '--json', name);
      expect(code).toBe(0);
      return JSON.parse(stdout).parsed[0].columns;
    };
    expect(await read('brackets.log', '[2026-11-22T10:00:00Z] 200', 'logFormat=[$time_iso8601] $status')).toEqual({
      log_time: '2026-11-22 10:00:00',
      status_code: 200,
    });
    expect(await read('braces.log', '{"status":"200"}', 'logFormat={"status":"$status"}', 'escape=json')).toEqual({
      status_code: 200,
    });
  });

  test('shows of each line what it became, why, and the envelope that it was in', async () => {
    const request = '192.0.2.10 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"';
    const lines = [
      `2026-11-22T10:00:00.5Z stdout F ${request}`,
      JSON.stringify({ log: request, stream: 'stderr', time: '2026-11-22T10:00:00Z' }),
      'prose',
      '',
      '{"log":"","stream":"stdout"}',
      request.replace('192.0.2.10', '127.0.0.1'),
    ];
    await writeFile(join(dir, 'envelopes.log'), lines.map((line) => `${line}\n`).join(''));
    const { stdout } = await lake('parse', '-f', 'nginx', 'envelopes.log');

    expect(stdout.split('\n').filter((line) => line.startsWith('line '))).toEqual([
      'line 1: row; envelope: CRI',
      'line 2: filtered by not_stdout (Lines whose container envelope names a stream other than stdout.); envelope: JSON with log, stream, time',
      expect.stringMatching(
        /^line 3: rejected, not_this_format: expected a line as .*, got one that ends before its request does/,
      ),
      'line 4: filtered by blank_line (Lines without any text.)',
      'line 5: filtered by blank_line (Lines without any text.); envelope: JSON with log, stream',
      'line 6: filtered by local_client (Requests that the server saw coming from 127.0.0.1 or ::1: health checks of the machine itself.)',
    ]);
  });

  test.each([
    ['json', ['columns={"id":"int"}'], '{"log":"{\\"id\\":1}","stream":"stdout"}', 'JSON with log, stream'],
    ['json', ['columns={"id":"int"}'], '2026-11-22T10:00:00Z stdout F {"id":1}', 'CRI'],
    ['json', ['columns={"id":"int"}'], '{"id":1}', undefined],
    ['kong-json', [], '{"log":"{\\"client_ip\\":\\"192.0.2.10\\"}","stream":"stdout"}', 'JSON with log, stream'],
    ['alb', [], 'prose', undefined],
  ])('names the envelope of a line of the format %s as JSON too', async (format, options, line, envelope) => {
    await writeFile(join(dir, 'envelope.log'), `${line}\n`);
    const { stdout } = await lake(
      'parse',
      '-f',
      format,
      ...options.flatMap((o) => ['-o', o]),
      '--json',
      'envelope.log',
    );
    expect(JSON.parse(stdout).parsed[0].envelope).toBe(envelope);
  });

  test('shows times as text, those too that rows have as numbers', async () => {
    const times = [
      '2026-11-22 10:00:00',
      '2026-11-22 10:00:00.123',
      '2026-11-22 10:00:00.123456',
      '1969-12-31 23:59:59',
    ];
    await writeFile(join(dir, 'times.json'), times.map((time) => `{"time":"${time}"}\n`).join(''));
    const { stdout } = await lake('parse', '-f', 'json', '-o', 'columns={"time":"timestamp"}', '--json', 'times.json');

    const parsed: { columns: { time: unknown } }[] = JSON.parse(stdout).parsed;
    expect(parsed.map(({ columns }) => columns.time)).toEqual(times);
  });

  test('makes what a terminal would obey visible', async () => {
    await writeFile(join(dir, 'escape.log'), '\x1b]0;owned\x07\n');
    const { stdout } = await lake('parse', '-f', 'alb', 'escape.log');

    expect(stdout).toContain('\\x1b]0;owned\\x07');
    expect(stdout).not.toContain('\x1b');
  });
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
