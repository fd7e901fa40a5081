import { describe, expect, test } from 'vitest';
import type { LineBatcher } from '../../../../lambdas/core/loading/line-batcher.ts';
import { eventBlocks } from '../../../../lambdas/core/reading/events.ts';
import { BLOCK_BYTES } from '../../../../lambdas/core/reading/kernel.ts';
import { blocksOf } from '../../../helpers/blocks.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { counted, loaded, loaderOf, resultOf, withoutKernel } from '../../../helpers/kernel.ts';
import { recordsOf } from '../../../helpers/records.ts';
import { caseNamed } from './kernel-cases.ts';

/** A line of as many bytes as the kernel takes, its LF included: as many units between its ends as there is room for. */
function fullLine(before: string, unit: string, after: string): string {
  const room = BLOCK_BYTES - before.length - after.length - '\n'.length;
  return `${before}${unit.repeat(Math.floor(room / unit.length))}${after}`;
}

describe('after a line that takes all the room it can have', () => {
  const alb = caseNamed('an ALB log');
  const { format: kong } = caseNamed("Kong's access log");
  const { format: json } = caseNamed('JSON of server logs');
  const logFormat = (text: string) =>
    compiled('nginx', { logFormat: text, filters: { no_http: false, no_client_address: false } });
  const [before = '', after = ''] = alb.lines[0]?.split(' 34 ') ?? [];
  const albLine = (unit: string) => fullLine(`${before} `, unit, ` ${after}`);
  const access = '203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] \\"GET /AGENT';
  const accessEnd = ' HTTP/1.1\\" 200 1 \\"-\\" \\"-\\""';
  const jsonLine = (start: string, end = '}') => fullLine(`${start}[`, '"",', `""]${end}`);

  test.each([
    ['whose first value is control characters', logFormat('$host|$status'), fullLine('', '\u0001', '-|200')],
    ['whose last value is control characters', logFormat('$status|$http_foo'), fullLine('200|', '\u0001', '')],
    ['with a number of bytes that are no UTF-8', alb.format, albLine('\xff')],
    ['with a number of control characters', alb.format, albLine('\x01')],
    ['with a number of quotes', alb.format, albLine('"')],
    [
      'of JSON escapes in an envelope',
      kong,
      fullLine(`{"log":"${access}`, '\\u0001', `${accessEnd},"stream":"stdout"}`),
    ],
    [
      'with a list before the line in its envelope',
      kong,
      jsonLine('{"stream":"stdout","time":', `,"log":"${access}${accessEnd}}`),
    ],
    [
      'with a list after the line in its envelope',
      kong,
      jsonLine(`{"stream":"stdout","log":"${access}${accessEnd},"x":`),
    ],
    ['with a list under a key that is no column', json, jsonLine('{"level":"x","other":')],
    ['with a list in a column of text', json, jsonLine('{"request_id":"r","level":')],
    ['with a list in a column of numbers', json, jsonLine('{"level":"x","status_code":')],
    ['with a list under a key that differs by case', json, jsonLine('{"level":"x","Level":')],
    ['whose text is bytes that are no UTF-8', json, fullLine('{"level":"', '\xff', '"}')],
    ['whose text under another key is such bytes', json, fullLine('{"level":"x","other":"', '\xff', '"}')],
    ['with a list of such bytes', json, fullLine('{"level":"x","other":["', '\xff', '"]}')],
    ['with a list of such bytes in a column', json, fullLine('{"request_id":"r","level":["', '\xff', '"]}')],
    [
      'with a list of such bytes in a column of numbers',
      json,
      fullLine('{"level":"x","status_code":["', '\xff', '"]}'),
    ],
    ['of such bytes in an envelope', kong, fullLine(`{"log":"${access}`, '\xff', `${accessEnd},"stream":"stdout"}`)],
  ])('the kernel and the reader agree after a line %s', (_, format, line) => {
    const bytes = Buffer.from(`x\n${line}\n`, 'latin1');
    const lineBytes = bytes.length - 'x\n'.length;
    expect(lineBytes).toBeLessThanOrEqual(BLOCK_BYTES);
    expect(lineBytes).toBeGreaterThan(BLOCK_BYTES - '\\u0001'.length);
    for (const keepRaw of ['never', 'on-error', 'always'] as const) {
      expect(loaded(format, [bytes], { keepRaw })).toEqual(loaded(withoutKernel(format), [bytes], { keepRaw }));
    }
    const lines = Buffer.from(`${[...alb.lines, ...alb.lines].join('\n')}\n`);
    expect(loaded(alb.format, [lines])).toEqual(loaded(withoutKernel(alb.format), [lines]));
  });
});

