import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../../lambdas/core/formats/registry.ts';
import { type Context, DEMO_SOURCES, readConfig } from '../../../lib/config/config.ts';
import { ConfigError } from '../../../lib/config/config-error.ts';

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';

function refusal(context: Context): string {
  try {
    readConfig(context);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`expected a refusal of ${JSON.stringify(context)}`);
}

function source(rest: Context): Context {
  return { sources: [{ name: 'web', format: 'alb', ...rest }] };
}

describe('readConfig without params', () => {
  const config = readConfig({});

  test('has one ALB source on the landing bucket', () => {
    expect(config.sources).toHaveLength(1);
    expect(config.sources[0]).toMatchObject({ name: 'alb', format: 'alb', lane: 'objects', prefix: '' });
    expect(config.sources[0]).not.toHaveProperty('bucket', expect.anything());
  });

  test('has the documented defaults', () => {
    const { sources: _, ...rest } = config;
    expect(rest).toEqual({
      duplicates: { enabled: true, sampleRate: 1, windowHours: 72 },
      bufferSizeMiB: 128,
      delivery: 'firehose',
      tableFormat: 'parquet',
      schemaEvolution: 'off',
      commitIntervalSeconds: 300,
      keepDirectLane: false,
      bufferIntervalSeconds: 300,
      parquetCompression: 'GZIP',
      timeZone: 'UTC',
      streamsPerTable: 1,
      keepRaw: 'on-error',
      memoryMiB: 1769,
      logEventsMemoryMiB: 320,
      timeoutSeconds: 300,
      maxConcurrency: 50,
      retentionDays: 400,
      landingRetentionDays: 30,
      ledgerRetentionDays: 400,
      ledgerPointInTimeRecovery: false,
      scanLimitGiB: 100,
      stackName: 'Tributary',
      lakeFormation: false,
      removalPolicy: 'retain',
    });
  });

  test('is frozen throughout', () => {
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.sources[0]?.table.columns)).toBe(true);
  });
});

