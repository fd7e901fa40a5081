import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COUNT_METRICS, HANDING_ON_METRIC, TRACK_METRICS } from '../../lambdas/core/duplicates/metrics.ts';
import {
  COMMIT_METRICS,
  LOAD_METRICS,
  NOT_LOADED_METRIC,
  SKIP_METRIC,
  SLOW_METRICS,
} from '../../lambdas/core/metrics.ts';
import { ALARM_KINDS } from '../../lib/alarms/alarm.ts';
import { DEMO_SOURCES } from '../../lib/config/config.ts';
import { alarmsOfStack } from '../helpers/alarms.ts';
import { resources, templateOf } from '../helpers/template.ts';

const PAGE = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const HEADINGS = [...PAGE.matchAll(/^#{2,3} (.*)$/gm)].map(([, title = '']) => title);
/** https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links */
const ANCHORS = HEADINGS.map((title) =>
  title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-'),
);

/** The text of a section, up to the next heading. */
function section(title: string): string {
  const [, text = ''] = PAGE.split(new RegExp(`^#{2,3} ${title}$`, 'm'));
  return text.split(/^#{2,3} /m)[0] ?? '';
}

/** The rows of a table whose first cell names something in backticks: its names, and the cells. */
function rowsOf(text: string): { readonly names: string[]; readonly cells: string[] }[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.includes('`'))
    .map((line) => {
      const cells = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
      return { names: [...(cells[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name), cells };
    });
}

describe('docs/operations.md', () => {
  const alarms = alarmsOfStack({ sources: DEMO_SOURCES, 'duplicates.alarmPercent': 2, keepDirectLane: true });

  test('has a section for each kind of alarm, and no other', () => {
    const sections = HEADINGS.filter((title) => title.startsWith('Alarm ')).map((title) => title.replace('Alarm ', ''));
    expect(sections).toEqual([...ALARM_KINDS]);
  });

  test.each(ALARM_KINDS)('says of the alarm %s what it means, how to look and what to do', (kind) => {
    const text = section(`Alarm ${kind}`);
    for (const part of ['**Meaning.**', '**How to look.**', '**What to do.**']) expect(text).toContain(part);
  });

  test('has a row for each alarm, with its name and a link to its section', () => {
    const rows = rowsOf(section('Alarms'));
    const names = rows.flatMap((row) => row.names);
    expect(names).toEqual(
      ALARM_KINDS.map(
        (kind) => `tributary-${kind}${['lines', 'delivery', 'duplicates'].includes(kind) ? '-SOURCE' : ''}`,
      ),
    );
    for (const [index, kind] of ALARM_KINDS.entries()) expect(rows[index]?.cells[0]).toContain(`(#alarm-${kind})`);
  });

  test('is where the message of every alarm points to', () => {
    for (const { description } of alarms) {
      const [, anchor = ''] = /\(docs\/operations\.md#([\w-]+)\)$/.exec(description) ?? [];
      expect(ANCHORS).toContain(anchor);
    }
  });

  test('links to sections that it has', () => {
    const links = [...PAGE.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor = '']) => anchor);
    expect(links.length).toBeGreaterThan(30);
    expect(links.filter((anchor) => !ANCHORS.includes(anchor))).toEqual([]);
  });

  test('has a row for each metric, with its unit, and no other', () => {
    const units: Readonly<Record<string, string>> = {
      ...{ ...LOAD_METRICS, ...SLOW_METRICS, ...COMMIT_METRICS, ...COUNT_METRICS, ...TRACK_METRICS },
      ...{ [SKIP_METRIC]: 'Count', [NOT_LOADED_METRIC]: 'Count', [HANDING_ON_METRIC]: 'Count' },
    };
    const [own = ''] = section('Metrics').split('These metrics of AWS');
    const rows = rowsOf(own).map(({ names, cells }) => [names[0], cells[1]]);
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(Object.entries(units).map(([name, unit]) => [name, unit.toLowerCase()])),
    );
  });

  test('has a row for each metric of AWS that an alarm looks at', () => {
    const [, aws = ''] = section('Metrics').split('These metrics of AWS');
    const described = rowsOf(aws).flatMap(({ names, cells }) =>
      names.map((name) => `${cells[0]?.split(' ')[0]} ${name}`),
    );
    const watched = alarms.flatMap(({ metrics }) => metrics).filter(({ namespace }) => namespace !== 'Tributary');
    for (const { namespace, name } of watched) expect(described).toContain(`${namespace} ${name}`);
  });

  test('names every log group of the stack', () => {
    const sources = [...DEMO_SOURCES.slice(0, 2), { ...DEMO_SOURCES[2], logGroupRetentionDays: 30 }];
    const groups = [...resources(templateOf({ sources, keepDirectLane: true }), 'AWS::Logs::LogGroup').values()];
    const names = groups.map(({ Properties }) => String(Properties.LogGroupName));
    expect(names.length).toBeGreaterThan(4);
    expect(rowsOf(section('Log groups')).flatMap((row) => row.names)).toEqual(expect.arrayContaining(names));
  });
});
