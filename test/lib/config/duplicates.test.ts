import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../lib/config/config.ts';
import { refusal, source } from '../../helpers/refusal.ts';

describe('duplicates', () => {
  test('are checked, all of them, unless a param says otherwise', () => {
    const { duplicates } = readConfig({});
    expect(duplicates).toEqual({ enabled: true, sampleRate: 1, windowHours: 72 });
    expect(readConfig({ 'duplicates.enabled': 'false' }).duplicates.enabled).toBe(false);
  });

  test('members of the object and dotted names are the same, and dotted names go over them', () => {
    const { duplicates } = readConfig({ duplicates: { sampleRate: 0.1, windowHours: 24 } });
    expect(readConfig({ 'duplicates.sampleRate': '0.1', 'duplicates.windowHours': 24 }).duplicates).toEqual(duplicates);
    expect(readConfig({ duplicates: '{"windowHours":24,"sampleRate":0.1}' }).duplicates).toEqual(duplicates);
    const both = { duplicates: { sampleRate: 0.1, windowHours: 1 }, 'duplicates.windowHours': '24' };
    expect(readConfig(both).duplicates).toEqual(duplicates);
  });

  test.each([
    ['duplicates.sampleRate', 0, 'a number above 0, up to 1'],
    ['duplicates.sampleRate', 1.5, 'a number above 0, up to 1'],
    ['duplicates.windowHours', 0, 'a whole number from 1 to 336'],
    ['duplicates.windowHours', 337, 'a whole number from 1 to 336'],
    ['alarmEmail', 'nobody', 'an e-mail address'],
    ['alarmTopicArn', 'pager', 'the ARN of an SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME)'],
    ['duplicates.alarmPercent', 0, 'a number above 0, up to 100'],
    ['duplicates.alarmPercent', 101, 'a number above 0, up to 100'],
    ['duplicates.enabled', 'maybe', 'true, false'],
  ])('%s cannot be %s', (param, value, allowed) => {
    expect(refusal({ [param]: value })).toBe(`${param}: got ${JSON.stringify(value)}, allowed: ${allowed}`);
  });

  test('what is no param of theirs is refused, and what is no object', () => {
    const known = 'unknown, known: enabled, sampleRate, windowHours, alarmPercent';
    expect(refusal({ duplicates: { rate: 1 } })).toBe(`duplicates.rate: ${known}`);
    expect(refusal({ 'duplicates.rate': 1 })).toBe(`duplicates.rate: ${known}`);
    expect(refusal({ duplicates: 'off' })).toBe('duplicates: got "off", allowed: an object');
  });

  test('a source may name the columns of its recordKey', () => {
    const [given] = readConfig(source({ recordKey: ['trace_id', 'time'] })).sources;
    expect(given?.recordKey).toEqual(['trace_id', 'time']);
    expect(readConfig(source({})).sources[0]?.recordKey).toBeUndefined();
    const wrong = refusal(source({ recordKey: ['trace_id', 'request_id'] }));
    expect(wrong).toMatch(/^sources\[0\]\.recordKey\[1\]: got "request_id", allowed: a column of type, time, /);
    expect(refusal(source({ recordKey: ['time', 'time'] }))).toContain(
      'recordKey[1]: got "time", allowed: each column',
    );
    expect(refusal(source({ recordKey: [] }))).toContain('sources[0].recordKey: got []');
    expect(refusal(source({ recordKey: 'time' }))).toContain('sources[0].recordKey: got "time"');
  });
});
