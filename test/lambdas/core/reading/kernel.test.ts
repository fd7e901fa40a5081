import { describe, expect, test } from 'vitest';
import { recycle } from '../../../../lambdas/core/loading/pack.ts';
import { eventBlocks } from '../../../../lambdas/core/reading/events.ts';
import type { CompiledFormat } from '../../../../lambdas/core/reading/format.ts';
import { counted, loaded, loaderOf, withoutKernel } from '../../../helpers/kernel.ts';
import { recordsOf } from '../../../helpers/records.ts';
import { CASES, caseNamed } from './kernel-cases.ts';
import { linesAtLimits } from './kernel-times.ts';

describe.each(CASES)('$name', ({ format, lines, plain }) => {
  const slow = withoutKernel(format);

  test('the kernel and the reader agree on what lines mostly are, most of which the kernel reads by itself', () => {
    const { format: fast, read } = counted(format);
    const twice = [...lines, ...lines];
    const bytes = Buffer.from(`${twice.join('\n')}\n`);
    expect(loaded(fast, [bytes])).toEqual(loaded(slow, [bytes]));
    // The first line of an object is the reader's.
    expect(read()).toBeLessThanOrEqual(1 + twice.length - 2 * plain);
  });

  test('the kernel and the reader agree on lines that break off anywhere', () => {
    const prefixes = lines.slice(0, 4).flatMap((line) => [...line].map((_, index) => line.slice(0, index + 1)));
    const bytes = Buffer.from(prefixes.join('\n'));
    expect(loaded(format, [bytes])).toEqual(loaded(slow, [bytes]));
    expect(recordsOf(format, [bytes])).toEqual(recordsOf(slow, [bytes]));
  });

  test('the kernel reads what lines mostly are out of messages too, whatever ends them', () => {
    const { format: fast, read } = counted(format);
    const loader = loaderOf(fast, { lane: 'events' });
    const ends = ['', '\n', '\r\n', '\n\r\n\n'];
    const messages = ends.flatMap((end) =>
      lines.map((line) => ({ message: `${line}${end}`, timestamp: 1795348980138 })),
    );
    for (const block of eventBlocks(messages)) loader.readEvents(block);
    // Of Docker's records the first says whether texts end in a line feed.
    expect(read()).toBeLessThanOrEqual(1 + messages.length - ends.length * plain);
  });
});

describe.each(CASES.filter(({ lines }) => linesAtLimits(lines).length > 0))('$name', ({ format, lines }) => {
  test('the kernel and the reader agree on times at which their form in the row changes', () => {
    const chunks = [Buffer.from(`${linesAtLimits(lines).join('\n')}\n`)];
    expect(loaded(format, chunks)).toEqual(loaded(withoutKernel(format), chunks));
  });
});

describe('lines that would cost ten times as much in the reader', () => {
  const { format, lines } = caseNamed('an ALB log');
  const line = lines[0] ?? '';
  const changed = (from: string, to: string) => {
    expect(line).toContain(from);
    return line.replace(from, to);
  };

  test.each([
    ['a whole number that is none', changed(' 34 366 ', ' 34 12x ')],
    ['a status that is none, and a port', changed(' 200 200 ', ' OK - ').replace('10.0.0.1:80', '10.0.0.1:http')],
    ['a duration that is none', changed(' 0.001 ', ' fast\t\\ ')],
    ['several of them, and a field that is new', `${changed('200 200 34', 'a b c')} new`],
    ['a value of another alphabet', changed(' 34 ', ' ٣٤ ')],
    ['bytes that are no UTF-8', changed('curl/8.7.1', '\xe9t\xc3 \xff\xf0\x9f')],
    [
      'such bytes in a field that is new, in a value that does not convert and before an escape',
      `${changed(' 34 ', ' 3\xff ').replace('curl/8.7.1', '\xc3\\xA9')} "\xe9\\\xed\xa0\x80"`,
    ],
  ] as const)('a line with %s is read by the kernel', (what, odd) => {
    const bytes = Buffer.from(`${line}\n${`${odd}\n`.repeat(3)}`, /alphabet/.test(what) ? 'utf8' : 'latin1');
    const { format: fast, read } = counted(format);
    for (const keepRaw of ['never', 'on-error', 'always'] as const) {
      expect(loaded(fast, [bytes], { keepRaw })).toEqual(loaded(withoutKernel(format), [bytes], { keepRaw }));
    }
    expect(recordsOf(fast, [bytes])).toEqual(recordsOf(withoutKernel(format), [bytes]));
    // The first line of an object is the reader's.
    expect(read()).toBe(4);
  });
});

describe('records', () => {
  test.each(CASES)('the kernel fills records as the reader does: $name', ({ format, lines }) => {
    const many = Buffer.from(`${Array.from({ length: 3000 }, (_, index) => lines[index % lines.length]).join('\n')}\n`);
    const sizes = (of: CompiledFormat) => {
      const loader = loaderOf(of, {});
      loader.push(many);
      loader.end();
      return loader.takeRemaining().map(({ rows, counts }) => {
        const lengths = rows.map(({ length }) => length);
        recycle(rows);
        return [lengths, counts];
      });
    };
    expect(sizes(format)).toEqual(sizes(withoutKernel(format)));
  });
});
