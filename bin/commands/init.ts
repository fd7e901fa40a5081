import { type Command, Option } from 'commander';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import type { Format, FormatOptions } from '../../lambdas/core/reading/format.ts';
import { CDK_JSON } from '../../lib/config/cdk-json.ts';
import { writeAtomic } from '../../local/files.ts';
import { type Guess, guessFormats, SAMPLE_LINES } from '../init/guess.ts';
import { isLanding, type SourceEntry, sourcesIn, withSource } from '../init/write-source.ts';
import { type InputFile, readInputs } from '../input/input-files.ts';
import { firstLines } from '../input/likely-formats.ts';
import { type Parsed, parseFile } from '../input/parse-file.ts';
import { CommandError, UsageError } from '../output/command-error.ts';
import { print, printAsItIs, printJson, warn } from '../output/output.ts';
import { showProgress } from '../output/progress.ts';
import { quantity, renderTable, thousands } from '../output/render.ts';
import { collectPairs, jsonOption, type Pairs } from './options.ts';
import { columnsText, optionsOf } from './parse.ts';

interface InitOptions {
  readonly like: string;
  readonly name?: string;
  readonly format?: string;
  readonly option: Pairs;
  readonly bucket?: string;
  readonly prefix?: string;
  readonly logGroup?: readonly string[];
  readonly cdkJson: string;
  readonly force?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/** Rows that are shown. */
const SHOWN_ROWS = 3;

/** `lake init` */
export function addInit(program: Command): void {
  program
    .command('init')
    .description('guesses the format of a log file, shows what it would read, and writes the source into cdk.json')
    .addOption(new Option('--like <file>', 'a log file, plain or compressed').makeOptionMandatory())
    .addOption(new Option('--name <name>', 'name of the source and its table (default: that of the format)'))
    .addOption(new Option('-f, --format <name>', 'the format, if it is known').choices([...FORMATS.keys()]))
    .addOption(
      new Option('-o, --option <name=value>', 'an option of the format, as in `lake parse`; repeatable; needs --format')
        .argParser(collectPairs)
        .default({}, 'none'),
    )
    .addOption(
      new Option('--bucket <name>', 'the bucket that the logs come from (default: the landing bucket)').conflicts(
        'logGroup',
      ),
    )
    .addOption(new Option('--prefix <prefix>', 'the beginning of their keys in the bucket').conflicts('logGroup'))
    .addOption(new Option('--log-group <name...>', 'the log groups that the logs come from'))
    .addOption(new Option('--cdk-json <file>', 'the file to write').default(CDK_JSON, 'cdk.json of this repository'))
    .addOption(new Option('--force', 'replace a source of the same name'))
    .addOption(new Option('--dry-run', 'only show, write nothing'))
    .addOption(jsonOption())
    .action(init);
}

async function init(options: InitOptions): Promise<void> {
  const { like, force = false, dryRun = false, cdkJson } = options;
  const file = await fileOf(like);
  const lines = await firstLines(file.path, SAMPLE_LINES);
  const guesses = guessFormats(lines, askedFor(options));
  const [guess] = guesses;
  if (!guess) throw noFormat(like, options.format, lines);
  const isFirst = sourcesIn(cdkJson).every(({ name }) => name === options.name);
  const source = sourceOf(guess, options, isFirst);
  const written = withSource(cdkJson, source, force);
  const progress = showProgress('lines');
  const parsed = await parseFile(file.path, (FORMATS.get(guess.format) as Format).compile(guess.options), 50, progress);
  progress.end();
  if (!options.json) print(readText(like, guess, parsed));
  const others = [...new Set(guesses.map(({ format }) => format))].filter(
    (each) => each !== guess.format && each !== 'json',
  );
  if (others.length > 0 && !options.json) {
    warn(`it could also be of the format ${others.join(', or ')}: choose one with --format`);
  }
  if (!options.json && hasMore(guess, parsed)) {
    warn(
      `most lines go on after what the preset ${guess.options.preset} reads, and the rest is in extra: give the log_format ` +
        `of the server in one piece, with --format ${guess.format} --option logFormat='…'`,
    );
  }
  if (!dryRun) await writeAtomic(cdkJson, written);
  if (options.json) {
    return printJson({ file: like, source, ...parsed, alsoReadBy: others, written: dryRun ? null : cdkJson });
  }
  print(`\n${dryRun ? 'The source would be' : `Written to ${cdkJson}`}:\n`);
  printAsItIs(JSON.stringify(source, undefined, 2));
  print(`\n${nextText(source, like, isFirst && source.format !== 'alb')}`);
}

/** Whether most lines have more at their end than the log_format of the preset. */
function hasMore({ format, options }: Guess, { rows, unknownFields }: Parsed): boolean {
  const { options: known = {} } = FORMATS.get(format) ?? {};
  return 'logFormat' in known && options.preset !== undefined && rows > 0 && unknownFields * 2 > rows;
}

async function fileOf(like: string): Promise<InputFile> {
  const { files, problems } = await readInputs([like]);
  const [file] = files;
  if (file && !file.named) throw new UsageError(`${like}: expected one log file, got a folder`);
  if (!file || file.unreadable?.reason === 'unreadable_content') {
    throw new CommandError(problems[0] ?? `${like}: cannot be read`);
  }
  return file;
}

/** @throws UsageError for options without a format; OptionError for options that the format does not take */
function askedFor({ format, option }: InitOptions): { format?: string; options?: FormatOptions } {
  if (format === undefined) {
    if (Object.keys(option).length > 0)
      throw new UsageError('--option: expected --format as well, which has the option');
    return {};
  }
  const described = FORMATS.get(format) as Format;
  return { format, ...(Object.keys(option).length > 0 && { options: optionsOf(described, option) }) };
}

function noFormat(like: string, format: string | undefined, [first = '']: readonly string[]): CommandError {
  if (['{', '['].includes(first.trim())) {
    return new CommandError(
      `${like}: expected a JSON object on each line, got JSON that is printed over several lines`,
    );
  }
  if (isList(first)) return new CommandError(`${like}: expected a JSON object on each line, got a list of JSON`);
  if (format === undefined) {
    return new CommandError(
      `${like}: no format reads most of its first lines. If a server with a log_format of its own wrote it, give ` +
        "that: --format nginx -o logFormat='$remote_addr …', in one piece; `lake formats` lists the formats",
    );
  }
  return new CommandError(
    `${like}: the format ${format} does not read most of its first lines; \`lake parse -f ${format} ${like}\` says why`,
  );
}

function isList(line: string): boolean {
  try {
    return Array.isArray(JSON.parse(line));
  } catch {
    return false;
  }
}

/** The source for cdk.json. Its place is the landing bucket, if no other is given. @param isFirst it is the only source */
function sourceOf({ format, options: formatOptions }: Guess, options: InitOptions, isFirst: boolean): SourceEntry {
  const { name = format.replaceAll('-', '_'), bucket, logGroup: logGroups } = options;
  // Several sources divide the landing bucket by folders. Of load balancers alone it has no folder, as without any source.
  const isWhole = bucket !== undefined || (format === 'alb' && isFirst);
  const prefix = options.prefix ?? (isWhole ? undefined : `${name}/`);
  const objects = { ...(bucket !== undefined && { bucket }), ...(prefix !== undefined && { prefix }) };
  const from = logGroups ? { logGroups } : objects;
  return { name, format, ...formatOptions, ...(Object.keys(from).length > 0 && { from }) };
}

function readText(like: string, { format, options }: Guess, { parsed, reasons, ...counts }: Parsed): string {
  const { preset, columns } = options;
  const by = [
    format,
    ...(typeof preset === 'string' ? [`with the preset ${preset}`] : []),
    ...(columns ? [`with ${quantity(Object.keys(columns).length, 'column')} of its own`] : []),
  ].join(' ');
  const rows = parsed.flatMap((line) => (line.outcome === 'row' ? [line.columns] : [])).slice(0, SHOWN_ROWS);
  const { lines, rows: read, filtered, rejected, fieldErrors, unknownFields } = counts;
  return [
    `${like} is read by the format ${by}. The first rows:`,
    ...rows.map(columnsText),
    `${quantity(lines, 'line')} = ${quantity(read, 'row')} + ${thousands(filtered)} filtered + ` +
      `${thousands(rejected)} rejected; values that could not be converted: ${thousands(fieldErrors)}, ` +
      `fields without a column (in extra): ${thousands(unknownFields)}`,
    ...(Object.keys(reasons).length > 0
      ? [
          renderTable(
            [{ name: 'filter or reason' }, { name: 'lines', align: 'right' }],
            Object.entries(reasons).map(([reason, count]) => [reason, thousands(count)]),
          ),
        ]
      : []),
  ].join('\n\n');
}

/** A path as a shell takes it. */
function shellWord(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** @param isAlone whether the source takes the place of the one that a stack has without any configuration */
function nextText({ name, from }: SourceEntry, like: string, isAlone: boolean): string {
  return [
    ...(isLanding(from)
      ? ['Say where the logs come from in `from`, if it is not this place of the landing bucket: docs/sources.md.']
      : []),
    ...(isAlone
      ? ['The stack has only the sources of cdk.json: add one of format alb if load balancers log to it.']
      : []),
    'Next:',
    `  npm run lake -- run ${shellWord(like)} --source ${name}`,
  ].join('\n');
}
