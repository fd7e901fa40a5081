import { TemplateError } from '../template/intrinsics.ts';

/**
 * Compiles a filter pattern of terms to a test for log messages. A message must contain all plain terms, at least one
 * of the terms with `?`, and none of those with `-`. A term in quotes may contain spaces. An empty pattern matches all
 * messages.
 *
 * @param where names the filter in errors
 * @throws TemplateError for a pattern for JSON or for space-delimited events, or with regular expressions.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForLogs.html
 */
export function compiledFilterPattern(pattern: string, where: string): (message: string) => boolean {
  const terms = [...pattern.matchAll(/([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)].map(([, sign = '', quoted, plain]) => ({
    sign,
    term: quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '',
  }));
  if (/^\s*[{[]/.test(pattern) || terms.some(({ term }) => term.startsWith('%'))) {
    throw new TemplateError(`${where}: filter pattern ${pattern} has no local behaviour; expected terms`);
  }
  const having = (wanted: string): string[] => terms.filter(({ sign }) => sign === wanted).map(({ term }) => term);
  const [all, any, none] = [having(''), having('?'), having('-')];
  return (message) => {
    if (none.some((term) => message.includes(term))) return false;
    // If the pattern has a plain term, CloudWatch ignores terms with a question mark.
    if (all.length > 0) return all.every((term) => message.includes(term));
    return any.length === 0 || any.some((term) => message.includes(term));
  };
}