describe('numbers', () => {
  test.each([
    ['bufferIntervalSeconds', 0, 900],
    ['memoryMiB', 128, 10_240],
    ['logEventsMemoryMiB', 256, 10_240],
    ['timeoutSeconds', 1, 900],
    ['maxConcurrency', 2, 1000],
    ['streamsPerTable', 1, 50],
    ['retentionDays', 1, 36_500],
    ['ledgerRetentionDays', 1, 36_500, { landingRetentionDays: 1 }],
    ['landingRetentionDays', 1, 36_500, { ledgerRetentionDays: 36_500 }],
    ['logEventsConcurrency', 1, 1000],
    ['logGroupRetentionDays', 1, 3653],
  ] as [string, number, number, object?][])('%s is a whole number from %i to %i', (param, min, max, others) => {
    expect(readConfig({ ...others, [param]: min })).toHaveProperty(param, min);
    expect(readConfig({ ...others, [param]: max })).toHaveProperty(param, max);
    const allowed = `a whole number from ${min} to ${max}`;
    for (const got of [min - 1, max + 1, min + 0.5, true]) {
      expect(refusal({ [param]: got })).toBe(`${param}: got ${got}, allowed: ${allowed}`);
    }
    for (const got of ['', 'many', `${min}x`]) {
      expect(refusal({ [param]: got })).toBe(`${param}: got "${got}", allowed: ${allowed}`);
    }
  });

  test('refuses to archive what is deleted first', () => {
    const source = { name: 'alb', format: 'alb' };
    expect(refusal({ archiveAfterDays: 0 })).toBe('archiveAfterDays: got 0, allowed: a whole number from 1 to 36500');
    expect(refusal({ archiveAfterDays: 400 })).toBe(
      'archiveAfterDays: got 400, allowed: less than retentionDays (400)',
    );
    expect(refusal({ sources: [{ ...source, retentionDays: 30, archiveAfterDays: 30 }] })).toBe(
      'sources[0].archiveAfterDays: got 30, allowed: less than its retentionDays (30)',
    );
    const { sources } = readConfig({ archiveAfterDays: 60, sources: [{ ...source, retentionDays: 30 }] });
    expect(sources[0]).not.toHaveProperty('archiveAfterDays');
    expect(sources[0]?.retentionDays).toBe(30);
  });

  test('refuses a ledger that forgets objects before the landing bucket does', () => {
    expect(readConfig({ ledgerRetentionDays: 30, landingRetentionDays: 30 }).ledgerRetentionDays).toBe(30);
    expect(refusal({ ledgerRetentionDays: 29, landingRetentionDays: 30 })).toBe(
      'ledgerRetentionDays: got 29, allowed: at least landingRetentionDays (30): an object that outlives its entry could be loaded twice',
    );
  });

  test('may come as text, as the command line gives them', () => {
    expect(readConfig({ bufferSizeMiB: '64', scanLimitGiB: '0.5' })).toMatchObject({
      bufferSizeMiB: 64,
      scanLimitGiB: 0.5,
    });
    expect(refusal({ bufferSizeMiB: '15' })).toContain('got "15"');
  });

  test('buffers have the limits of the lanes that the sources are on', () => {
    const [least, most] = ['a whole number from 64 to 128', 'unless every source has delivery=direct'];
    for (const bufferSizeMiB of [63, 129]) {
      expect(refusal({ bufferSizeMiB })).toBe(`bufferSizeMiB: got ${bufferSizeMiB}, allowed: ${least}, ${most}`);
    }
    for (const bufferSizeMiB of [64, 128]) expect(readConfig({ bufferSizeMiB })).toMatchObject({ bufferSizeMiB });
    for (const bufferSizeMiB of [16, 512]) {
      expect(readConfig({ bufferSizeMiB, delivery: 'direct' })).toMatchObject({ bufferSizeMiB });
    }
    expect(refusal({ bufferSizeMiB: 513, delivery: 'direct' })).toContain('a whole number from 16 to 512');
    expect(refusal({ bufferIntervalSeconds: 59, delivery: 'direct' })).toContain('batches are planned each minute');
  });

  test('the ledger of the direct lane remembers what is not written as long as its uploads stay', () => {
    const days = { landingRetentionDays: 1, ledgerRetentionDays: 13 };
    expect(readConfig(days).ledgerRetentionDays).toBe(13);
    for (const lane of [{ delivery: 'direct' }, { keepDirectLane: true }]) {
      expect(refusal({ ...days, ...lane })).toContain('ledgerRetentionDays: got 13, allowed: at least 14');
      expect(readConfig({ ...days, ...lane, ledgerRetentionDays: 14 }).ledgerRetentionDays).toBe(14);
    }
  });

  test('Iceberg tables belong to the direct lane, of the stack or of a source', () => {
    const direct = { delivery: 'direct' };
    const iceberg = { tableFormat: 'iceberg' };
    const formats = (context: Context) => readConfig(context).sources.map(({ tableFormat }) => tableFormat);
    expect(formats({ ...direct, ...iceberg })).toEqual(['iceberg']);
    expect(formats({ ...source(iceberg), ...direct })).toEqual(['iceberg']);
    expect(formats({ ...source({ ...direct, ...iceberg }) })).toEqual(['iceberg']);
    expect(formats({ ...source({ tableFormat: 'parquet' }), ...direct, ...iceberg })).toEqual(['parquet']);
    expect(formats(source({}))).toEqual(['parquet']);

    const allowed = 'allowed: parquet, unless the source has delivery=direct';
    expect(refusal(iceberg)).toBe(
      `tableFormat: got "iceberg", ${allowed}; alb has delivery=firehose and no tableFormat of its own`,
    );
    expect(refusal(source(iceberg))).toBe(`sources[0].tableFormat: got "iceberg", ${allowed}`);
    expect(refusal({ ...source({ ...iceberg, delivery: 'firehose' }), ...direct })).toMatch(
      /^sources\[0\]\.tableFormat/,
    );
    // A source that stays with Firehose says so of its table, too.
    const stays = { delivery: 'firehose' };
    expect(refusal({ ...source(stays), ...direct, ...iceberg })).toContain('web has delivery=firehose');
    expect(formats({ ...source({ ...stays, tableFormat: 'parquet' }), ...direct, ...iceberg })).toEqual(['parquet']);
    expect(refusal({ tableFormat: 'Iceberg' })).toBe('tableFormat: got "Iceberg", allowed: parquet, iceberg');
  });

  test.each(['Lake-iceberg', 'Lake-Iceberg'])(
    'stackName is not %j, whose database another stack may have',
    (stackName) => {
      expect(refusal({ stackName })).toContain('a name that does not end with -iceberg');
      expect(readConfig({ stackName: 'Iceberg-Lake' }).stackName).toBe('Iceberg-Lake');
    },
  );

  test.each([59, 3601, 1.5, 'often'])('commitIntervalSeconds is not %j', (commitIntervalSeconds) => {
    expect(refusal({ commitIntervalSeconds })).toContain('a whole number from 60 to 3600');
    for (const seconds of [60, '3600']) {
      expect(readConfig({ commitIntervalSeconds: seconds }).commitIntervalSeconds).toBe(Number(seconds));
    }
  });

  test('scanLimitGiB takes fractions, down to what Athena takes', () => {
    expect(readConfig({ scanLimitGiB: 0.01 }).scanLimitGiB).toBe(0.01);
    expect(refusal({ scanLimitGiB: 0.009 })).toContain('from 0.01 to');
    expect(refusal({ scanLimitGiB: 1_000_001 })).toContain('to 1000000');
  });

  test('logGroupRetentionDays takes only the steps CloudWatch has', () => {
    expect(readConfig({ logGroupRetentionDays: 30 }).logGroupRetentionDays).toBe(30);
    expect(refusal({ logGroupRetentionDays: 31 })).toContain("CloudWatch's own steps: 1, 3, 5, 7, 14, 30, 60");
  });
});

