import { describe, expect, test } from 'vitest';
import { KEPT_COUNT_AT, programOf } from '../../../../lambdas/core/reading/kernel-program.ts';
import type { LayoutField, LayoutOp } from '../../../../lambdas/core/reading/layout.ts';
import { counted } from '../../../helpers/kernel.ts';
import { recordsOf } from '../../../helpers/records.ts';
import { caseNamed } from './kernel-cases.ts';

describe('the fingerprint of an ALB line', () => {
  const { format, lines } = caseNamed('an ALB log');
  const { layout, columns, recordKeys: [everyKey = []] = [] } = format;
  if (layout?.kind !== 'delimited') throw new Error('expected a layout of fields');
  const { fields } = layout;
  const line = lines[0]?.match(/"[^"]*"|\S+/g) ?? [];

  /** Another value than the line's that a field's column takes as well. */
  const other = (index: number): string => {
    const { op, quoted } = fields[index] as LayoutField;
    if (op === 'request') return '"POST https://other.example.com:443/ HTTP/2.0"';
    const value = {
      time: '2026-11-22T10:00:00.654321Z',
      address: '192.0.2.99:99',
      seconds: '0.5',
      int: '7',
      bigint: '7',
    };
    return (
      (value as Partial<Record<LayoutOp, string>>)[op] ?? (quoted || line[index]?.startsWith('"') ? '"other"' : 'other')
    );
  };

  /** Columns of the fields without which the fingerprint would be another. */
  function columnsThatMatter(recordKey: readonly string[]): string[] {
    const changed = fields.map((_, at) => line.map((value, index) => (index === at ? other(at) : value)).join(' '));
    const { format: fast, read } = counted(format);
    const bytes = Buffer.from(`${[line.join(' '), line.join(' '), ...changed].join('\n')}\n`);
    const [, plain, ...records] = recordsOf(fast, [bytes], recordKey);
    // The first line of an object is the reader's.
    expect(read()).toBe(1);
    expect(records).toHaveLength(fields.length);
    return fields.flatMap((field, index) =>
      records[index]?.fingerprint === plain?.fingerprint ? [] : field.columns.filter((name) => name !== undefined),
    );
  }

  /** How many fields are looked at by themselves, the others being passed over; none where all are looked at. */
  const lookedAt = (...recordKeys: readonly (readonly string[])[]) =>
    Buffer.from(programOf(layout, columns, recordKeys) ?? []).readUInt32LE(KEPT_COUNT_AT);

  test.each([
    ["the format's own columns", everyKey, everyKey],
    ['one column', ['trace_id'], ['trace_id']],
    ['columns of several types', ['time', 'elb', 'elb_status_code'], ['time', 'elb', 'elb_status_code']],
    // What a field holds is taken as a whole: the port comes with the address.
    ['the address of a client', ['time', 'client_ip'], ['time', 'client_ip', 'client_port']],
    ['a column that is no field', ['time', 'account_id'], ['time']],
    ['an address and its port', ['client_ip', 'client_port'], ['client_ip', 'client_port']],
  ])('a fingerprint is that of %s, and of nothing else in the line', (_, recordKey, expected) => {
    expect(columnsThatMatter(recordKey).toSorted()).toEqual(expected.toSorted());
  });

  test.each([
    ["the format's own columns", everyKey],
    ['one column', ['trace_id']],
  ])('a fingerprint of %s is found without a look at most fields', (_, recordKey) => {
    expect(lookedAt(recordKey)).toBeGreaterThan(0);
    expect(lookedAt(recordKey)).toBeLessThan(fields.length / 2);
  });

  test.each([
    ['some columns are parts of a field', [['time', 'client_ip']]],
    ['a column is no field', [['time', 'account_id']]],
    ['its first column may be neither there nor missing', [['client_ip', 'client_port']]],
    ['there are several to choose from', [['time', 'trace_id'], ['elb']]],
  ])('a fingerprint takes a look at every field where %s', (_, recordKeys) => {
    expect(lookedAt(...recordKeys)).toBe(0);
  });
});
