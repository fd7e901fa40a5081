import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CAN_MEASURE_PROCESSES, peakMemoryMib } from '../../bench/process.ts';
import { readLakeFolder } from '../../bin/input/lake-folder.ts';
import { select } from '../../bin/output/balance.ts';
import { openAthena } from '../../local/athena/athena.ts';
import { openFaultyLake } from './faulty-lake.ts';
import { albLine, albObject } from './logs.ts';

const MIB = 1024 * 1024;
const FOLDER = 'AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/03/04/';

/** Far below the size of what is decompressed: none of it can have been held. */
const MOST_MEMORY_MIB = 320;

/** gzip of so many MiB of repeated bytes; a member at a time, each the same. */
function repeated(pattern: string, mib: number): Buffer {
  const member = gzipSync(Buffer.alloc(64 * MIB, pattern));
  return Buffer.concat(Array.from({ length: mib / 64 }, () => member));
}

/** One member per character of a text. */
function membersOf(text: string): Buffer {
  const byChar = new Map([...new Set(text)].map((char) => [char, gzipSync(char)]));
  return Buffer.concat(Array.from(text, (char) => byChar.get(char) ?? Buffer.alloc(0)));
}

function longLine(mib: number): Buffer {
  return Buffer.concat([Buffer.alloc(mib * MIB, 'a long line never ends, '), Buffer.from(`\n${albLine(2, 10)}\n`)]);
}

/** zstd that refers back as far as zstd allows unasked. */
const WIDEST_WINDOW = { params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_compressionLevel]: 1 } };

interface Bomb {
  readonly name: string;
  readonly bytes: () => Buffer;
  /** What `loads` must say of it. */
  readonly loaded: Readonly<Record<string, unknown>>;
  readonly reasons: readonly string[];
}

const MEMBERS_LINES = 2600;

const BOMBS: readonly Bomb[] = [
  {
    name: '10 GiB of zeros in 10 MiB',
    bytes: () => repeated('\0', 10_240),
    loaded: { lines: 1, rows: 0, rejected: 1 },
    reasons: ['decompression_bomb'],
  },
  {
    name: 'a line of 200 MiB',
    bytes: () => gzipSync(longLine(200), { level: 1 }),
    loaded: { lines: 2, rows: 1, rejected: 1 },
    reasons: ['line_too_long'],
  },
  {
    name: 'a line of 200 MiB as zstd with a window of 128 MiB',
    bytes: () => zstdCompressSync(longLine(200), WIDEST_WINDOW),
    loaded: { lines: 2, rows: 1, rejected: 1 },
    reasons: ['line_too_long'],
  },
  {
    name: '10 GiB of zeros as gzip within zstd',
    bytes: () => zstdCompressSync(repeated('\0', 10_240)),
    loaded: { lines: 1, rows: 0, rejected: 1 },
    reasons: ['decompression_bomb'],
  },
  {
    name: 'gzip within gzip without end',
    bytes: () => Array.from({ length: 1000 }).reduce<Buffer>((within) => gzipSync(within), Buffer.from('a line\n')),
    loaded: { lines: 1, rows: 0, rejected: 1 },
    reasons: ['decompression_bomb'],
  },
  {
    name: 'a zip archive within gzip',
    bytes: () => gzipSync(Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100 * MIB, 'a\n')])),
    loaded: { lines: 1, rows: 0, rejected: 1 },
    reasons: ['unreadable_content'],
  },
  {
    name: 'a million gzip members',
    bytes: () => membersOf(`${albLine(1, 10)}\n`.repeat(MEMBERS_LINES)),
    loaded: { lines: MEMBERS_LINES, rows: MEMBERS_LINES, rejected: 0 },
    reasons: [],
  },
];

describe('an object made to hurt', { timeout: 120_000 }, () => {
  test.each(BOMBS)('$name: ends in bounded memory, and the others are loaded', async ({ bytes, loaded, reasons }) => {
    const pids = new Set<number>();
    const faulty = await openFaultyLake({ onInvocation: ({ pid }) => pids.add(pid) });
    const others = [1, 2].map((index) => albObject(`object-${index}`, 50));
    await faulty.putBytes(`${FOLDER}bomb.log.gz`, bytes());
    await faulty.put(...others);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    if (CAN_MEASURE_PROCESSES) for (const pid of pids) expect(peakMemoryMib(pid)).toBeLessThan(MOST_MEMORY_MIB);

    const athena = await openAthena(readLakeFolder(faulty.dir));
    const rows = await select(athena, `SELECT * FROM loads WHERE object_key LIKE '%bomb%'`);
    const rejected = await select(athena, `SELECT reason FROM rejected_lines WHERE origin = '${rows[0]?.origin}'`);
    const loadedOthers = await select(
      athena,
      `SELECT object_key AS name, count(DISTINCT position) AS found FROM alb JOIN loads USING (origin)
       WHERE object_key NOT LIKE '%bomb%' GROUP BY 1 ORDER BY 1`,
    );
    await athena.close();
    expect(loadedOthers).toEqual(others.map((each) => ({ name: each.name, found: each.rows.length })));
    expect(rows).toEqual([expect.objectContaining(loaded)]);
    expect(rejected.map(({ reason }) => reason)).toEqual(reasons);
    const { lines, filtered } = rows[0] ?? {};
    expect(Number(lines)).toBe(Number(rows[0]?.rows) + Number(filtered) + Number(rows[0]?.rejected));
  });
});
