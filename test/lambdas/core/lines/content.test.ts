import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentOf } from '../../../../lambdas/core/lines/content.ts';

/** A file of the name `l.txt` and the content `one line`, as the usual tools write it. */
const BZIP2 = Buffer.from('QlpoOTFBWSZTWTP8DMUAAARRAAAQQAACJaAAMQwA0NPRyEeSUXckU4UJAz/AzFA=', 'base64');
const EMPTY_BZIP2 = Buffer.from('QlpoORdyRThQkAAAAAA=', 'base64');
const XZ = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAIb25lIGxpbmUKAAAAANSWcXF2ltA9AAEhCWwYxdUftvN9AQAAAAAEWVo=',
  'base64',
);
const LZ4 = Buffer.from('BCJNGGRApwkAAIBvbmUgbGluZQoAAAAAsJeAvA==', 'base64');
const ZIP = Buffer.from(
  'UEsDBBQAAAAAAPGUfF01PGreCQAAAAkAAAAFAAAAbC50eHRvbmUgbGluZQpQSwECFAMUAAAAAADxlHxdNTxq3gkA',
  'base64',
);
const SNAPPY = Buffer.from('ff060000734e6150705900050000', 'hex');
const PARQUET = Buffer.from('5041523115001516151a2c150215001506150600', 'hex');
const PARQUET_WITHOUT_ROWS = Buffer.from('504152311502193c3500180d6475636b64625f73', 'hex');

/** A tar header, as `tar` writes it in one of its two ways. */
function tar(magic: string, checksum: string): Buffer {
  const header = Buffer.alloc(1024);
  header.write('l.txt', 0);
  header.write(`0000644\x000000000\x000000000\x0000000000011\x0000000000000\x00${checksum}0`, 100);
  header.write(magic, 257, 'latin1');
  header.write('one line\n', 512);
  return header;
}

const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le');

const FOREIGN: readonly (readonly [string, Buffer])[] = [
  ['bzip2', BZIP2],
  ['bzip2', EMPTY_BZIP2],
  ['xz', XZ],
  ['lz4', LZ4],
  ['framed snappy', SNAPPY],
  ['a zip archive', ZIP],
  ['a zip archive', Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`, 'latin1')],
  ['a tar archive', tar('ustar\x0000', '006731\0 ')],
  ['a tar archive', tar('ustar  \0', '006671\0 ')],
  ['a Parquet file', PARQUET],
  ['a Parquet file', PARQUET_WITHOUT_ROWS],
  ['UTF-16 text', utf16('{"a":1}\n')],
  ['UTF-16 text', utf16('{"a":1}\n').swap16()],
  ['UTF-16 text', utf16('')],
  ['UTF-16 text', utf16('日本語のログ\n')],
];

const NEAR_MISSES: readonly (readonly [string, string])[] = [
  ['a word that begins like bzip2', 'BZhello'],
  ['a word that begins like bzip2 with a size', 'BZh9 is a word\n'],
  ['the digits of pi after BZh9', 'BZh9314159265359\n'],
  ['a word that begins like zip', 'PK is a word\n'],
  ['a word that begins like Parquet', 'PAR1 is a word\n'],
  ['the magic of Parquet and nothing after it', 'PAR1'],
  ['the magic of Parquet and a line end', 'PAR1\n\n'],
  ['a name that xz has in its magic', '7zXZ\n'],
  ['the magic of snappy without its length', 'sNaPpY\n'],
  ['the magic of lz4 without its first byte', '"M\x18\n'],
  ['Latin-1 text that begins with the bytes of a byte order mark', 'ÿþ is a name\n'],
  ['Latin-1 text that begins with the bytes of the other byte order mark', 'þÿ is a name\n'],
  ['a byte order mark of UTF-8', '\xef\xbb\xbf{"a":1}\n'],
  ['a parenthesis, with which zstd begins', '(\xb5/2)\n'],
  ['a letter with which a skippable frame begins', 'P*M is a product\n'],
  ['the word ustar where tar has it', `${' '.repeat(257)}ustar${' '.repeat(300)}\n`],
  [
    'the word ustar where tar has it and digits in place of a checksum',
    `${'1'.repeat(257)}ustar\0${'1'.repeat(300)}\n`,
  ],
];

describe('contentOf', () => {
  test.each(FOREIGN)('recognizes %s', (name, bytes) => {
    expect(contentOf(bytes)).toEqual({ kind: 'foreign', name });
  });

  test.each(NEAR_MISSES)('takes %s for text', (_, text) => {
    expect(contentOf(Buffer.from(text, 'latin1'))).toEqual({ kind: 'text' });
  });

  test.each(FOREIGN)('takes what %s begins with for text if it is cut within its magic', (_, bytes) => {
    expect(contentOf(bytes.subarray(0, 1))).toEqual({ kind: 'text' });
  });

  test('recognizes gzip and zstd, and zstd that begins with a skippable frame', () => {
    expect(contentOf(gzipSync(''))).toEqual({ kind: 'compressed', codec: 'gzip' });
    expect(contentOf(zstdCompressSync(''))).toEqual({ kind: 'compressed', codec: 'zstd' });
    for (let kind = 0x50; kind < 0x60; kind++) {
      expect(contentOf(Buffer.from([kind, 0x2a, 0x4d, 0x18]))).toEqual({ kind: 'compressed', codec: 'zstd' });
    }
    expect(contentOf(Buffer.from([0x60, 0x2a, 0x4d, 0x18]))).toEqual({ kind: 'text' });
  });

  test('takes any text without control characters for text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 600 }), (text) => {
        expect(contentOf(Buffer.from(text))).toEqual({ kind: 'text' });
      }),
    );
  });
});
