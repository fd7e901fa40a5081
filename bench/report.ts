/** Formats the results of a run for a terminal and for docs/benchmarks.md. */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { bytesText, type RenderColumn, renderTable } from '../bin/output/render.ts';
import { BARS, type Figures } from './figures.ts';
import { FULL, type Scale } from './scale.ts';

/** The table of one measurement, with notes. */
export interface Section {
  readonly title: string;
  /** How it is measured; each note is a paragraph. */
  readonly notes: readonly string[];
  readonly columns: readonly RenderColumn[];
  readonly rows: readonly (readonly string[])[];
}

/** Columns for a name and for numbers, which are aligned to the right. */
export function columnsOf(name: string, ...numbers: readonly string[]): RenderColumn[] {
  return [{ name }, ...numbers.map((number) => ({ name: number, align: 'right' as const }))];
}

/** A number with about three significant digits, as tables show it. */
export function number(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 4);
}

/** Where, when and with which command a run was made. */
export interface Setting {
  readonly machine: string;
  readonly node: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly command: string;
}

export function settingOf(command: string): Setting {
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${bytesText(totalmem())}`;
  const node = `Node ${process.version}, V8 ${process.versions.v8}, ${process.platform} ${process.arch}`;
  return { machine, node, date: new Date().toISOString().slice(0, 10), command };
}

/** A table of the figures that have a bar. */
export function barsSection(figures: Figures, scale: Scale): Section {
  return {
    title: 'Bars',
    notes: [
      'Ratios are of CPU time, user and system, of all threads: medians of rounds in which each takes its turn.',
      ...(scale.name === FULL.name ? [] : [reduced(scale)]),
    ],
    columns: [...columnsOf('figure', 'measured', 'bar'), { name: '' }],
    rows: BARS.map(({ name, value, atMost, atLeast }) => {
      const measured = value(figures);
      const met = measured <= (atMost ?? Number.POSITIVE_INFINITY) && measured >= (atLeast ?? 0);
      const bar = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`;
      return [name, number(measured), bar, met ? 'met' : 'missed'];
    }),
  };
}

/** Says how a run is smaller than a full one. */
export function reduced(scale: Scale): string {
  const [small, large] = scale.memoryBytes.map(bytesText) as [string, string];
  return (
    `Reduced: inputs of ${bytesText(scale.inputBytes)}, ${scale.rounds} rounds; memory of objects of ${small} and ${large}; ` +
    `${scale.trackedObjects} objects for the duplicate check.`
  );
}

/** All sections as text for a terminal. */
export function terminalText({ machine, node, date, command }: Setting, sections: readonly Section[]): string {
  const head = `${command}\n${date}; ${machine}; ${node}`;
  const texts = sections.map(
    ({ title, notes, columns, rows }) => `${title}\n\n${notes.join('\n')}\n\n${renderTable(columns, rows)}`,
  );
  return [head, ...texts].join('\n\n');
}

/** All sections as a page in Markdown. */
export function page({ machine, node, date, command }: Setting, sections: readonly Section[]): string {
  return [
    '# Benchmarks',
    '',
    `Written by \`${command}\` on ${date}; edits here are lost.`,
    '',
    `${machine}. ${node}.`,
    '',
    'Times are of this machine; ratios are what to hold against another one.',
    '',
    ...sections.flatMap(({ title, notes, columns, rows }) => [
      `## ${title}`,
      '',
      ...notes.flatMap((note) => [note, '']),
      `| ${columns.map(({ name }) => name).join(' | ')} |`,
      `|${columns.map(({ align }) => (align === 'right' ? '---:' : '---')).join('|')}|`,
      ...rows.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
      '',
    ]),
  ].join('\n');
}
