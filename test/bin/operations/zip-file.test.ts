import { describe, expect, test } from 'vitest';
import { fileOfZip } from '../../../bin/operations/zip-file.ts';
import { archiveOf, type Packed } from '../../helpers/zip.ts';

const FILES: readonly Packed[] = [
  { name: 'index.mjs', text: 'export const handler = 1;\n'.repeat(99), method: 8 },
  { name: 'values.json', text: '{"app":["acme","Zo\u00eb"]}', method: 8 },
  { name: 'stored.txt', text: 'as it is', method: 0 },
  { name: 'empty.txt', text: '', method: 0 },
];

describe('a file of a zip archive', () => {
  test.each([{}, { comment: 'made by a test' }, { streamed: true }])('is found among others: %j', (options) => {
    const archive = archiveOf(FILES, options);
    for (const { name, text } of FILES) expect(fileOfZip(archive, name)?.toString()).toBe(text);
    expect(fileOfZip(archive, 'other.json')).toBeUndefined();
    expect(fileOfZip(archiveOf([]), 'index.mjs')).toBeUndefined();
  });

  test('is refused if the archive is damaged anywhere that it is read from, or is none', () => {
    const archive = archiveOf(FILES);
    expect(() => fileOfZip(Buffer.from('<html>'), 'values.json')).toThrow('expected a zip archive, got 6 bytes');
    expect(() => fileOfZip(archive.subarray(0, -1), 'values.json')).toThrow('expected a zip archive');
    const { text, method } = FILES[2] as Packed;
    const at = archive.indexOf(text);
    const damaged = Buffer.from(archive);
    damaged.write('As', at);
    expect(method).toBe(0);
    expect(() => fileOfZip(damaged, 'stored.txt')).toThrow(
      /^stored.txt: expected 8 bytes with CRC-32 \d+, got 8 others$/,
    );
    const elsewhere = Buffer.from(archive);
    elsewhere.writeUInt32LE(7, archive.length - 22 + 16);
    expect(() => fileOfZip(elsewhere, 'values.json')).toThrow('expected the entry of a zip archive at byte 7');
    const packed = Buffer.from(archive);
    packed.writeUInt16LE(12, archive.indexOf('stored.txtEXTCO') - 46 + 10);
    expect(() => fileOfZip(packed, 'stored.txt')).toThrow('expected a file that is stored or deflated, got method 12');
  });
});
