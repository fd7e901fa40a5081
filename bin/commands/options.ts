/** Options that several commands share. */
import { InvalidArgumentError, Option } from 'commander';

/** The folder that holds a local lake. */
export function lakeOption(): Option {
  return new Option('--lake <dir>', 'folder of the local lake, which contains all of its data').default('./lake');
}

/** Context params that override those of cdk.json; the option can be repeated. */
export function contextOption(): Option {
  return new Option('-c, --context <name=value>', 'set a context param, which overrides cdk.json; repeatable')
    .argParser(collectPairs)
    .default({}, 'none');
}

export function jsonOption(): Option {
  return new Option('--json', 'print one JSON document on stdout, and nothing else');
}

/** Values by name, collected from repeated `name=value` options. */
export type Pairs = Readonly<Record<string, string>>;

/**
 * Adds one `name=value` to the pairs given before it.
 *
 * @throws InvalidArgumentError for text without a name or without `=`.
 */
export function collectPairs(text: string, before: Pairs = {}): Pairs {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError(`expected name=value, got ${JSON.stringify(text)}`);
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}
