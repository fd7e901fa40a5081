import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../../../lambdas/core/formats/registry.ts';
import { textOf, withoutBom } from '../../../../lambdas/core/lines/utf8.ts';
import type { Claim, ClaimResult, Ledger, Progress } from '../../../../lambdas/core/loading/ledger.ts';
import {
  type Attempt,
  DeliveryError,
  type Encode,
  type Loaded,
  type LoadResult,
  loadObject,
  loadPayload,
  type Ports,
  type Source,
} from '../../../../lambdas/core/loading/load.ts';
import type { LatestVersion } from '../../../../lambdas/core/loading/versions.ts';
import type { FormatOptions } from '../../../../lambdas/core/reading/format.ts';
import type { InputPlace, SourceSettings } from '../../../../lambdas/core/settings.ts';
import { loadsTable, rejectedTable } from '../../../../lambdas/core/tables/lake-tables.ts';
import { sourceTable, type Table } from '../../../../lambdas/core/tables/table.ts';
import { blocksOf } from '../../../helpers/blocks.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { GOLDEN, goldenCases } from '../../../helpers/golden.ts';
import { rowsByName } from '../../../helpers/rows.ts';

const OBJECT = { bucket: 'logs', key: 'AWSLogs/a.log.gz', etag: 'd41d8cd98f00b204e9800998ecf8427e' };
const ATTEMPT: Attempt = { holder: 'message-a', leaseUntil: Number.MAX_SAFE_INTEGER, outOfTime: () => false };

/** A ledger of one entry, which tells what was written to it; rules of holders are tested where they are made. */
class OneEntry implements Ledger {
  writes: string[] = [];
  progress: Progress | undefined;
  done = false;

  async claim(): Promise<ClaimResult> {
    if (this.done) return { outcome: 'already_loaded' };
    const claim: Claim = {
      isFirst: !this.progress,
      resume: this.progress,
      checkpoint: async (progress: Progress) => this.#write('checkpoint', progress),
      release: async (progress = this.progress) => {
        if (progress) this.#write('release', progress);
        else this.writes.push('release');
      },
      finish: async (outcome: string) => {
        this.writes.push(outcome);
        this.done = true;
      },
    };
    return { outcome: 'claimed', claim };
  }

  async reserve(): Promise<'free'> {
    return 'free';
  }

  async remember(_id: string, version: LatestVersion): Promise<LatestVersion> {
    return version;
  }

  #write(what: string, progress: Progress): void {
    this.writes.push(`${what} ${progress.counts.lines}`);
    this.progress = progress;
  }
}

/** Firehose as a list of records by stream; `refuse` makes it give up on a batch. */
class Streams {
  readonly records = new Map<string, Uint8Array[]>();
  refuse: (stream: string, batch: number) => boolean = () => false;
  #batches = 0;