test('lines in no envelope are read by the kernel after a piece that goes on a line without a beginning', () => {
  const { format, lines } = caseNamed("Kong's access log");
  const [plain = ''] = lines;
  const piece = JSON.stringify({
    ...{ source: 'stdout', log: 'of a line', container_id: 'c' },
    ...{ partial_message: 'true', partial_id: 'p', partial_ordinal: '2', partial_last: 'false' },
  });
  const enveloped = `2026-11-22T12:03:00.1Z stdout F ${plain}`;
  const all = [plain, piece, ...Array.from({ length: 300 }, (_, index) => (index % 100 === 99 ? enveloped : plain))];
  const bytes = Buffer.from(`${all.join('\n')}\n`);
  const { format: fast, read } = counted(format);
  expect(loaded(fast, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
  // The first line, and the three in envelopes. The reader tries lines that may be whole, too.
  expect(read()).toBeLessThan(20);
  const events = eventBlocks(all.map((message) => ({ message, timestamp: 1795348980138 })));
  const [quick, reader] = [loaderOf(format, {}), loaderOf(withoutKernel(format), {})];
  for (const loader of [quick, reader]) for (const block of events) loader.readEvents(block);
  expect(resultOf(quick)).toEqual(resultOf(reader));
});

test('lines that were held for a piece whose line never ends are read by the kernel, as they came', () => {
  const { format, lines } = caseNamed("Kong's access log");
  const [plain = ''] = lines;
  const piece = `2026-11-22T12:03:00.1Z stdout P ${plain.slice(0, 60)}`;
  const odd = ['no line of Kong', '', `${plain}\r`, `${plain.slice(0, 40)}\ud800`];
  const all = Array.from({ length: 700 }, (_, index) =>
    index % 250 === 10 ? piece : index % 90 === 80 ? (odd[Math.floor(index / 90) % odd.length] ?? '') : plain,
  );
  const slow = withoutKernel(format);
  const bytes = Buffer.from(`${all.join('\n')}\n`);
  const { format: fast, read } = counted(format);
  expect(loaded(fast, [bytes])).toEqual(loaded(slow, [bytes]));
  expect(read()).toBeLessThan(40);
  expect(recordsOf(format, [bytes])).toEqual(recordsOf(slow, [bytes]));
  const events = all.map((message, index) => ({ message, timestamp: 1795348980138 + index }));
  const [quick, reader] = [fast, slow].map((of) => loaderOf(of, { lane: 'events' }));
  for (const loader of [quick, reader]) {
    for (const block of eventBlocks(events)) loader?.readEvents(block);
    loader?.end();
  }
  expect(resultOf(quick as LineBatcher)).toEqual(resultOf(reader as LineBatcher));
});

test('the kernel is the same after lines of another format', () => {
  const access = '203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] "GET / HTTP/1.1" 200 1 "-" "\\x22"\n';
  const record = '{"client_ip":"203.0.113.7","request":{"url":"http://h/\\\\x22?a=\\\\x41"}}\n';
  const chunks = [Buffer.from(record.repeat(2))];
  const before = loaded(withoutKernel(compiled('kong-json')), chunks);
  loaded(compiled('kong'), [Buffer.from(access.repeat(2))]);
  expect(loaded(compiled('kong-json'), chunks)).toEqual(before);
});

test('the kernel and the reader agree on messages that are no well-formed text', () => {
  const { format } = caseNamed("Kong's access log");
  const message = `203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] "GET / HTTP/1.1" 200 1 "-" "\\x41\ud800" kong_request_id: "b9"`;
  const [fast, reader] = [loaderOf(format, {}), loaderOf(withoutKernel(format), {})];
  for (const block of blocksOf([message])) fast.readEvents(block);
  for (const block of blocksOf([message])) reader.readEvents(block);
  expect(resultOf(fast)).toEqual(resultOf(reader));
});
