/** What to tell the user about an error, whatever threw it. */
import { OptionError } from '../../lambdas/core/reading/format.ts';
import { ConfigError } from '../../lib/config/config-error.ts';
import { QueryError } from '../../local/athena/statement.ts';
import { messageOf } from '../../local/files.ts';
import { CommandError, EXIT } from './command-error.ts';

/** An error as it is shown, and as it is in the JSON document of a command with `--json`. */
export interface Failure {
  /** One line. */
  readonly message: string;
  /** Lines that belong below it as they stand, such as the place in a query that the message is about. */
  readonly context?: string;
  readonly exitCode: number;
}

export function failureOf(error: unknown): Failure {
  const failure = plainFailureOf(error);
  return { ...failure, message: withCure(failure.message) };
}

function plainFailureOf(error: unknown): Failure {
  if (error instanceof CommandError) return { message: messageOf(error), exitCode: error.exitCode };
  if (error instanceof ConfigError || error instanceof OptionError) {
    return { message: messageOf(error), exitCode: EXIT.wrongUsage };
  }
  if (error instanceof QueryError) {
    const { context, failed } = error;
    return {
      message: messageOf(error),
      ...(context !== undefined && { context }),
      exitCode: failed ? EXIT.failed : EXIT.wrongUsage,
    };
  }
  return { message: systemProblem(error) ?? messageOf(error), exitCode: EXIT.failed };
}

/** What the AWS SDK says of an environment that names no account, and what it means to a user. */
const UNNAMED_ACCOUNT: Readonly<Record<string, string>> = {
  'Region is missing': 'no Region of AWS is set: set AWS_REGION or AWS_PROFILE',
  'Could not load credentials from any providers':
    'no credentials for AWS were found: set AWS_PROFILE, or log in with `aws sso login`',
};

function withCure(message: string): string {
  const known = Object.entries(UNNAMED_ACCOUNT).find(([text]) => message.includes(text));
  return known ? message.replace(...known) : message;
}

/** What the codes of the operating system mean to a user. */
const SYSTEM: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder; check the path',
  ENOTDIR: 'a part of this path is a file, where a folder was expected; check the path',
  EISDIR: 'a folder, where a file was expected; check the path',
  ELOOP: 'a symbolic link that points to itself; remove it',
  EACCES: 'permission denied; check its permissions',
  EPERM: 'permission denied; check its permissions',
  EROFS: 'read-only: it is on a file system that cannot be written to; give another place',
  ENOSPC: 'no space is left on the device; make room, then run the same command again',
  EDQUOT: 'the quota of this user for files is used up; make room, then run the same command again',
  EMFILE: 'too many files are open; allow more with `ulimit -n`',
  ENAMETOOLONG: 'a name that is too long for this file system; give another',
};

/** An error of the operating system as a sentence that begins with the path, or undefined for another error. */
export function systemProblem(error: unknown, path?: string): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const meaning = SYSTEM[String(error.code)];
  const where = path ?? ('path' in error ? String(error.path) : undefined);
  return meaning === undefined || where === undefined ? undefined : `${where}: ${meaning}`;
}