describe('words', () => {
  test.each([
    ['parquetCompression', ['SNAPPY', 'GZIP', 'UNCOMPRESSED'], 'ZSTD'],
    ['keepRaw', ['never', 'on-error', 'always'], 'sometimes'],
    ['removalPolicy', ['retain', 'destroy'], 'snapshot'],
  ])('%s is one of %j', (param, words, other) => {
    for (const word of words) expect(readConfig({ [param]: word })).toHaveProperty(param, word);
    expect(refusal({ [param]: other })).toBe(`${param}: got "${other}", allowed: ${words.join(', ')}`);
  });

  test.each(['UTC', 'Asia/Seoul', 'America/Argentina/Buenos_Aires', 'America/St_Johns'])(
    'timeZone takes %s',
    (timeZone) => {
      expect(readConfig({ timeZone }).timeZone).toBe(timeZone);
    },
  );

  test.each([
    ...['EST', 'GMT', 'Etc/UTC', 'Etc/GMT', '+09:00', 'Asia/Atlantis', 'asia/seoul', ''],
    // Zones that exist, but whose names Firehose does not take.
    ...['America/Port-au-Prince', 'Etc/GMT+5', 'Antarctica/DumontDUrville/1'],
  ])('timeZone does not take %j', (timeZone) => {
    expect(refusal({ timeZone })).toBe(
      `timeZone: got ${JSON.stringify(timeZone)}, allowed: UTC, or an IANA time zone as Region/City without digits and hyphens, e.g. Asia/Seoul`,
    );
  });

  test('kmsKey is the ARN of a key, not of an alias', () => {
    expect(readConfig({ kmsKey: KEY }).kmsKey).toBe(KEY);
    expect(refusal({ kmsKey: 'arn:aws:kms:us-east-1:123456789012:alias/mine' })).toContain('kmsKey: got "arn:');
  });
});