  encode: Encode = ([stream = ''], records) => {
    const copies = records.map((record) => Uint8Array.from(record));
    return {
      send: async () => {
        if (copies.length === 0) return;
        if (this.refuse(stream, this.#batches++)) throw new DeliveryError(`stream ${stream}: throttled`);
        this.records.set(stream, [...(this.records.get(stream) ?? []), ...copies]);
      },
    };
  };

  rows(stream: string, table: Table): Record<string, unknown>[] {
    return rowsByName(this.records.get(stream) ?? [], table);
  }
}

function portsOf(ledger: Ledger, streams: Streams): Ports {
  return {
    ledger,
    encode: streams.encode,
    now: () => new Date('2026-11-22T12:00:00Z'),
    loadsStream: 'loads',
    rejectedStream: 'rejected',
    objectEntryDays: 400,
  };
}

function sourceOf(format: string, lane: 'objects' | 'events', options: FormatOptions = {}): Source {
  const place: InputPlace = lane === 'objects' ? { lane, bucket: OBJECT.bucket } : { lane, logGroups: ['/app'] };
  const settings: SourceSettings = { name: format, format, ...place, streams: ['rows'], keepRaw: 'on-error' };
  return { settings, format: compiled(format, options) };
}

async function* bodyOf(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The golden inputs of a format that are lines, each with its options. */
const goldenLines = (format: string) =>
  goldenCases(format)
    .filter(({ path }) => path.endsWith('.log'))
    .map(({ path, options }) => ({ bytes: readFileSync(path), options }));

function loadedOf(result: LoadResult): Loaded {
  if (result.outcome !== 'loaded') throw new Error(`expected it to be loaded, got ${result.outcome}`);
  return result.loaded;
}

async function fromObject(source: Source, bytes: Buffer) {
  const streams = new Streams();
  const ports = portsOf(new OneEntry(), streams);
  const loaded = loadedOf(await loadObject(source, OBJECT, async () => bodyOf(gzipSync(bytes)), ports, ATTEMPT));
  return { loaded, rows: streams.rows('rows', sourceTable('t', '', source.format.columns, 'objects')) };
}

async function fromPayload(source: Source, messages: readonly string[], bytes: number) {
  const streams = new Streams();
  const ids = { owner: '123456789012', filter: 'f', firstEventId: '1', lastEventId: '2', events: messages.length };
  const payload = { ...ids, logGroup: '/app', logStream: 's', blocks: blocksOf(messages), bytes };
  const loaded = loadedOf(await loadPayload(source, payload, portsOf(new OneEntry(), streams), ATTEMPT));
  return { loaded, rows: streams.rows('rows', sourceTable('t', '', source.format.columns, 'events')) };
}

describe('every format on both lanes', () => {
  test.each([...FORMATS.keys()])('%s gives the same rows from an object and from a payload', async (format) => {
    let rows = 0;
    for (const { bytes, options } of goldenLines(format)) {
      const source = sourceOf(format, 'objects', options);
      const lines = withoutBom(textOf(bytes)).replace(/\n$/, '').split(/\r?\n/);
      const object = await fromObject(source, bytes);
      const payload = await fromPayload(source, lines, bytes.length);
      expect(payload.loaded.counts).toEqual(object.loaded.counts);
      expect(payload.rows).toEqual(
        object.rows.map((row) => ({
          ...row,
          origin: payload.loaded.origin,
          log_group: '/app',
          log_stream: 's',
        })),
      );
      rows += object.rows.length;
    }
    expect(rows).toBeGreaterThan(2);
  });
});

describe('loadObject', () => {
  const [line] = readFileSync(join(GOLDEN, 'alb', 'a-line-of-34-fields.log'), 'utf8').split('\n');
  const many = Buffer.from(`${`${line}\n`.repeat(9999)}bad\n\n${`${line}\n`.repeat(9999)}`);
  const alb = sourceOf('alb', 'objects');
  const table = sourceTable('alb', '', alb.format.columns, 'objects');
  const load = (
    ledger: OneEntry,
    streams: Streams,
    attempt = ATTEMPT,
    bytes: Uint8Array = many,
    object: Parameters<typeof loadObject>[1] = OBJECT,
  ) => loadObject(alb, object, async () => bodyOf(bytes), portsOf(ledger, streams), attempt);

  test('sends rows and rejections, checkpoints each batch, then the loads row, and only then finishes', async () => {
    const [ledger, streams] = [new OneEntry(), new Streams()];
    const loaded = loadedOf(await load(ledger, streams));
    expect(loaded).toMatchObject({ counts: { lines: 20_000, rows: 19_998, rejected: 1, filtered: 1 } });
    expect(ledger.writes.length).toBeGreaterThan(3);
    expect(ledger.writes.slice(-2)).toEqual(['checkpoint 20000', 'loaded']);
    expect(streams.rows('rows', table)).toHaveLength(19_998);
    expect(streams.rows('rejected', rejectedTable)).toMatchObject([{ position: 10_000, raw: 'bad' }]);
    expect(streams.rows('loads', loadsTable)).toMatchObject([
      {
        kind: 'object',
        object_key: OBJECT.key,
        bytes: many.length,
        lines: 20_000,
        rows: 19_998,
        rejected: 1,
        filtered: 1,
      },
    ]);
  });

  test.each([
    ['read by the kernel', false],
    ['read by the TypeScript reader', true],
  ])('says in loads which filter left out how many lines, with an example of each, %s', async (_, slow) => {
    const kong = sourceOf('kong', 'objects');
    const { layout, ...withoutKernel } = kong.format;
    const source = slow ? { ...kong, format: withoutKernel } : kong;
    const notice = '2026/11/22 12:00:00 [notice] 1#0: signal process started';
    const check =
      '127.0.0.1 - - [22/Nov/2026:12:00:00 +0000] "GET /status HTTP/1.1" 200 1 "-" "-" kong_request_id: "a"';
    const lines = [notice, check, '', notice, `${notice} ${'x'.repeat(500)}`, check.replace('"a"', '"b"')];
    const streams = new Streams();
    const body = Buffer.from(`${lines.join('\r\n')}\r\n`);
    const loaded = loadedOf(
      await loadObject(source, OBJECT, async () => bodyOf(body), portsOf(new OneEntry(), streams), ATTEMPT),
    );
    expect(loaded.counts).toMatchObject({ lines: 6, rows: 0, filtered: 6, rejected: 0 });
    const [row] = streams.rows('loads', loadsTable);
    expect(JSON.parse(String(row?.filtered_by))).toEqual({
      no_http: { lines: 3, example: notice },
      local_client: { lines: 2, example: check },
      blank_line: { lines: 1, example: '' },
    });
    expect(row).toMatchObject({ filtered: 6, empty_rows: 0 });
  });

  test('counts filters on over a checkpoint, and says nothing of filters where none left out a line', async () => {
    const [ledger, streams] = [new OneEntry(), new Streams()];
    const some = Buffer.from(`${`${line}\n`.repeat(9999)}\n${`${line}\n`.repeat(9999)}\n`);
    let looks = 0;
    let result = await load(ledger, streams, { ...ATTEMPT, outOfTime: () => looks++ > 120 }, some);
    expect(result).toEqual({ outcome: 'unfinished' });
    expect(ledger.progress?.counts.filteredBy).toEqual({ blank_line: 1 });
    result = await load(ledger, streams, ATTEMPT, some);
    expect(loadedOf(result).counts.filteredBy).toEqual({ blank_line: 2 });
    const plain = new Streams();
    await load(new OneEntry(), plain, ATTEMPT, Buffer.from(`${line}\n`));
    expect(plain.rows('loads', loadsTable)[0]).not.toHaveProperty('filtered_by');
  });

  test('spreads its batches over the streams of the table, each in turn', async () => {
    const streams = ['one', 'two', 'three'];
    const source = { ...alb, settings: { ...alb.settings, streams } };
    const offered: (readonly string[])[] = [];
    const ports: Ports = {
      ...portsOf(new OneEntry(), new Streams()),
      encode: (to) => {
        offered.push(to);
        return { send: async () => {} };
      },
    };
    await loadObject(source, OBJECT, async () => bodyOf(many), ports, ATTEMPT);
    const ofRows = offered.filter((to) => to.length > 1);
    expect(ofRows.length).toBeGreaterThan(2);
    const first = streams.indexOf(ofRows[0]?.[0] ?? '');
    for (const [index, to] of ofRows.entries()) {
      expect(to).toEqual([0, 1, 2].map((step) => streams[(first + index + step) % streams.length]));
    }
    expect(new Set(offered.filter((to) => to.length === 1).flat())).toEqual(new Set(['rejected', 'loads']));
  });

  test('packs all batches into the memory of two, however late they are acknowledged', async () => {
    const memories: ArrayBufferLike[] = [];
    const ports: Ports = {
      ...portsOf(new OneEntry(), new Streams()),
      encode: ([stream], records) => {
        if (stream === 'rows') memories.push(...records.slice(0, 1).map(({ buffer }) => buffer));
        return { send: () => sleep(20) };
      },
    };
    const lines = Buffer.from(`${line}\n`.repeat(40_000));
    await loadObject(alb, OBJECT, async () => bodyOf(lines), ports, ATTEMPT);
    expect(memories.length).toBeGreaterThan(5);
    expect(new Set(memories).size).toBe(2);
  });

  test('leaves alone what is done, without opening it', async () => {
    const ledger = new OneEntry();
    ledger.done = true;
    const open = async () => {
      throw new Error('opened');
    };
    expect(await loadObject(alb, OBJECT, open, portsOf(ledger, new Streams()), ATTEMPT)).toEqual({
      outcome: 'already_loaded',
    });
  });

  test('finishes an object that another has replaced', async () => {
    const ledger = new OneEntry();
    expect(await loadObject(alb, OBJECT, async () => undefined, portsOf(ledger, new Streams()), ATTEMPT)).toEqual({
      outcome: 'replaced',
    });
    expect(ledger.writes).toEqual(['replaced']);
  });

  test('says in loads what it loaded of an object before another replaced it', async () => {
    const [ledger, streams] = [new OneEntry(), new Streams()];
    let looks = 0;
    await load(ledger, streams, { ...ATTEMPT, outOfTime: () => looks++ > 40 });
    const { length } = streams.rows('rows', table);
    expect(length).toBeGreaterThan(1000);
    const result = await loadObject(alb, OBJECT, async () => undefined, portsOf(ledger, streams), ATTEMPT);
    expect(result).toEqual({ outcome: 'replaced' });
    expect(streams.rows('loads', loadsTable)).toMatchObject([{ lines: length, rows: length, etag: OBJECT.etag }]);
    expect(ledger.writes.at(-1)).toBe('replaced');
  });

  test('stops near the time limit with nothing unsent, and goes on there without a row lost or doubled', async () => {
    const [ledger, streams] = [new OneEntry(), new Streams()];
    let results = 0;
    for (let outcome = 'unfinished'; outcome === 'unfinished'; results++) {
      let looks = 0;
      // Each invocation lives for so many chunks; resuming takes one or more to skip what is done.
      ({ outcome } = await load(ledger, streams, { ...ATTEMPT, outOfTime: () => looks++ > 40 + results * 40 }));
    }
    expect(results).toBeGreaterThan(2);
    const positions = streams.rows('rows', table).map(({ position }) => position);
    expect(new Set(positions).size).toBe(positions.length);
    expect(positions).toHaveLength(19_998);
    expect(streams.rows('loads', loadsTable)).toMatchObject([{ lines: 20_000, rows: 19_998, bytes: many.length }]);
  });

  test('ends an object with a reason when an invocation comes no further than the one before', async () => {
    const [ledger, streams] = [new OneEntry(), new Streams()];
    const giveUp = { ...ATTEMPT, outOfTime: () => true };
    const bytes = Buffer.alloc(1_000_000, 'x');
    expect(await load(ledger, streams, giveUp, bytes)).toEqual({ outcome: 'unfinished', stuckAt: 0 });
    const loaded = loadedOf(await load(ledger, streams, giveUp, bytes, { ...OBJECT, stuckAt: 0 }));
    expect(loaded).toMatchObject({ counts: { lines: 1, rejected: 1 }, reasons: new Map([['no_progress', 1]]) });
    expect(ledger.done).toBe(true);
  });

  test('ends an object with a reason when an invocation cannot even skip what is done', async () => {
    const [ledger, streams] = [new OneEntry(), new Streams()];
    let looks = 0;
    expect(await load(ledger, streams, { ...ATTEMPT, outOfTime: () => looks++ > 40 })).toEqual({
      outcome: 'unfinished',
    });
    const done = ledger.progress?.counts.lines ?? 0;
    expect(done).toBeGreaterThan(1000);
    const giveUp = { ...ATTEMPT, outOfTime: () => true };
    expect(await load(ledger, streams, giveUp, many)).toEqual({ outcome: 'unfinished', stuckAt: done });
    // Stuck at another line before: it has got further since.
    const further = { ...OBJECT, stuckAt: done - 1 };
    expect(await load(ledger, streams, giveUp, many, further)).toEqual({ outcome: 'unfinished', stuckAt: done });
    expect(streams.rows('loads', loadsTable)).toEqual([]);
    const loaded = loadedOf(await load(ledger, streams, giveUp, many, { ...OBJECT, stuckAt: done }));
    expect(loaded).toMatchObject({ counts: { lines: done + 1 }, reasons: new Map([['no_progress', 1]]) });
    expect(streams.rows('rejected', rejectedTable)).toContainEqual(
      expect.objectContaining({ position: done + 1, reason: 'no_progress' }),
    );
    expect(ledger.done).toBe(true);
  });

  test('leaves the rest to another invocation when Firehose takes some and then no more', async () => {
    const [ledger, streams] = [new OneEntry(), new Streams()];
    streams.refuse = (_, batch) => batch >= 2;
    expect(await load(ledger, streams)).toEqual({ outcome: 'unfinished' });
    expect(ledger.writes.at(-1)).toMatch(/^release \d+$/);
    streams.refuse = () => false;
    expect(loadedOf(await load(ledger, streams))).toMatchObject({ counts: { lines: 20_000, rows: 19_998 } });
    const positions = new Set(streams.rows('rows', table).map(({ position }) => position));
    expect(positions.size).toBe(19_998);
  });

  test('fails when Firehose takes nothing: the message comes back', async () => {
    const [ledger, streams] = [new OneEntry(), new Streams()];
    streams.refuse = () => true;
    await expect(load(ledger, streams)).rejects.toThrow(DeliveryError);
    expect(ledger.done).toBe(false);
  });

  test('loads what stands before the break of a gzip, and rejects the break', async () => {
    const [ledger, streams] = [new OneEntry(), new Streams()];
    const gz = gzipSync(many);
    const loaded = loadedOf(await load(ledger, streams, ATTEMPT, gz.subarray(0, gz.length >> 1)));
    expect(loaded.counts.rows).toBeGreaterThan(1000);
    expect(loaded.reasons.get('broken_gzip')).toBe(1);
    expect(loaded.counts.lines).toBe(loaded.counts.rows + loaded.counts.filtered + loaded.counts.rejected);
    expect(ledger.done).toBe(true);
  });

  const half = Buffer.from(`${line}\n`.repeat(5000));
  const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  /** With the last bit of its last checksum or length changed. */
  const damaged = (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) as number) ^ 1)]);

