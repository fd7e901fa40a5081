import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { billedBytes } from '../../bench/billed-bytes.ts';
import { ingest } from '../../bench/ingest.ts';
import { fromFiles, generated, withNewField } from '../../bench/input.ts';
import { Interleaved } from '../../bench/measure.ts';
import { usualWay } from '../../bench/usual.ts';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const MIB = 1024 * 1024;

describe('generated', () => {
  test('gives the same lines for a seed, and others for another', () => {
    const [first, again, other] = ['a', 'a', 'b'].map((seed) => gunzipSync(generated('alb', seed, 50_000).gzip));
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test('gives ALB lines of 34 fields that gzip shrinks as it does access logs', () => {
    const { gzip, bytes, lines } = generated('alb', 'a', 2 * MIB);
    const text = gunzipSync(gzip).toString('latin1');
    const fields = text.split('\n').filter((line) => line.match(/"[^"]*"|\S+/g)?.length === 34);
    expect(fields.length / lines).toBeGreaterThan(0.98);
    expect(bytes / gzip.length).toBeGreaterThan(5);
    expect(bytes / gzip.length).toBeLessThan(7);
    expect(text).toContain('\\x22');
    expect(text).toMatch(/[\x80-\xff]{2}/);
  });

  test.each(['alb', 'kong', 'kong-cri', 'kong-docker', 'kong-json', 'json', 'json-nested'] as const)(
    'gives %s lines of which few are rejected',
    async (kind) => {
      const input = generated(kind, 'a', 2 * MIB);
      const { lines, rejected, rows } = await ingest(input);
      expect(lines).toBe(input.lines);
      expect(rows / lines).toBeGreaterThan(0.98);
      expect(rejected).toBeGreaterThan(0);
    },
  );
});

describe('a format without traffic of its own', () => {
  const names = [...FORMATS.keys()].filter((name) => !['alb', 'kong', 'kong-json', 'json'].includes(name));

  test.each(names)('%s is generated from its example lines: all are rows, and hardly two are alike', async (name) => {
    const input = generated(name, 'a', MIB / 4);
    const { lines, rows, fieldErrors, unknownFields } = await ingest(input);
    expect({ lines, rows, fieldErrors, unknownFields }).toEqual({
      ...{ lines: input.lines, rows: input.lines, fieldErrors: 0, unknownFields: 0 },
    });
    const text = gunzipSync(input.gzip).toString('latin1').trimEnd().split('\n');
    expect(new Set(text).size).toBeGreaterThan(Math.min(200, text.length / 2));
    const records: string[] = [];
    await usualWay(input, (record) => void records.push(Buffer.from(record).toString()));
    expect(records.length).toBe(input.lines);
    expect(Object.keys(JSON.parse(records[0] as string)).length).toBeGreaterThan(4);
  });

  test('refuses a name that is neither a kind of lines nor a format', () => {
    expect(() => generated('haproxy2', 'a', 1)).toThrow('expected a kind of lines or a format, got haproxy2');
  });
});

describe('withNewField', () => {
  test('adds one unknown field to each line', async () => {
    const input = generated('alb', 'a', MIB / 4);
    const before = await ingest(input);
    const { lines, unknownFields } = await ingest(withNewField(input));
    expect(before.unknownFields / lines).toBeLessThan(0.01);
    expect(unknownFields / lines).toBeGreaterThan(0.98);
  });
});

describe('fromFiles', () => {
  test('refuses files none of whose lines is of the format', async () => {
    const file = join(temporaryFolder(), 'other.log');
    writeFileSync(file, 'one\ntwo\n');
    await expect(fromFiles('alb', [file], 100)).rejects.toThrow(
      'other.log: none of 2 lines is a row of alb: give another --format',
    );
  });

  test('repeats small files, gzipped or not, until they are worth measuring', async () => {
    const dir = temporaryFolder();
    const paths = ['a.log', 'b.log.gz'].map((name) => join(dir, name)) as [string, string];
    const line = (level: string) => JSON.stringify({ level });
    writeFileSync(paths[0], line('1'));
    writeFileSync(paths[1], gzipSync(`${line('2')}\n${line('3')}\n`));
    const input = await fromFiles('json', paths, 200);
    const once = ['1', '2', '3'].map((level) => `${line(level)}\n`).join('');
    expect(gunzipSync(input.gzip).toString()).toBe(once.repeat(5));
    expect(input).toMatchObject({ bytes: once.length * 5, lines: 15 });
  });
});

describe('usualWay', () => {
  test.each(['alb', 'kong', 'json'] as const)('takes nearly every %s line apart', async (kind) => {
    const input = generated(kind, 'a', MIB / 4);
    const records: string[] = [];
    await usualWay(input, (record) => {
      records.push(Buffer.from(record).toString());
    });
    expect(records.length).toBe(input.lines);
    expect(records.filter((record) => record.startsWith('{"line":')).length / input.lines).toBeLessThan(0.02);
  });
});

test('usualWay takes ALB lines apart from before the last fields were added', async () => {
  const fields =
    gunzipSync(generated('alb', 'a', MIB / 4).gzip)
      .toString()
      .split('\n')[1]
      ?.match(/"[^"]*"|\S+/g) ?? [];
  expect(fields.length).toBeGreaterThan(29);
  const path = join(temporaryFolder(), 'old.log');
  writeFileSync(path, `${fields.slice(0, 25).join(' ')}\n`);
  const records: Record<string, unknown>[] = [];
  await usualWay(await fromFiles('alb', [path], 100), (record) => {
    records.push(JSON.parse(Buffer.from(record).toString()));
  });
  expect(records[0]).toMatchObject({ elb: fields[2], request_creation_time: fields[21] });
});

describe('billedBytes', () => {
  test('rounds each record up to 5 KiB: a record a line costs several times its bytes', async () => {
    const input = generated('alb', 'a', MIB);
    const { ours, sent, usual, usualSent } = await billedBytes(input);
    expect(usual).toBeCloseTo((input.lines * 5120) / input.bytes);
    expect(usualSent).toBeLessThan(usual / 2);
    expect(ours - sent).toBeGreaterThan(0);
    expect(ours - sent).toBeLessThan(0.05);
  });
});

describe('billedBytes of the path to Iceberg', () => {
  test('counts times as microseconds, whatever form the lake sends them in', async () => {
    const dir = temporaryFolder();
    const icebergOf = async (fraction: string) => {
      const path = join(dir, `${fraction}.log`);
      writeFileSync(path, `{"timestamp":"2026-11-22T10:00:00${fraction}Z"}\n`);
      const { iceberg, bytes } = await measured(path);
      return iceberg * bytes;
    };
    const measured = async (path: string) => {
      const input = await fromFiles('json', [path], 1);
      return { ...(await billedBytes(input)), bytes: input.bytes };
    };
    const micros = '{"origin":"............","position":1,"timestamp":1795341600123456}'.length;
    for (const fraction of ['', '.123', '.123456']) expect(await icebergOf(fraction)).toBeCloseTo(micros);
  });
});

describe('Interleaved', () => {
  test('compares candidates round by round: what slows down a whole round changes no ratio', () => {
    const runs = (...cpu: number[]) => cpu.map((each) => ({ cpu: each, wall: each }));
    const timed = new Interleaved(
      new Map([
        ['a', runs(1, 10, 2)],
        ['b', runs(2, 20, 4)],
      ] as const),
    );
    expect(timed.ratio('b', 'a')).toBe(2);
    expect(timed.cpu('a')).toBe(2);
  });
});
