import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { payloadToCheck, readObject } from '../../../../lambdas/core/duplicates/input-to-check.ts';
import { minuteOf } from '../../../../lambdas/core/duplicates/minutes.ts';
import { Pager } from '../../../../lambdas/core/duplicates/pages.ts';
import { eachRecord } from '../../../../lambdas/core/duplicates/records.ts';
import { compiledSources } from '../../../../lambdas/core/loading/sources.ts';
import { eventBlocks } from '../../../../lambdas/core/reading/events.ts';

const NOON = Date.UTC(2026, 10, 22, 12);
const HOUR_MS = 3_600_000;

describe('payloadToCheck', () => {
  test.each([
    ['json', '{"id":1}'],
    ['kong', '192.0.2.1 - - [-] "GET / HTTP/1.1" 200 1 "-" "-" kong_request_id: "a"'],
  ])(
    'groups %s events without a time of their own by the hour CloudWatch received each of them',
    async (format, message) => {
      const settings = {
        name: 'app',
        format,
        lane: 'events',
        logGroups: ['/app'],
        streams: ['app'],
        keepRaw: 'never',
      } as const;
      const options = format === 'json' ? { columns: { id: 'int' } } : {};
      const [source] = compiledSources([{ ...settings, options }]);
      if (!source) throw new Error('expected a source');
      const timestamps = [NOON, NOON + HOUR_MS, NOON + 3 * HOUR_MS];
      const input = payloadToCheck(
        source,
        {
          ...{ owner: '123456789012', logGroup: '/app', logStream: 's', filter: 'f' },
          ...{ firstEventId: '1', lastEventId: '3', events: timestamps.length, bytes: 1 },
          blocks: eventBlocks(timestamps.map((timestamp) => ({ message, timestamp }))),
        },
        'a request',
      );
      const minutes: number[] = [];
      const window = { from: minuteOf(NOON), to: minuteOf(NOON) + 600 };
      await input.read(
        new Pager({ sampleRate: 1, ...window, take: ({ minute }) => minutes.push(minute) }),
        async () => {},
      );
      expect(minutes).toEqual(timestamps.map(minuteOf));
    },
  );
});

describe('readObject', () => {
  async function linesOf(bytes: Buffer): Promise<string[]> {
    const settings = {
      name: 'app',
      format: 'json',
      lane: 'objects',
      bucket: 'logs',
      streams: ['app'],
      keepRaw: 'never',
      options: { columns: { id: 'int' } },
    } as const;
    const [source] = compiledSources([settings]);
    if (!source) throw new Error('expected a source');
    const found: string[] = [];
    const open = async function* () {
      yield bytes;
    };
    await readObject(
      source,
      async () => open(),
      (records) => {
        for (const record of eachRecord(records)) found.push(record.line);
      },
    );
    return found;
  }

  const LINES = ['{"id":1}', '{"id":2}'];
  const TEXT = Buffer.from(LINES.map((line) => `${line}\n`).join(''));

  test.each([
    ['plain lines', TEXT],
    ['zstd', zstdCompressSync(TEXT)],
    ['gzip within gzip', gzipSync(gzipSync(TEXT))],
    ['zstd within gzip', gzipSync(zstdCompressSync(TEXT))],
  ])('gives the records of %s', async (_, bytes) => {
    expect(await linesOf(bytes)).toEqual(LINES);
  });

  test('gives the records before the break of a zstd, and one for the break', async () => {
    const broken = Buffer.concat([zstdCompressSync(TEXT), zstdCompressSync('{"id":3}').subarray(0, -1)]);
    expect(await linesOf(broken)).toEqual([...LINES, expect.any(String)]);
  });

  test.each([
    ['as it is', (bytes: Buffer) => bytes],
    ['within gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['within zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ])('gives one record of an archive %s, as loading rejects one line', async (_, layer) => {
    const archive = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100_000, 'a\n')]);
    expect(await linesOf(layer(archive))).toEqual(['50 4b 03 04 61 0a 61 0a 61 0a 61 0a 61 0a 61 0a']);
  });
});
