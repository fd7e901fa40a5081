import { expect, test } from 'vitest';
import { arrivalNote, isOld } from '../../../bin/operations/arrival-note.ts';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import type { SourceSettings } from '../../../lambdas/core/settings.ts';

const NOW = new Date('2026-11-28T23:50:00Z');

const settings = (name: string, more: Partial<SourceSettings> = {}): SourceSettings =>
  ({ name, format: 'kong', lane: 'events', logGroups: [], streams: [], keepRaw: 'never', ...more }) as SourceSettings;

const sources = (...all: SourceSettings[]) => compiledSources(all);

test('old logs are found by the days on which they arrive, and by the times of their events', () => {
  const events = { since: new Date('2026-01-05T10:00:00Z'), until: new Date('2026-01-05T11:00:00Z') };
  const note = arrivalNote(sources(settings('gateway')), NOW, events);
  expect(note?.where).toBe(
    `coalesce("log_time", "logged_at") >= timestamp '2026-01-05 10:00:00' AND ` +
      `coalesce("log_time", "logged_at") < timestamp '2026-01-05 11:00:00' AND dt BETWEEN '2026-11-27' AND '2026-11-29'`,
  );
  expect(note?.lines[0]).toMatch(/^Rows of gateway will lie under the day on which they arrive, not under/);
  expect(note?.lines[1]).toContain('--arrived 2026-11-27..2026-11-29');
});

test('where the times of the events are not known, the note asks for them', () => {
  const note = arrivalNote(sources(settings('a'), settings('b')), NOW);
  expect(note?.where).toBe("dt BETWEEN '2026-11-27' AND '2026-11-29'");
  expect(note?.lines[0]).toContain('Rows of a, b will lie');
  expect(note?.lines[1]).toContain('and by the times of their events beside it');
});

test('rows of the direct lane lie under the days of their events, so that there is nothing to say', () => {
  expect(arrivalNote(sources(settings('a', { delivery: 'direct' })), NOW)).toBeUndefined();
  const note = arrivalNote(sources(settings('a', { delivery: 'direct' }), settings('b')), NOW);
  expect(note?.lines[0]).toContain('Rows of b will lie');
});

test('what is older than yesterday is not found by queries of its own day', () => {
  expect(isOld(new Date('2026-11-26T23:59:59Z'), NOW)).toBe(true);
  expect(isOld(new Date('2026-11-27T00:00:00Z'), NOW)).toBe(false);
});
