import { describe, expect, test } from 'vitest';
import { payloadToCheck } from '../../../../lambdas/core/duplicates/input-to-check.ts';
import { minuteOf } from '../../../../lambdas/core/duplicates/minutes.ts';
import { Pager } from '../../../../lambdas/core/duplicates/pages.ts';
import { compiledSources } from '../../../../lambdas/core/loading/sources.ts';

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
          messages: timestamps.map(() => message),
          timestamps,
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
