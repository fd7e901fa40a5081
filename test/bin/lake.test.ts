import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/folder.ts';
import { complaints, dir, lake, lakeIn, sample } from '../helpers/lake-command.ts';

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
    ['objects to backfill of no time', ['backfill', 's3://a/b', '--since', '1h', '--until', '2h']],
    ['a query of no time', ['query', 'app-repeats', '--since', '2026-01-06', '--until', '2026-01-05']],
    ['SQL where the name of a stack belongs', ['query', '--stack', 'SELECT 1']],
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

  test('refuses to work without an option that npm took for its own', async () => {
    const { code, stderr } = await lakeIn({ npm_lifecycle_event: 'lake', npm_config_dry_run: 'true' }, ['redrive']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('npm run lake -- … --dry-run')]);
  });

  test.each([
    ['a number', ['parse', '-f', 'alb', 'a.log', '--limit', 'x'], "'x' is invalid: expected a whole number, got x;"],
    ['a choice', ['parse', '-f', 'morse', 'a.log'], "'morse' is invalid: allowed choices are alb, kong"],
  ])('says of %s in one sentence what is wrong with it', async (_, args, text) => {
    expect((await lake(...args)).stderr).toContain(text);
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