describe('params of others', () => {
  test('what CDK puts into the context is left alone', () => {
    const context = {
      'aws:cdk:bundling-stacks': [],
      '@aws-cdk/core:x': true,
      'cli-telemetry': false,
      'tributary:x': 1,
    };
    expect(readConfig(context)).toEqual(readConfig({}));
  });

  test.each(['volume', 'buffer.size', 'partitionBy'])('%s is unknown, and the known ones are named', (param) => {
    expect(refusal({ [param]: 1 })).toMatch(new RegExp(`^${param}: unknown param, known: sources, bufferSizeMiB, `));
  });

  test.each([
    ['bufferSizeMb', 'bufferSizeMiB'],
    ['sources.0', 'sources'],
    ['duplicates.windowHours.x', 'duplicates.windowHours'],
    ['duplicate.sampleRate', 'duplicates.sampleRate'],
  ])('%s is unknown, and %s was meant', (param, meant) => {
    expect(refusal({ [param]: 1 })).toBe(`${param}: unknown param, did you mean ${meant}?`);
  });

  test('a key of a source, or an option of its format, that was meant is named', () => {
    const refused = (more: object) => refusal({ sources: [{ name: 'a', format: 'json', preset: 'ecs', ...more }] });
    expect(refused({ keepRow: 'always' })).toContain(
      'sources[0].keepRow: unknown, did you mean keepRaw? It is no option',
    );
    expect(refused({ colums: {} })).toContain('sources[0].colums: unknown, did you mean columns?');
    expect(refused({ from: { loggroups: ['/a'] } })).toBe(
      'sources[0].from.loggroups: unknown, did you mean logGroups?',
    );
  });

  test('text that is meant as JSON, and is none, is refused with the place', () => {
    expect(refusal({ sources: '[{"name":"web",}]' })).toBe(
      'sources: not JSON: expected a key in double quotes, got "}" at line 1, column 16',
    );
    expect(refusal({ duplicates: '{"sampleRate":.5}' })).toBe(
      'duplicates: not JSON: expected a value, got "." at line 1, column 15',
    );
    expect(refusal({ sources: [{ name: 'a', format: 'alb', from: '{"bucket"}' }] })).toBe(
      'sources[0].from: not JSON: expected : after the key, got "}" at line 1, column 10',
    );
  });
});

describe('names and formats of sources', () => {
  test('leave the names of views to the views', () => {
    for (const name of ['web_once', 'web_all', 'web_local_time']) {
      expect(refusal({ sources: [{ name, format: 'alb' }] })).toContain('those of views');
    }
  });

  test('take no filters where the format has none', () => {
    expect(refusal({ sources: [{ name: 'alb', format: 'alb', filters: { x: false } }] })).toContain(
      'sources[0].filters: unknown, and no option of format alb (it has no options)',
    );
  });
});

describe('duplicates', () => {
  test('are checked, all of them, unless a param says otherwise', () => {
    const { duplicates } = readConfig({});
    expect(duplicates).toEqual({ enabled: true, sampleRate: 1, windowHours: 72 });
    expect(readConfig({ 'duplicates.enabled': 'false' }).duplicates.enabled).toBe(false);
  });

  test('members of the object and dotted names are the same, and dotted names go over them', () => {
    const { duplicates } = readConfig({ duplicates: { sampleRate: 0.1, windowHours: 24 } });
    expect(readConfig({ 'duplicates.sampleRate': '0.1', 'duplicates.windowHours': 24 }).duplicates).toEqual(duplicates);
    expect(readConfig({ duplicates: '{"windowHours":24,"sampleRate":0.1}' }).duplicates).toEqual(duplicates);
    const both = { duplicates: { sampleRate: 0.1, windowHours: 1 }, 'duplicates.windowHours': '24' };
    expect(readConfig(both).duplicates).toEqual(duplicates);
  });

  test.each([
    ['duplicates.sampleRate', 0, 'a number above 0, up to 1'],
    ['duplicates.sampleRate', 1.5, 'a number above 0, up to 1'],
    ['duplicates.windowHours', 0, 'a whole number from 1 to 336'],
    ['duplicates.windowHours', 337, 'a whole number from 1 to 336'],
    ['alarmEmail', 'nobody', 'an e-mail address'],
    ['alarmTopicArn', 'pager', 'the ARN of an SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME)'],
    ['duplicates.alarmPercent', 0, 'a number above 0, up to 100'],
    ['duplicates.alarmPercent', 101, 'a number above 0, up to 100'],
    ['duplicates.enabled', 'maybe', 'true, false'],
  ])('%s cannot be %s', (param, value, allowed) => {
    expect(refusal({ [param]: value })).toBe(`${param}: got ${JSON.stringify(value)}, allowed: ${allowed}`);
  });

  test('what is no param of theirs is refused, and what is no object', () => {
    const known = 'unknown, known: enabled, sampleRate, windowHours, alarmPercent';
    expect(refusal({ duplicates: { rate: 1 } })).toBe(`duplicates.rate: ${known}`);
    expect(refusal({ 'duplicates.rate': 1 })).toBe(`duplicates.rate: ${known}`);
    expect(refusal({ duplicates: 'off' })).toBe('duplicates: got "off", allowed: an object');
  });

  test('a source may name the columns of its recordKey', () => {
    const [given] = readConfig(source({ recordKey: ['trace_id', 'time'] })).sources;
    expect(given?.recordKey).toEqual(['trace_id', 'time']);
    expect(readConfig(source({})).sources[0]?.recordKey).toBeUndefined();
    const wrong = refusal(source({ recordKey: ['trace_id', 'request_id'] }));
    expect(wrong).toMatch(/^sources\[0\]\.recordKey\[1\]: got "request_id", allowed: a column of type, time, /);
    expect(refusal(source({ recordKey: ['time', 'time'] }))).toContain(
      'recordKey[1]: got "time", allowed: each column',
    );
    expect(refusal(source({ recordKey: [] }))).toContain('sources[0].recordKey: got []');
    expect(refusal(source({ recordKey: 'time' }))).toContain('sources[0].recordKey: got "time"');
  });
});

