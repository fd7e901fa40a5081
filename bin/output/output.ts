/** Where a command's words go: results to stdout, all else to stderr. */
import { escapeControls, jsonText } from './render.ts';

/** A result. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A result as one JSON document. */
export function printJson(value: unknown): void {
  print(jsonText(value));
}

/** Progress, a note or a problem, on one line. */
export function say(line: string): void {
  process.stderr.write(`${escapeControls(line)}\n`);
}

/** Something that could not be done, on one line. */
export function complain(problem: string): void {
  say(`lake: ${problem}`);
}

/** Tells the stages of a longer work, each with the seconds passed since the first. */
export function stages(): (line: string) => void {
  const start = performance.now();
  return (line) => say(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}
