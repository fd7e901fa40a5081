/**
 * Finds what surely makes CloudWatch refuse a filter pattern, which would fail the deployment. It does not know the whole
 * syntax: a pattern that it lets pass may still be refused.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 *
 * @returns what would be allowed, or undefined if nothing is wrong
 */
export function filterPatternProblem(pattern: string): string | undefined {
  const text = pattern.trim();
  const bare = withoutQuoted(text);
  if (bare === undefined) return 'a filter pattern in which each double quote is closed';
  if (text.startsWith('{')) return jsonProblem(bare);
  if (text.startsWith('[')) {
    return bare.endsWith(']') ? undefined : 'a pattern of fields that begins with [ and ends with ]';
  }
  return undefined;
}

function jsonProblem(bare: string): string | undefined {
  if (!bare.endsWith('}')) return 'a JSON filter pattern that begins with { and ends with }';
  if (!bare.includes('$')) return 'a JSON filter pattern with a property, such as { $.level = "ERROR" }';
  let open = 0;
  for (const character of bare) {
    if (character === '(') open++;
    if (character === ')') open--;
    if (open < 0) break;
  }
  return open === 0 ? undefined : 'a JSON filter pattern in which each parenthesis is closed';
}

/**
 * The pattern without its texts in quotes and without its regular expressions, which stand between two %. Undefined if a
 * quote is not closed.
 */
function withoutQuoted(pattern: string): string | undefined {
  let bare = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string;
    const end = character === '"' || character === '%' ? closing(pattern, at) : undefined;
    if (end !== undefined) at = end;
    else if (character === '"') return undefined;
    else bare += character;
  }
  return bare;
}

/** Place of the character that closes the quote or regular expression at `from`. A backslash escapes it. */
function closing(pattern: string, from: number): number | undefined {
  for (let at = from + 1; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++;
    else if (pattern[at] === pattern[from]) return at;
  }
  return undefined;
}