describe('sources', () => {
  test('may come as JSON text', () => {
    const { sources } = readConfig({ sources: '[{"name":"web","format":"alb"}]' });
    expect(sources.map(({ name }) => name)).toEqual(['web']);
    expect(refusal({ sources: '[{"name":"web"}]' })).toContain('sources[0].format: got nothing');
  });

  test.each([[[]], ['alb'], [{ name: 'web' }]])('%j is no list of sources', (sources) => {
    expect(refusal({ sources })).toContain('allowed: a list of at least one source');
  });

  test.each(['loads', 'rejected_lines', '1st', 'Web', 'a-b', '', `a${'b'.repeat(63)}`])('%j is no name', (name) => {
    expect(refusal(source({ name }))).toMatch(/^sources\[0\]\.name: got .*, allowed: /);
  });

  test('a name may have 63 characters', () => {
    const name = `a${'b'.repeat(62)}`;
    expect(readConfig(source({ name })).sources[0]?.table.name).toBe(name);
  });

  test('an unknown format is refused with those there are', () => {
    expect(refusal(source({ format: 'apache' }))).toBe(
      `sources[0].format: got "apache", allowed: ${[...FORMATS.keys()].join(', ')}`,
    );
  });

  test('what is no option of the format is refused', () => {
    expect(refusal(source({ logFormat: '$status' }))).toBe(
      'sources[0].logFormat: unknown, and no option of format alb (it has no options)',
    );
  });

  test('what the format says of an option names the source', () => {
    expect(refusal(source({ format: 'json', columns: { id: 'uuid' } }))).toMatch(
      /^sources\[0\]\.columns\.id: expected a type of /,
    );
    expect(refusal(source({ format: 'nginx', logFormat: 7 }))).toMatch(/^sources\[0\]\.logFormat: expected .*got 7$/);
    expect(refusal(source({ format: 'nginx', filters: { nope: false } }))).toMatch(/^sources\[0\]\.filters: expected /);
  });

  test('options reach the settings as they were given', () => {
    const [kong] = readConfig(source({ format: 'kong', filters: { local_client: false } })).sources;
    expect(kong?.options).toEqual({ filters: { local_client: false } });
  });

  test('a column that clashes with the partition is refused whatever the format says', () => {
    expect(refusal(source({ format: 'json', columns: { dt: 'string' } }))).toMatch(/^sources\[0\]\.columns/);
  });

  test('streamsPerTable of a source goes over that of all', () => {
    const { sources } = readConfig({
      streamsPerTable: 3,
      sources: [
        { name: 'a', format: 'alb', from: { prefix: 'a/' } },
        { name: 'b', format: 'alb', from: { prefix: 'b/' }, streamsPerTable: 50 },
      ],
    });
    expect(sources.map(({ streamsPerTable }) => streamsPerTable)).toEqual([3, 50]);
    expect(refusal(source({ streamsPerTable: 51 }))).toBe(
      'sources[0].streamsPerTable: got 51, allowed: a whole number from 1 to 50',
    );
  });

  test('keepRaw of a source goes over that of all', () => {
    const { sources } = readConfig({
      keepRaw: 'never',
      sources: [
        { name: 'a', format: 'alb', from: { prefix: 'a/' } },
        { name: 'b', format: 'alb', from: { prefix: 'b/' }, keepRaw: 'always' },
      ],
    });
    expect(sources.map(({ keepRaw }) => keepRaw)).toEqual(['never', 'always']);
  });

  test('each name is there once', () => {
    const twice = { name: 'web', format: 'alb' };
    expect(refusal({ sources: [twice, { ...twice, from: { bucket: 'example-logs' } }] })).toBe(
      'sources[1].name: got "web", allowed: each name once',
    );
  });
});

