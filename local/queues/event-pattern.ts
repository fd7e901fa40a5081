import { z } from 'zod';
import { isObject, TemplateError } from '../template/intrinsics.ts';

/** An EventBridge event pattern: nested objects that end in lists of allowed values. */
export const patternShape = z.record(z.string(), z.unknown());

/**
 * Compiles an EventBridge pattern to a test for events. Supports literals, `prefix`, `suffix` and `wildcard`.
 *
 * @param where names the rule in errors
 * @throws TemplateError naming a matcher that is not emulated.
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function compiledPattern(
  pattern: Readonly<Record<string, unknown>>,
  where: string,
): (event: unknown) => boolean {
  const fields = Object.entries(pattern).map(([name, allowed]) => {
    const matches = Array.isArray(allowed)
      ? anyOf(allowed.map((matcher) => compiledMatcher(matcher, `${where}.${name}`)))
      : isObject(allowed)
        ? compiledPattern(allowed, `${where}.${name}`)
        : unknownMatcher(allowed, `${where}.${name}`);
    return { name, matches };
  });
  return (event) => isObject(event) && fields.every(({ name, matches }) => matches(event[name]));
}

type Matches = (value: unknown) => boolean;

function anyOf(matchers: readonly Matches[]): Matches {
  return (value) => matchers.some((matches) => matches(value));
}

function compiledMatcher(matcher: unknown, where: string): Matches {
  if (!isObject(matcher)) return (value) => value === matcher;
  const [[operator, operand] = [], another] = Object.entries(matcher);
  if (typeof operand !== 'string' || another) return unknownMatcher(matcher, where);
  switch (operator) {
    case 'prefix':
      return (value) => typeof value === 'string' && value.startsWith(operand);
    case 'suffix':
      return (value) => typeof value === 'string' && value.endsWith(operand);
    case 'wildcard':
      return (value) => typeof value === 'string' && matchesWildcard(value, operand.split('*'));
    default:
      return unknownMatcher(matcher, where);
  }
}

/** True if `value` consists of the parts in order, with any text between them. */
function matchesWildcard(value: string, parts: readonly string[]): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return value === first;
  if (!value.startsWith(first) || !value.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = value.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at + last.length <= value.length;
}

function unknownMatcher(matcher: unknown, where: string): never {
  throw new TemplateError(`${where}: matcher ${JSON.stringify(matcher)} has no local behaviour`);
}
