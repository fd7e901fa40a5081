/**
 * Output of the commands: results go to stdout, everything else to stderr.
 *
 * - `print` a result for people (tables of render.ts, sentences), `printAsItIs` what is copied, `printJson` the one document
 *   of `--json`.
 * - `stages` for what a command is about to do, `showProgress` (progress.ts) for counts while it does it.
 * - `complain` of what could not be done and `warn` of what is worth a look; the command then goes on, and sets
 *   `process.exitCode`. To end a command, throw an error of command-error.ts.
 *
 * On a terminal, lines are wrapped at spaces to its width. Whatever is printed may contain log text: control characters
 * are escaped.
 */
import { failureOf } from './failure.ts';
import { escapeControls, jsonText } from './render.ts';
import { MARKS, type Mark, marked, showsColours, terminalWidth } from './terminal.ts';
import { wrapped } from './wrap.ts';

/** Prints a result of one or more lines, without any control character but line ends and the colours of `marked`. */
export function print(text: string): void {
  const width = terminalWidth();
  const lines = text.split('\n').flatMap((line) => {
    if (showsColours(process.stdout) && MARKS.test(line)) return [escapedButMarks(line)];
    if (COMMAND.test(line)) return [escapeControls(line)];
    return wrapped(escapeControls(line), width, ' '.repeat(/^ *(?:- )?/.exec(line)?.[0].length ?? 0));
  });
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** A line that is a command to copy. */
const COMMAND = /^ +npm run /;

/** Prints text that is meant to be copied, such as SQL: no line is wrapped. */
export function printAsItIs(text: string): void {
  process.stdout.write(`${text.split('\n').map(escapeControls).join('\n')}\n`);
}

/** A line of a table with colours. The table has made it fit. */
function escapedButMarks(line: string): string {
  return line
    .split(MARKS)
    .map((part, index) => (index % 2 === 1 ? part : escapeControls(part)))
    .join('');
}

let jsonPrinted = false;

/** Prints a result as one JSON document. */
export function printJson(value: unknown): void {
  jsonPrinted = true;
  process.stdout.write(`${jsonText(value)}\n`);
}

/** Prints progress, a note or a problem on stderr. @param indent of the lines after the first, if it is wrapped */
export function say(line: string, indent = ''): void {
  write(wrapped(escapeControls(line), terminalWidth(process.stderr), indent).join('\n'));
}

/** Prints a line on stderr about something that could not be done. */
export function complain(problem: string): void {
  address(problem, 'bad');
}

/** Prints a line on stderr about something that is worth a look, and is no failure. */
export function warn(text: string): void {
  address(text, 'warning');
}

const ADDRESS = 'lake: ';

function address(text: string, mark: Mark): void {
  const [first = '', ...others] = wrapped(`${ADDRESS}${escapeControls(text)}`, terminalWidth(process.stderr), '  ');
  write([`${marked('lake:', mark, process.stderr)}${first.slice('lake:'.length)}`, ...others].join('\n'));
}

/**
 * Tells the user of the error that ends a command: on stderr, and with `--json` as one JSON document on stdout.
 *
 * @returns the exit code
 */
export function reportFailure(
  error: unknown,
  { json = false, hint = '' }: { json?: boolean; hint?: string } = {},
): number {
  const { message, context, exitCode } = failureOf(error);
  complain(`${message}${hint}`);
  // An excerpt with a caret below a word: wrapped, the caret would stand below another.
  if (context !== undefined) write(context.split('\n').map(escapeControls).join('\n'));
  if (json && !jsonPrinted) printJson({ error: { message, ...(context !== undefined && { context }), exitCode } });
  return exitCode;
}

/** Makes a function that prints the stages of a command, each with the seconds since the command began. */
export function stages(): (line: string) => void {
  const start = performance.now();
  return (line) => say(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`, ' '.repeat(10));
}

/** The line that is redrawn at the end of stderr while something is counted. */
let live = '';

/** Shows a line at the end of stderr, in place of the one before; an empty one removes it. Only for a terminal. */
export function showLive(line: string): void {
  if (line === live) return;
  live = line;
  process.stderr.write(`${ERASE_LINE}${line}`);
}

const ERASE_LINE = '\r\x1b[K';

function write(text: string): void {
  process.stderr.write(live === '' ? `${text}\n` : `${ERASE_LINE}${text}\n${live}`);
}