describe('sources from buckets', () => {
  test('take a bucket with all that belongs to it', () => {
    const from = {
      bucket: 'example-logs',
      prefix: 'alb/',
      suffix: '.log.gz',
      notifications: 'eventbridge',
      kmsKeyArn: KEY,
      account: '123456789012',
    };
    expect(readConfig(source({ from })).sources[0]).toMatchObject({ lane: 'objects', ...from });
  });

  test.each([
    ['bucket', 'Example_Logs'],
    ['prefix', 'alb/*'],
    ['prefix', ''],
    ['suffix', '?.gz'],
    ['notifications', 'sns'],
    ['kmsKeyArn', 'alias/mine'],
    ['account', '12345678901'],
    ['account', 123456789012],
  ])('refuse %s %j', (key, value) => {
    const from = { bucket: 'example-logs', [key]: value };
    expect(refusal(source({ from }))).toContain(`sources[0].from.${key}: got ${JSON.stringify(value)}, allowed: `);
  });

  test('refuse a misspelt key', () => {
    expect(refusal(source({ from: { buckett: 'x' } }))).toBe('sources[0].from.buckett: unknown, did you mean bucket?');
  });

  test.each(['notifications', 'kmsKeyArn', 'account', 'exportedLogs'])('refuse %s for the landing bucket', (key) => {
    const values: Context = { notifications: 's3', kmsKeyArn: KEY, account: '123456789012', exportedLogs: true };
    expect(refusal(source({ from: { [key]: values[key] } }))).toContain('only with a bucket of your own');
  });

  test('take a folder of the landing bucket, and only a folder', () => {
    expect(readConfig(source({ from: { prefix: 'web/' } })).sources[0]).toMatchObject({ prefix: 'web/' });
    expect(refusal(source({ from: { prefix: 'web' } }))).toContain('ending with /');
  });

  test.each(['tributary-lake5f1b88ea-abcdefgh', 'tributary-landingf95672e9-abcdefgh'])(
    "refuse the stack's own bucket %s",
    (bucket) => {
      expect(refusal(source({ from: { bucket } }))).toContain(`sources[0].from.bucket: got "${bucket}"`);
    },
  );

  test.each([
    ['both the whole bucket', undefined, undefined],
    ['one within the other', 'a/', 'a/b/'],
    ['the other within the one', 'a/b/', 'a/'],
    ['the whole and a part', undefined, 'a/'],
  ])('refuse overlapping prefixes: %s', (_, first, second) => {
    for (const bucket of ['example-logs', undefined]) {
      const sources = [
        { name: 'a', format: 'alb', from: { bucket, prefix: first } },
        { name: 'b', format: 'alb', from: { bucket, prefix: second } },
      ];
      expect(refusal({ sources })).toContain('allowed: a prefix that does not overlap that of a');
    }
  });

  test('take one prefix in two buckets, and two prefixes in one', () => {
    const sources = [
      { name: 'a', format: 'alb', from: { bucket: 'example-logs', prefix: 'x/' } },
      { name: 'b', format: 'alb', from: { bucket: 'example-logs', prefix: 'y/' } },
      { name: 'c', format: 'alb', from: { bucket: 'more-logs', prefix: 'x/' } },
      { name: 'd', format: 'alb', from: { prefix: 'x/' } },
    ];
    expect(readConfig({ sources }).sources).toHaveLength(4);
  });
});

