import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MAX_BATCH_BYTES,
  MAX_BATCH_RECORDS,
  MAX_RECORD_BYTES,
  PACKED_RECORD_BYTES,
  Packer,
  rowsOf,
} from '../../../../lambdas/core/loading/pack.ts';

function packAll(rows: readonly string[]): { batches: Uint8Array[][]; tooLarge: string[] } {
  const packer = new Packer();
  const batches: Uint8Array[][] = [];
  const tooLarge: string[] = [];
  for (const row of rows) {
    let packed = packer.add(row);
    if (packed === 'full') {
      batches.push(packer.take());
      packed = packer.add(row);
    }
    expect(packed).not.toBe('full');
    if (packed === 'too-large') tooLarge.push(row);
  }
  if (!packer.empty) batches.push(packer.take());
  return { batches, tooLarge };
}

const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 3000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 100_000, max: PACKED_RECORD_BYTES + 2 }) },
  { weight: 2, arbitrary: fc.integer({ min: PACKED_RECORD_BYTES - 2, max: MAX_RECORD_BYTES + 2 }) },
);

describe('Packer', () => {
  test('never breaks a limit of PutRecordBatch, and loses or reorders no row, whatever the sizes of rows', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(sizes, fc.constantFrom('a', 'é', '😀')), { maxLength: 60 }), (specs) => {
        const rows = specs.map(
          ([size, char], index) => `{"0":"${index}${char.repeat(Math.ceil(size / Buffer.byteLength(char)))}"}`,
        );
        const { batches, tooLarge } = packAll(rows);
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(MAX_BATCH_RECORDS);
          expect(batch.reduce((sum, record) => sum + record.length, 0)).toBeLessThanOrEqual(MAX_BATCH_BYTES);
          for (const record of batch) expect(record.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
        }
        const sent = batches.flat().flatMap(rowsOf);
        expect(sent).toEqual(rows.filter((row) => !tooLarge.includes(row)));
        for (const row of tooLarge) expect(Buffer.byteLength(row)).toBeGreaterThan(MAX_RECORD_BYTES);
      }),
      { numRuns: 60 },
    );
  });

  test('fills records of small rows to within one row of the size they are packed to', () => {
    const row = 'x'.repeat(900);
    const { batches } = packAll(Array.from({ length: 20_000 }, () => row));
    const records = batches.flat();
    for (const record of records.slice(0, -1)) expect(record.length).toBeGreaterThan(PACKED_RECORD_BYTES - 900);
    expect(batches[0]).toHaveLength(8);
  });

  test('takes a row that exactly fills a record and refuses one byte more', () => {
    expect(new Packer().add('x'.repeat(MAX_RECORD_BYTES))).toBe('packed');
    expect(new Packer().add('x'.repeat(MAX_RECORD_BYTES + 1))).toBe('too-large');
  });

  test('gives nothing when nothing was added', () => {
    const packer = new Packer();
    expect(packer.empty).toBe(true);
    expect(packer.take()).toEqual([]);
  });

  test('starts with an empty batch after one was taken', () => {
    const packer = new Packer();
    packer.add('{"a":1}');
    packer.take();
    packer.add('{"b":2}');
    expect(packer.take().map((record) => Buffer.from(record).toString())).toEqual(['{"b":2}']);
  });
});