  test.each([
    ['one gzip member whose length is wrong', damaged(gzipSync(half)), 5000, 1],
    [
      'a second gzip member whose length is wrong',
      damaged(Buffer.concat([gzipSync(half), gzipSync(half)])),
      5000,
      5001,
    ],
    [
      'a second gzip member that breaks off',
      Buffer.concat([gzipSync(half), gzipSync(half).subarray(0, -8)]),
      5000,
      5001,
    ],
    ['a second gzip member whose header is wrong', Buffer.concat([gzipSync(half), Buffer.from('hello')]), 0, undefined],
    [
      'a second gzip member within gzip',
      gzipSync(damaged(Buffer.concat([gzipSync(half), gzipSync(half)]))),
      5000,
      5001,
    ],
    [
      'a gzip around two sound members',
      damaged(gzipSync(Buffer.concat([gzipSync(half), gzipSync(half)]))),
      0,
      undefined,
    ],
    ['zstd with a checksum', damaged(zstdCompressSync(half, withChecksum)), 5000, 1],
    [
      'a second frame of zstd',
      damaged(Buffer.concat([zstdCompressSync(half), zstdCompressSync(half, withChecksum)])),
      5000,
      5001,
    ],
    ['a gzip around zstd without a checksum', damaged(gzipSync(zstdCompressSync(half))), 5000, 1],
  ])('says how many rows of %s may be wrong, and from which line on', async (_, bytes, unverified, from) => {
    const streams = new Streams();
    const loaded = loadedOf(await load(new OneEntry(), streams, ATTEMPT, bytes));
    expect(loaded.counts.rejected).toBe(1);
    expect(streams.rows('loads', loadsTable)).toMatchObject([{ unverified_rows: unverified }]);
    const [broken] = streams.rows('rejected', rejectedTable);
    const doubt = `; lines from ${from} on may be wrong, no checksum has proved them right`;
    if (from === undefined) expect(broken?.detail).not.toContain('may be wrong');
    else expect(broken?.detail).toMatch(new RegExp(`${doubt}$`));
  });

