import { describe, expect, test } from 'vitest';
import { type Context, readConfig } from '../../../lib/config/config.ts';
import { refusal, source } from '../../helpers/refusal.ts';

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';

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

test('every refusal is one line, however odd the value', () => {
  for (const got of ['a\nb', { a: '\n'.repeat(500) }, [null], null]) {
    const message = refusal({ timeZone: got });
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(300);
  }
});
