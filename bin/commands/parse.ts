import { type Command, InvalidArgumentError, Option } from 'commander';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import { type Format, type FormatOptions, refuseUnknownOptions } from '../../lambdas/core/reading/format.ts';
import { shown } from '../../lib/config/config-error.ts';
import { jsonProblem } from '../../lib/config/json-problem.ts';
import { readInputs, WAY_OUT } from '../input/input-files.ts';
import { likelyFormats, noRowsText } from '../input/likely-formats.ts';
import { type Parsed, type ParsedLine, parseFile } from '../input/parse-file.ts';
import { CommandError, UsageError } from '../output/command-error.ts';
import { complain, print, printJson, warn } from '../output/output.ts';
import { showProgress } from '../output/progress.ts';
import { escapeControls, quantity, renderRecord, renderTable, thousands } from '../output/render.ts';
import { collectPairs, jsonOption, type Pairs } from './options.ts';

interface ParseOptions {
  readonly format: string;
  readonly option: Pairs;
  readonly limit?: number;
  readonly json?: true;
}

/** Lines shown by default; JSON contains all of them. */
const SHOWN_LINES = 20;

/** `lake parse` */
export function addParse(program: Command): void {
  program
    .command('parse')
    .description(
      'shows how a format reads the lines of a file, without loading them: rows, errors, filters, rejected lines, envelopes',
    )
    .argument('<file>', 'a log file, plain or compressed')
    .addOption(
      new Option('-f, --format <name>', 'format that reads the lines')
        .choices([...FORMATS.keys()])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '-o, --option <name=value>',
        'set an option of the format, as in a source; objects and lists as JSON; repeatable',
      )
        .argParser(collectPairs)
        .default({}, 'none'),
    )
    .addOption(
      new Option('--limit <lines>', `how many lines to show (default: ${SHOWN_LINES}; with --json, all)`).argParser(
        wholeNumber,
      ),
    )
    .addOption(jsonOption())
    .action(runParse);
}

async function runParse(path: string, { format, option, limit, json }: ParseOptions): Promise<void> {
  const described = FORMATS.get(format) as Format;
  const compiled = described.compile(optionsOf(described, option));
  const { files, problems } = await readInputs([path]);
  const [file] = files;
  if (file && !file.named) throw new UsageError(`${path}: expected one log file, got a folder`);
  if (!file) throw new CommandError(problems[0] ?? `${path}: cannot be read`);
  const shown = limit ?? (json ? Number.POSITIVE_INFINITY : SHOWN_LINES);
  const progress = showProgress('lines');
  const { failed, ...parsed } = await parseFile(file.path, compiled, shown, progress);
  progress.end();
  if (json) printJson({ file: path, format, ...parsed });
  else print(text(parsed, described.filters ?? {}));
  if (failed) {
    complain(`${path}, line ${failed.line}: ${escapeControls(failed.detail)}: ${excerpt(failed.raw)}`);
    process.exitCode = 1;
  }
  if (parsed.lines > 0 && parsed.rows === 0) warn(noRowsText(path, format, await likelyFormats(file.path)));
  if (!file.unreadable) return;
  complain(`${path}: ${file.unreadable.message}; ${WAY_OUT[file.unreadable.reason]}`);
  process.exitCode = 1;
}

/**
 * The options of a format that the command line gives as text.
 *
 * @throws OptionError for an option that the format does not have; UsageError for an object that is no JSON
 */
export function optionsOf(format: Format, option: Pairs): FormatOptions {
  refuseUnknownOptions(format, option);
  return Object.fromEntries(
    Object.entries(option).map(([key, value]) => [
      key,
      format.options[key]?.type === 'object' ? fromJson(key, value) : value,
    ]),
  );
}

function fromJson(name: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new UsageError(`option ${name}: not JSON: ${jsonProblem(value)}; got ${shown(value)}`);
  }
}

/** What each filter of a format leaves out, by its name. */
type Filters = NonNullable<Format['filters']>;

function text({ parsed, reasons, ...counts }: Omit<Parsed, 'failed'>, filters: Filters): string {
  const parts = parsed.map((line) => lineText(line, filters));
  if (parsed.length < counts.lines)
    parts.push(`… ${quantity(counts.lines - parsed.length, 'more line')} (--limit shows more)`);
  const { lines, rows, filtered, rejected, fieldErrors, unknownFields } = counts;
  parts.push(
    `${quantity(lines, 'line')} = ${quantity(rows, 'row')} + ${thousands(filtered)} filtered + ` +
      `${thousands(rejected)} rejected; values that could not be converted: ${thousands(fieldErrors)}, ` +
      `fields without a column (in extra): ${thousands(unknownFields)}`,
  );
  const byReason = Object.entries(reasons).map(([reason, count]) => [reason, thousands(count)]);
  if (byReason.length > 0) {
    parts.push(renderTable([{ name: 'filter or reason' }, { name: 'lines', align: 'right' }], byReason));
  }
  return parts.join('\n\n');
}

function lineText(line: ParsedLine, filters: Filters): string {
  const envelope = line.envelope === undefined ? '' : `; envelope: ${excerpt(line.envelope)}`;
  if (line.outcome === 'filtered') {
    const what = filters[line.filter] ?? 'Lines without any text.';
    return `line ${line.line}: filtered by ${line.filter} (${what})${envelope}\n  ${excerpt(line.raw)}`;
  }
  if (line.outcome === 'rejected') {
    const why = escapeControls(line.detail);
    return `line ${line.line}: rejected, ${line.reason}: ${why}${envelope}\n  ${excerpt(line.raw)}`;
  }
  return `line ${line.line}: row${envelope}\n${columnsText(line.columns)}`;
}

/** The columns of a row, one a line. */
export function columnsText(columns: Readonly<Record<string, unknown>>): string {
  return renderRecord(
    Object.entries(columns).map(([name, column]) => [
      name,
      typeof column === 'object' ? JSON.stringify(column) : String(column),
    ]),
  );
}

/** The beginning of a line: the rest of a long one would fill the screen. */
function excerpt(raw: string): string {
  return escapeControls(raw.length > 300 ? `${raw.slice(0, 300)}…` : raw);
}

/** @throws InvalidArgumentError unless the text is a whole number of at least 0. */
function wholeNumber(given: string): number {
  if (!/^\d{1,9}$/.test(given)) throw new InvalidArgumentError(`expected a whole number, got ${given}`);
  return Number(given);
}
