/** Output of the commands: results go to stdout, everything else to stderr. */
import { escapeControls, jsonText } from './render.ts';

/** Prints a result of one or more lines, without any other control character: log text may be among it. */
export function print(text: string): void {
  process.stdout.write(`${text.split('\n').map(escapeControls).join('\n')}\n`);
}

/** Prints a result as one JSON document. */
export function printJson(value: unknown): void {
  print(jsonText(value));
}

/** Prints progress, a note or a problem on one line of stderr. */
export function say(line: string): void {
  process.stderr.write(`${escapeControls(line)}\n`);
}

/** Prints a line on stderr about something that could not be done. */
export function complain(problem: string): void {
  say(`lake: ${problem}`);
}

/** Makes a function that prints the stages of a command, each with the seconds since the command began. */
export function stages(): (line: string) => void {
  const start = performance.now();
  return (line) => say(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}
