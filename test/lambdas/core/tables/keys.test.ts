import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { json } from '../../../../lambdas/core/formats/json.ts';
import { kong } from '../../../../lambdas/core/formats/kong.ts';
import { nginx } from '../../../../lambdas/core/formats/nginx.ts';
import type { CompiledFormat } from '../../../../lambdas/core/reading/format.ts';
import { Row } from '../../../../lambdas/core/reading/row.ts';
import { type ColumnType, numbered, sourceTable } from '../../../../lambdas/core/tables/table.ts';
import { openXByKey } from '../../../../local/firehose/openx.ts';

interface Value {
  readonly type: ColumnType;
  readonly logged: string;
  readonly delivered: string;
}

/** A value for each column of a format, which no other column has. */
function valuesOf({ columns }: CompiledFormat): [string, Value][] {
  return Object.entries(columns).map(([name, { type }], index) => [name, columnValue(name, type, index)]);
}

function columnValue(name: string, type: ColumnType, index: number): Value {
  const seconds = 1_700_000_000 + index;
  switch (type) {
    case 'string':
      return { type, logged: `value of ${name}`, delivered: `value of ${name}` };
    case 'boolean':
      return { type, logged: 'true', delivered: 'true' };
    case 'timestamp':
      return { type, logged: new Date(seconds * 1000).toISOString(), delivered: `${seconds}000000` };
    default:
      return { type, logged: String(seconds), delivered: String(seconds) };
  }
}

/** The row of a format in which every column has its value, as it is sent to Firehose. */
function sentBy(format: CompiledFormat): string {
  const row = new Row(format.columns);
  row.begin();
  for (const [name, { type, logged }] of valuesOf(format)) {
    if (type === 'string') row.text(name, logged);
    else if (type === 'boolean') row.boolean(name, true);
    else row[type](name, logged);
  }
  return row.json('origin', 1, '', 'never');
}

/** The columns that have a value once Firehose has read the row with the mapping of a format. */
function deliveredBy(format: CompiledFormat, sent: string): Record<string, string> {
  const { columns } = sourceTable('logs', '', format.columns, 'events');
  const { ndjson } = openXByKey(columns)(sent);
  return Object.fromEntries(
    Object.entries(JSON.parse(ndjson)).map(([index, value]) => [columns[Number(index)]?.name, String(value)]),
  );
}

const OWN = { origin: 'origin', position: '1' };

const NAMES = ['time', 'level', 'message', 'tenant', 'zone', 'a', 'b', 'request_id', 'constructor', 'n'];
const TYPES: readonly ColumnType[] = ['string', 'int', 'bigint', 'double', 'boolean', 'timestamp'];
const jsonColumns = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...TYPES)), {
    selector: ([name]) => name,
    minLength: 1,
  })
  .map((columns) => json.compile({ columns: Object.fromEntries(columns) }));

const VARIABLES = ['remote_addr', 'time_local', 'request', 'status', 'host', 'upstream_x', 'tenant', 'zone', 'z_1'];
const logFormats = fc
  .record({
    of: fc.constantFrom(nginx, kong),
    variables: fc.uniqueArray(fc.constantFrom(...VARIABLES), { minLength: 1 }),
  })
  .map(({ of, variables }) => of.compile({ logFormat: variables.map((name) => `$${name}`).join(' ') }));

describe('rows sent under one configuration and delivered under another', () => {
  test.each([
    ['columns of JSON', jsonColumns],
    ['variables of a log_format', logFormats],
  ])('have their values in their own columns or in none: %s', (_, formats) => {
    fc.assert(
      fc.property(formats, formats, (before, after) => {
        const kept = valuesOf(before).filter(([name, { type }]) => after.columns[name]?.type === type);
        expect(deliveredBy(after, sentBy(before))).toEqual({
          ...OWN,
          ...Object.fromEntries(kept.map(([name, { delivered }]) => [name, delivered])),
        });
      }),
    );
  });

  test('are lost to no column by another one before it', () => {
    const before = nginx.compile({ logFormat: '$upstream_x $tenant' });
    const after = nginx.compile({ logFormat: '$zone $upstream_x $tenant' });
    expect(deliveredBy(after, sentBy(before))).toMatchObject({
      upstream_x: 'value of upstream_x',
      tenant: 'value of tenant',
    });
  });
});

describe('keys by name', () => {
  test('have three characters at most', () => {
    const { columns } = json.compile({ columns: Object.fromEntries(NAMES.map((name) => [name, 'string'])) });
    for (const { key } of numbered(columns)) expect(key.length).toBeLessThanOrEqual(3);
  });

  test('that are equal by chance are refused, with the way out', () => {
    const columns = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`c${index}`, 'string']));
    expect(() => json.compile({ columns })).toThrow(
      /^columns\.c\d+: expected another name or type, because by chance its JSON key is the one of c\d+$/,
    );
    const logFormat = Object.keys(columns).map((name) => `$${name}`);
    expect(() => nginx.compile({ logFormat: logFormat.join(' ') })).toThrow(
      /^logFormat: column \d+: expected another variable than \$c\d+, because .* with set or map$/,
    );
  });
});
