import { TemplateError } from '../template/intrinsics.ts';

/**
 * A test for log messages by a filter pattern of terms: all of the plain ones, one of those with `?`,
 * none of those with `-`; a term in quotes may hold spaces. An empty pattern takes all.
 *
 * @param where names the filter in errors
 * @throws TemplateError for a pattern for JSON, for space-delimited events, or of regular expressions.
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
    // Where a plain term stands, CloudWatch ignores those with a question mark.
    if (all.length > 0) return all.every((term) => message.includes(term));
    return any.length === 0 || any.some((term) => message.includes(term));
  };
}
