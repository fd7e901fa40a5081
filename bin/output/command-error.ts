/**
 * Errors that end a command. A command throws one of them, or lets one of the project's others through (ConfigError,
 * QueryError, OptionError); bin/lake.ts prints it and sets the exit code. With `--json`, standard output is then one JSON
 * document `{"error": {"message", "context"?, "exitCode"}}`. What a command can do besides is noted with `complain`.
 */

/** Exit codes of every command. */
export const EXIT = {
  /** The command did what it was asked to do, and every file was read to its end. */
  ok: 0,
  /** Something could not be done; stderr says what. */
  failed: 1,
  /** What was typed, or configured, cannot be meant. */
  wrongUsage: 2,
  /** The command ran to its end and found a problem in the lake. */
  found: 3,
} as const;

/** Something could not be done: exit code 1. The message is one line that says what failed and what to do. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly exitCode: number = EXIT.failed;
}

/**
 * What was typed or configured cannot be meant, such as a source that there is not: exit code 2. The message names what was
 * given and what is allowed.
 */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';
  override readonly exitCode = EXIT.wrongUsage;
}
