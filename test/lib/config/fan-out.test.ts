import { describe, expect, test } from 'vitest';
import { type Context, readConfig } from '../../../lib/config/config.ts';
import { ConfigError } from '../../../lib/config/config-error.ts';

const ICEBERG = { delivery: 'direct', tableFormat: 'iceberg' };

function refusal(context: Context): string {
  try {
    readConfig(context);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`expected a refusal of ${JSON.stringify(context)}`);
}

function fanOut(fanOut: unknown, rest: Context = {}): Context {
  return { sources: [{ name: 'web', format: 'alb', ...ICEBERG, fanOut, ...rest }] };
}

describe('fanOut', () => {
  test('divides the rows of a source by a column of text', () => {
    const given = { by: 'domain_name', allow: ['shop.example.com', 'Shop.example.com'], other: 'rest' };
    expect(readConfig(fanOut(given)).sources[0]?.fanOut).toEqual(given);
    expect(readConfig(fanOut({ by: 'elb', allow: ['a'] })).sources[0]?.fanOut).toEqual({ by: 'elb', allow: ['a'] });
    expect(readConfig(fanOut(undefined)).sources[0]).not.toHaveProperty('fanOut');
  });

  test('may go by a column of the lake itself', () => {
    const from = { logGroups: ['/ecs/app'] };
    const context = fanOut({ by: 'log_group', allow: ['/ecs/app'] }, { format: 'json', preset: 'server-logs', from });
    expect(readConfig(context).sources[0]?.fanOut?.by).toBe('log_group');
  });

  test('is refused where no Iceberg tables are written', () => {
    const given = { by: 'elb', allow: ['a'] };
    const allowed = 'allowed: only with delivery=direct and tableFormat=iceberg; the source has';
    const start = 'sources[0].fanOut: got {"by":"elb","allow":["a"]},';
    expect(refusal(fanOut(given, { tableFormat: 'parquet' }))).toBe(`${start} ${allowed} direct and parquet`);
    const byFirehose = { tableFormat: 'parquet', delivery: 'firehose' };
    expect(refusal(fanOut(given, byFirehose))).toBe(`${start} ${allowed} firehose and parquet`);
  });

  test('refuses a column that is not there, or has no text', () => {
    expect(refusal(fanOut({ by: 'tenant', allow: ['a'] }))).toMatch(
      /^sources\[0\]\.fanOut\.by: got "tenant", allowed: a column of text: type, /,
    );
    expect(refusal(fanOut({ by: 'elb_status_code', allow: ['200'] }))).toContain('fanOut.by: got "elb_status_code"');
    expect(refusal(fanOut({ by: 'dt', allow: ['2026-11-29'] }))).toContain('fanOut.by: got "dt"');
    expect(refusal(fanOut({ allow: ['a'] }))).toContain('sources[0].fanOut.by: got nothing, allowed: the name of a');
  });

  test.each([
    ['a value twice', ['a', 'b', 'a'], 'allow[2]: got "a", allowed: each value once'],
    ['an empty value', [''], 'allow[0]: got "", allowed: a value of 1 to 1,024 characters, as the column has it'],
    ['a value that is too long', ['x'.repeat(1025)], 'allow[0]: got "xxx'],
    ['half a character', ['a', '\ud83d'], 'allow[1]: got '],
    ['a number', [7], 'allow[0]: got 7'],
    ['no value', [], 'allow: got [], allowed: a list of 1 to 10,000 values of the column'],
    ['too many values', Array.from({ length: 10_001 }, (_, index) => `${index}`), 'allowed: a list of 1 to 10,000'],
    ['no list', undefined, 'allow: got nothing, allowed: a list'],
  ])('refuses %s', (_, allow, message) => {
    expect(refusal(fanOut({ by: 'elb', allow }))).toContain(message);
  });

  test('takes as many values as it says', () => {
    const allow = Array.from({ length: 10_000 }, (_, index) => `tenant-${index}`);
    expect(readConfig(fanOut({ by: 'elb', allow })).sources[0]?.fanOut?.allow).toHaveLength(10_000);
  });

  test.each(['Rest', 're-st', '', 'once', 'local_time', '_rest', 'a_h0123abcd', 'x'.repeat(49)])(
    'refuses %j as the end of the name for other rows',
    (other) => {
      expect(refusal(fanOut({ by: 'elb', allow: ['a'], other }))).toContain(
        `sources[0].fanOut.other: got "${other}", allowed: the end of the name of a table: up to 48 of a-z and 0-9`,
      );
    },
  );

  test('names a key that it does not have', () => {
    expect(refusal(fanOut({ by: 'elb', allow: ['a'], others: 'rest' }))).toContain('sources[0].fanOut.others: unknown');
  });
});

describe('two tables of one name', () => {
  const source = (name: string, rest: Context = {}) => {
    return { name, format: 'alb', from: { prefix: `${name}/` }, ...ICEBERG, ...rest };
  };

  test('are refused if one is that of a source, wherever it is in the list', () => {
    const divided = source('web', { fanOut: { by: 'elb', allow: ['b', 'a'] } });
    const allowed =
      'allowed: values whose tables have names of their own; web_a belongs to the source web_a: name a source';
    expect(refusal({ sources: [divided, source('web_a')] })).toContain(
      `sources[0].fanOut.allow[1]: got "a", ${allowed}`,
    );
    expect(refusal({ sources: [source('web_a'), divided] })).toContain(
      `sources[1].fanOut.allow[1]: got "a", ${allowed}`,
    );
  });

  test('are refused if two sources have such values', () => {
    const one = source('web', { fanOut: { by: 'elb', allow: ['eu_a'] } });
    const two = source('web_eu', { fanOut: { by: 'elb', allow: ['a'] } });
    expect(refusal({ sources: [one, two] })).toContain(
      'sources[1].fanOut.allow[0]: got "a", allowed: values whose tables have names of their own; web_eu_a belongs to sources[0].fanOut.allow[0]',
    );
  });

  test('are refused if a value is what the table for other rows is called', () => {
    const one = source('web', { fanOut: { by: 'elb', allow: ['a', 'rest'], other: 'rest' } });
    expect(refusal({ sources: [one] })).toContain('sources[0].fanOut.allow[1]: got "rest"');
  });
});