  test('says so too when an earlier attempt has loaded a part of it', async () => {
    const [ledger, streams] = [new OneEntry(), new Streams()];
    const bytes = damaged(Buffer.concat([gzipSync(half), gzipSync(half), gzipSync(half)]));
    let looks = 0;
    let result = await load(ledger, streams, { ...ATTEMPT, outOfTime: () => ++looks === 15 }, bytes);
    expect(result).toEqual({ outcome: 'unfinished' });
    // Before the member that is damaged, and after one that was verified.
    expect(ledger.progress?.counts.lines).toBeGreaterThan(5000);
    expect(ledger.progress?.counts.lines).toBeLessThan(10_000);
    looks = 0;
    result = await load(ledger, streams, { ...ATTEMPT, outOfTime: () => ++looks === 25 }, bytes);
    if (result.outcome === 'unfinished') result = await load(ledger, streams, ATTEMPT, bytes);
    expect(loadedOf(result).counts).toMatchObject({ rows: 15_000, unverifiedRows: 5000 });
  });

  test.each([
    ['gzip within gzip', gzipSync(gzipSync(many))],
    ['zstd', zstdCompressSync(many)],
    ['gzip within zstd', zstdCompressSync(gzipSync(many))],
    ['zstd within gzip', gzipSync(zstdCompressSync(many))],
  ])('loads %s whatever its key ends with', async (_, bytes) => {
    const loaded = loadedOf(await load(new OneEntry(), new Streams(), ATTEMPT, bytes));
    expect(loaded.counts).toMatchObject({ lines: 20_000, rows: 19_998, bytes: many.length });
  });

  test('loads the lines before the break of a zstd, and rejects the break', async () => {
    const bytes = zstdCompressSync(many);
    const loaded = loadedOf(await load(new OneEntry(), new Streams(), ATTEMPT, bytes.subarray(0, bytes.length >> 1)));
    expect(loaded.counts.rows).toBeGreaterThan(1000);
    expect(loaded.counts.rejected).toBe(1);
    expect(loaded.reasons.get('broken_zstd')).toBe(1);
  });

  test.each([
    ['as it is', (bytes: Buffer) => bytes],
    ['within gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['within zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ])('rejects an archive %s as one line that names it', async (_, layer) => {
    const archive = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100_000, 'a\n')]);
    const streams = new Streams();
    const loaded = loadedOf(await load(new OneEntry(), streams, ATTEMPT, layer(archive)));
    expect(loaded.counts).toMatchObject({ lines: 1, rows: 0, rejected: 1 });
    expect(streams.rows('rejected', rejectedTable)).toMatchObject([
      {
        reason: 'unreadable_content',
        detail: 'expected lines of text, gzip or zstd, got a zip archive',
        raw: '50 4b 03 04 61 0a 61 0a 61 0a 61 0a 61 0a 61 0a',
        position: 1,
      },
    ]);
  });
});
