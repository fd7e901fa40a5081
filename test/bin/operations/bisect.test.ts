import { describe, expect, test } from 'vitest';
import { bisected, failedRecord } from '../../../bin/operations/bisect.ts';
import { int, numbered, OWN, type Table, text, timestamp } from '../../../lambdas/core/tables/table.ts';

const TABLE: Table = {
  name: 'web',
  description: '',
  columns: [
    ...numbered({ path: text('Path.'), status: int('Status.'), time: timestamp('Time.') }),
    ...[OWN.origin, OWN.position],
  ],
};
const [PATH = '', STATUS = '', TIME = ''] = TABLE.columns.map(({ key }) => key);

const row = (position: number, status: unknown) =>
  JSON.stringify({ 0: 'o', 1: position, [PATH]: '/', [STATUS]: status });
const rows = (count: number) => Array.from({ length: count }, (_, index) => row(index, 200));
const DATA_FAULT = 'DataFormatConversion.MalformedData';

describe('failedRecord', () => {
  const rawData = Buffer.from(row(1, 200) + row(2, 404)).toString('base64');

  test.each([
    ['with last before the names', { lastErrorCode: 'C', lastErrorMessage: 'M', rawData }],
    ['without', { errorCode: 'C', errorMessage: 'M', rawData }],
    ['in capitals', { ErrorCode: 'C', ErrorMessage: 'M', RawData: rawData }],
  ])('reads the code and message %s', (_name, document) => {
    const expected = { rows: [row(1, 200), row(2, 404)], code: 'C', message: 'M' };
    expect(failedRecord(JSON.stringify(document), 'here')).toEqual(expected);
  });

  test('tells rows apart that end with a line feed, as others may send them', () => {
    const data = Buffer.from(`${row(1, 200)}\n${row(2, 404)}\n`).toString('base64');
    expect(failedRecord(JSON.stringify({ rawData: data }), 'here').rows).toEqual([row(1, 200), row(2, 404)]);
  });

  test.each([['prose'], ['{"a":1}'], ['null']])('refuses %s, saying where it stands', (line) => {
    expect(() => failedRecord(line, 'here')).toThrow(`here: expected JSON with rawData, got ${line}`);
  });
});

describe('bisected', () => {
  test('finds the bad rows by the rules of the table and keeps the others', () => {
    const record = { rows: [row(1, 200), row(2, 'abc'), '{"0":', row(4, 200)], code: DATA_FAULT, message: '' };
    const { good, pieces, bad } = bisected(TABLE, record);

    expect(good).toEqual([row(1, 200), row(4, 200)]);
    expect(pieces).toEqual([]);
    expect(bad).toEqual([
      {
        ...{ origin: 'o', position: 2, raw: '{"origin":"o","position":2,"path":"/","status":"abc"}' },
        detail: expect.stringContaining('column status'),
      },
      { origin: undefined, position: undefined, raw: '{"0":', detail: expect.stringContaining('ParseError') },
    ]);
  });

  test('shows a bad row under the names of its columns, and its time as text', () => {
    const odd = JSON.stringify({ [STATUS]: 'abc', [TIME]: 1795341600123, 9: 1795341600123 });
    const { bad } = bisected(TABLE, { rows: [odd], code: DATA_FAULT, message: '' });

    expect(JSON.parse(bad[0]?.raw ?? '')).toEqual({
      ...{ 9: 1795341600123, status: 'abc', time: '2026-11-22 10:00:00.123' },
    });
  });

  test('cuts a record whose fault no rule explains into pieces, until a row is alone', () => {
    let left: readonly string[] = rows(400);
    let rounds = 0;
    for (; left.length > 1; rounds++) {
      const { good, pieces, bad } = bisected(TABLE, { rows: left, code: DATA_FAULT, message: 'unknown' });
      expect([good, bad, pieces.flat()]).toEqual([[], [], left]);
      left = pieces.at(-1) ?? [];
    }
    expect(rounds).toBeLessThanOrEqual(3);
    expect(bisected(TABLE, { rows: left, code: DATA_FAULT, message: 'unknown' })).toMatchObject({
      ...{ good: [], pieces: [] },
      bad: [{ origin: 'o', detail: `${DATA_FAULT}: unknown` }],
    });
  });

  test('blames no row for a fault of the service', () => {
    const record = { rows: rows(1), code: 'DataFormatConversion.AccessDenied', message: '' };
    expect(bisected(TABLE, record)).toEqual({ good: rows(1), pieces: [], bad: [] });
  });
});