describe('sources from log groups', () => {
  test('have a table with the group and the stream', () => {
    const [app] = readConfig(source({ from: { logGroups: ['/example/app'], filterPattern: 'ERROR' } })).sources;
    expect(app).toMatchObject({ lane: 'events', logGroups: ['/example/app'], filterPattern: 'ERROR' });
    expect(app?.table.columns.map(({ name }) => name)).toEqual(expect.arrayContaining(['log_group', 'log_stream']));
  });

  test.each([
    ['nothing', []],
    ['a pattern', ['/example/*']],
    ["the stack's own group", ['/tributary/load-objects']],
    ["the stack's own group by CDK", ['/aws/lambda/Tributary-Handler']],
    ['a group twice', ['/example/app', '/example/app']],
  ])('refuse %s', (_, logGroups) => {
    expect(refusal(source({ from: { logGroups } }))).toMatch(/^sources\[0\]\.from\.logGroups.*: got /);
  });

  test('refuse a group of another source', () => {
    const from = { logGroups: ['/example/app'] };
    const sources = ['a', 'b'].map((name) => ({ name, format: 'alb', from }));
    expect(refusal({ sources })).toBe(
      'sources[1].from.logGroups: got "/example/app", allowed: each log group in one source; it is in a',
    );
  });

  test('take the direct lane by themselves or with the stack', () => {
    const from = { logGroups: ['/example/app'] };
    expect(readConfig({ ...source({ from }), delivery: 'direct' }).sources[0]).toMatchObject({ delivery: 'direct' });
    expect(readConfig(source({ from, delivery: 'direct' })).sources[0]).toMatchObject({ delivery: 'direct' });
  });

  test('refuse what belongs to buckets, and buckets what belongs to log groups', () => {
    expect(refusal(source({ from: { logGroups: ['/example/app'], bucket: 'example-logs' } }))).toContain(
      'sources[0].from.bucket: got "example-logs", allowed: only without logGroups',
    );
    expect(refusal(source({ from: { filterPattern: 'ERROR' } }))).toContain('only with logGroups');
  });
});

describe('DEMO_SOURCES', () => {
  test('are a source of each kind that the config takes', () => {
    const { sources } = readConfig({ sources: DEMO_SOURCES });
    expect(sources.map(({ name, lane }) => [name, lane])).toEqual([
      ['alb', 'objects'],
      ['kong', 'events'],
      ['app', 'events'],
    ]);
  });
});

test('every refusal is one line, however odd the value', () => {
  for (const got of ['a\nb', { a: '\n'.repeat(500) }, [null], null]) {
    const message = refusal({ timeZone: got });
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(300);
  }
});

describe('schemaEvolution', () => {
  const app = { name: 'app', format: 'json', preset: 'server-logs', from: { prefix: 'app/' } };
  const alb = { name: 'alb', format: 'alb', from: { prefix: 'alb/' } };
  const of = (context: Context) => readConfig(context).sources.map(({ schemaEvolution }) => schemaEvolution);

  test('of the stack is that of its sources with lines of JSON, which can have their own', () => {
    const own = { ...app, name: 'other', from: { prefix: 'other/' }, schemaEvolution: 'off' };
    expect(of({ sources: [app, alb, own], schemaEvolution: 'suggest' })).toEqual(['suggest', 'off', 'off']);
    expect(of({ sources: [{ ...app, schemaEvolution: 'suggest' }, alb] })).toEqual(['suggest', 'off']);
    expect(of({ sources: [app] })).toEqual(['off']);
  });

  test('is refused where no line has keys', () => {
    expect(refusal({ sources: [app, { ...alb, schemaEvolution: 'suggest' }] })).toBe(
      'sources[1].schemaEvolution: got "suggest", allowed: off, unless the source has format=json',
    );
    expect(refusal({ sources: [alb], schemaEvolution: 'suggest' })).toBe(
      'schemaEvolution: got "suggest", allowed: off, as no source has format=json',
    );
    expect(refusal({ sources: [app], schemaEvolution: 'on' })).toContain(
      'schemaEvolution: got "on", allowed: off, suggest',
    );
  });
});
