import { describe, expect, test } from 'vitest';
import { listPrices } from '../../bin/plan/prices.ts';
import { type Context, DEMO_SOURCES } from '../../lib/config/config.ts';
import { FIREHOSE_USD_PER_GB } from '../../lib/dashboard.ts';
import { alarmsOfStack } from '../helpers/alarms.ts';
import { readable, resource, templateOf } from '../helpers/template.ts';

interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: {
    readonly title: string;
    readonly metrics?: readonly unknown[][];
    readonly alarms?: readonly string[];
  };
}

function widgetsOf(context: Context): Widget[] {
  const { DashboardBody } = resource(templateOf(context), 'AWS::CloudWatch::Dashboard').Properties;
  return (JSON.parse(readable(DashboardBody)) as { readonly widgets: Widget[] }).widgets;
}

describe('the dashboard', () => {
  // Here, because the first synthesis of a process takes seconds.
  const widgets = widgetsOf({ sources: DEMO_SOURCES });
  const ofOneSource = DEMO_SOURCES.map((source) => widgetsOf({ sources: [source] }));
  const [unconfigured, withDirectLane] = [widgetsOf({}), widgetsOf({ keepDirectLane: true })];
  const alarms = alarmsOfStack({ sources: DEMO_SOURCES });
  const titles = widgets.map(({ properties }) => properties.title);

  test('is in the order of the data flow, below the alarms', () => {
    const parts = titles.map(
      (title) => /^(?:Alarms|Arriving|Loading|Delivering|Freshness|Rejected|Duplicates|Cost)/.exec(title)?.[0],
    );
    expect([...new Set(parts.filter((part) => part !== undefined))]).toEqual([
      ...['Alarms', 'Arriving', 'Loading', 'Delivering', 'Freshness', 'Rejected', 'Duplicates', 'Cost'],
    ]);
  });

  test('is one screen: the full width, and at most 20 units of its grid high', () => {
    expect(Math.max(...widgets.map(({ x, width }) => x + width))).toBe(24);
    expect(Math.max(...widgets.map(({ y, height }) => y + height))).toBeLessThanOrEqual(20);
  });

  test('shows the state of every alarm, by its name', () => {
    const shown = widgets.flatMap(({ properties }) => properties.alarms ?? []).map((arn) => arn.split(':alarm:')[1]);
    expect(shown).toEqual(alarms.map(({ name }) => name));
  });

  test('has something to show in every graph, with the inputs that the stack has', () => {
    for (const ofOne of ofOneSource) {
      expect(ofOne.length).toBeGreaterThan(12);
      for (const { type, properties } of ofOne) {
        if (type === 'metric') expect([properties.title, properties.metrics?.length ?? 0]).not.toContain(0);
      }
    }
  });

  test('shows the waits of the direct lane, if the stack has it', () => {
    const shown = [unconfigured, withDirectLane].map((each) =>
      /WaitingSeconds.*UnwrittenSeconds/.test(JSON.stringify(each)),
    );
    expect(shown).toEqual([false, true]);
  });

  test('has a row more for the commits to Iceberg tables, if a source has one', () => {
    const sources = [
      { name: 'web', format: 'alb', delivery: 'direct', tableFormat: 'iceberg' },
      ...DEMO_SOURCES.slice(1),
    ];
    const rows = widgetsOf({ sources }).filter(({ properties }) => properties.title.startsWith('Iceberg: '));
    expect(rows.map(({ x }) => x)).toEqual([0, 6, 12, 18]);
    expect(new Set(rows.map(({ y }) => y))).toEqual(new Set([Math.max(...widgets.map(({ y, height }) => y + height))]));
    for (const { properties } of rows) expect(JSON.stringify(properties.metrics)).toMatch(/"web"(?!.*"kong")/);
  });

  test('says what the bytes of today cost, at the list price', () => {
    const { firehosePerGB, firehoseConversionPerGB } = listPrices();
    expect(FIREHOSE_USD_PER_GB).toBeCloseTo((firehosePerGB.tiers[0]?.usd ?? 0) + firehoseConversionPerGB.usd, 9);
    const [dollars] = widgets.filter(({ properties }) => properties.title.includes('US dollars'));
    expect(JSON.stringify(dollars?.properties.metrics)).toContain(
      '(FILL(b0, 0) + FILL(b1, 0) + FILL(b2, 0)) / 1073741824 * 0.047',
    );
  });
});
