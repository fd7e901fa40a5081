import { describe, expect, test } from 'vitest';
import { dataPrefix, errorPrefix, timestamp } from '../../../local/firehose/prefix.ts';

const facts = { arrival: Date.UTC(2026, 0, 2, 3, 4, 5), random: 'abc' };

describe('prefix expressions', () => {
  test.each([
    ['a day', 'data/alb/dt=!{timestamp:yyyy-MM-dd}/', 'UTC', 'data/alb/dt=2026-01-02/'],
    ["a day in the stream's zone", 'dt=!{timestamp:yyyy-MM-dd}/', 'America/New_York', 'dt=2026-01-01/'],
    ['short fields', '!{timestamp:yy/M/d/H/m/s}/', 'UTC', '26/1/2/3/4/5/'],
    ['midnight is hour 00', '!{timestamp:HH}/', 'America/Denver', '20/'],
    ['quoted text', "!{timestamp:'day='dd'T'''}/", 'UTC', "day=02T'/"],
    ['a random string', '!{firehose:random-string}/!{timestamp:yyyy}/', 'UTC', 'abc/2026/'],
    ['no time: Firehose adds one', 'data/', 'UTC', 'data/2026/01/02/03/'],
    ['nothing at all', '', 'UTC', '2026/01/02/03/'],
  ])('%s', (_name, expression, zone, expected) => {
    expect(dataPrefix(expression, zone)(facts)).toBe(expected);
  });

  test.each([
    ['the name of a month', '!{timestamp:MMM}/', 'got MMM'],
    ['the week-based year', '!{timestamp:YYYY}/', 'got YYYY'],
    ['bare text', '!{timestamp:ddTHH}/', 'got T'],
    ['an open quote', "!{timestamp:dd'T}/", "got '"],
    ['a partition key', '!{partitionKeyFromQuery:day}/', '!{partitionKeyFromQuery:day} is not supported here'],
    ['the error type among data', '!{firehose:error-output-type}/', 'is not supported here'],
    ['an expression without end', 'a/!{timestamp:yyyy', 'is not supported here'],
  ])('%s is refused', (_name, expression, message) => {
    expect(() => dataPrefix(expression, 'UTC')).toThrow(message);
  });

  test('a zone nobody knows is refused', () => {
    expect(() => dataPrefix('!{timestamp:yyyy}/', 'Mars/Olympus')).toThrow(
      'expected an IANA time zone, got Mars/Olympus',
    );
  });
});

describe('error prefixes', () => {
  test('the error type is what conversion failures have', () => {
    expect(errorPrefix('errors/!{firehose:error-output-type}/!{timestamp:dd}/', 'UTC')(facts)).toBe(
      'errors/format-conversion-failed/02/',
    );
  });

  test('without any expression the type and the time are added', () => {
    expect(errorPrefix('errors/', 'UTC')(facts)).toBe('errors/format-conversion-failed/2026/01/02/03/');
  });

  test('an expression without the error type is refused, as Firehose does', () => {
    expect(() => errorPrefix('errors/!{timestamp:dd}/', 'UTC')).toThrow('expected !{firehose:error-output-type}');
  });
});

test('midnight and years are written in full', () => {
  expect(timestamp('yyyy-MM-dd-HH-mm-ss', 'UTC')({ ...facts, arrival: Date.UTC(2026, 10, 22) })).toBe(
    '2026-11-22-00-00-00',
  );
});
