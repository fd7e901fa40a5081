/** Results of the duplicate check as text for a terminal. */
import type { Checked, CheckedDuplicate } from '../operations/check-duplicates.ts';
import type { AuditReport, DuplicatesReport, MinuteReport, SourceReport } from '../operations/duplicates.ts';
import { escapeControls, quantity, renderTable, thousands } from './render.ts';

const right = (...names: string[]) => names.map((name) => ({ name, align: 'right' as const }));

/** The duplicate rates, a chart of each rate over time, and the sample. */
export function reportText({ sources, sample }: DuplicatesReport): string {
  const isSampled = sources.some(({ sampleRate }) => sampleRate < 1);
  const table = renderTable(
    [
      { name: 'source' },
      ...right('checked', 'duplicates', 'rate', 'within objects', 'across objects', 'redelivered', 'outside window'),
      ...(isSampled ? [{ name: 'sample rate' }] : []),
    ],
    sources.map((source) => [
      source.source,
      ...[source.checked, source.duplicates].map(thousands),
      source.checked > 0 ? percent(source.rate) : '-',
      ...[source.withinObject, source.acrossObjects, source.redelivered, source.outsideWindow].map(thousands),
      ...(isSampled ? [source.sampleRate < 1 ? percent(source.sampleRate) : 'all'] : []),
    ]),
  );
  const charts = sources.filter(({ minutes }) => minutes.length > 0).map(chart);
  const shown = sample.flatMap(({ source, minute, kind, fingerprint, places }) =>
    places.map(({ origin, what }) => [source, minute.slice(0, 16), kind, fingerprint, origin, what]),
  );
  const columns = ['source', 'minute', 'kind', 'fingerprint', 'origin', 'where'].map((name) => ({ name }));
  const outsideWindow = sources.filter((source) => source.outsideWindow > 0).map(outsideWindowText);
  return [table, ...charts, ...outsideWindow, ...(shown.length > 0 ? [renderTable(columns, shown)] : [])].join('\n\n');
}

function outsideWindowText({ source, outsideWindow }: SourceReport): string {
  return (
    `${source}: not checked: ${quantity(outsideWindow, 'record')} with an event time more than ` +
    'duplicates.windowHours away from the time of arrival; --audit includes them in its count by SQL, ' +
    '--check in its count of files'
  );
}

/** Width of a chart in characters. */
const CHART_WIDTH = 60;
const BARS = '▁▂▃▄▅▆▇█';

/** The rate over time, one character per period; a space if nothing was checked in the period. */
function chart({ source, minutes }: SourceReport): string {
  const times = minutes.map(({ minute }) => Date.parse(minute));
  const first = Math.min(...times);
  const last = Math.max(...times);
  const width = Math.min(CHART_WIDTH, (last - first) / 60_000 + 1);
  const stretches = Array.from({ length: width }, (): MinuteReport[] => []);
  for (const minute of minutes) {
    const at = Math.floor(((Date.parse(minute.minute) - first) / (last - first + 60_000)) * width);
    stretches[at]?.push(minute);
  }
  const rates = stretches.map((stretch) => {
    const checked = stretch.reduce((sum, minute) => sum + minute.checked, 0);
    return checked > 0 ? stretch.reduce((sum, minute) => sum + minute.duplicates, 0) / checked : undefined;
  });
  const most = Math.max(...rates.map((rate) => rate ?? 0));
  const bars = rates.map((rate) => {
    if (rate === undefined) return ' ';
    return rate === 0 ? '·' : BARS[Math.ceil((rate / most) * BARS.length) - 1];
  });
  const time = (millis: number) => new Date(millis).toISOString().slice(0, 16);
  const title = `${source}: duplicate rate over event time, up to ${percent(most)}`;
  return `${title}\n${bars.join('')}\n${time(first)} to ${time(last)}`;
}

/** Counts by SQL over the tables. */
export function auditText(audits: readonly AuditReport[]): string {
  return renderTable(
    [{ name: 'counted by SQL' }, ...right('records', 'within objects', 'across objects')],
    audits.map(({ source, checked, withinObject, acrossObjects }) => [
      source,
      ...[checked, withinObject, acrossObjects].map(thousands),
    ]),
  );
}

/** The lines of the sample, each with the places where it occurs. */
export function linesText(lines: readonly CheckedDuplicate[]): string {
  if (lines.length === 0)
    return 'No duplicated lines to show: there is no sample, or none of its records is in an object that can be read.';
  return lines
    .map(({ fingerprint, places, text }) =>
      [
        `${fingerprint}  ${excerpt(text)}`,
        ...places.map(({ file, line }) => `  ${escapeControls(file)} line ${line}`),
      ].join('\n'),
    )
    .join('\n');
}

/** Result of `duplicates --check`. */
export function checkedText({ files, sample, ...counts }: Checked): string {
  const table = renderTable(
    [{ name: 'file' }, ...right('records')],
    files.map(({ file, records }) => [file, thousands(records)]),
  );
  const { checked, duplicates, withinObject, acrossObjects, rate } = counts;
  const sum =
    `${quantity(duplicates, 'duplicate')} among ${quantity(checked, 'record')} (${percent(rate)}): ` +
    `${thousands(withinObject)} within files, ${thousands(acrossObjects)} across files`;
  return [table, sum, ...(sample.length > 0 ? [linesText(sample)] : [])].join('\n\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.001 ? 4 : 2)} %`;
}

function excerpt(text: string): string {
  return escapeControls(text.length > 160 ? `${text.slice(0, 160)}…` : text);
}
