/** Reads what resource policies allow, as far as the checks need it. Conditions and denials are not looked at. */

interface Statement {
  readonly Effect?: unknown;
  readonly Principal?: unknown;
  readonly Action?: unknown;
  readonly Resource?: unknown;
}

/** Whether a statement of the policy allows one of the principals the action on the resource. @param policy JSON */
export function allows(
  policy: string,
  principals: readonly string[],
  action: string,
  resource: string | undefined,
): boolean {
  return statementsOf(policy).some(
    (statement) =>
      statement.Effect === 'Allow' &&
      principalsOf(statement.Principal).some((principal) => principal === '*' || principals.includes(principal)) &&
      texts(statement.Action).some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
      (resource === undefined || texts(statement.Resource).some((pattern) => matches(pattern, resource))),
  );
}

/** None if the text is no policy. */
function statementsOf(policy: string): Statement[] {
  try {
    return [Object(JSON.parse(policy)).Statement ?? []].flat();
  } catch {
    return [];
  }
}

/** Account ids, ARNs and names of services, whatever their kind. */
function principalsOf(principal: unknown): string[] {
  return typeof principal === 'object' && principal !== null
    ? Object.values(principal).flatMap(texts)
    : texts(principal);
}

function texts(value: unknown): string[] {
  return [value].flat().filter((each) => typeof each === 'string');
}

/**
 * Whether a pattern of IAM matches a text: `*` stands for any characters, `?` for one. Going back only to the latest `*`
 * suffices, so that no pattern takes more steps than its length times that of the text.
 */
export function matches(pattern: string, text: string): boolean {
  let star = -1;
  let retry = 0;
  let at = 0;
  let p = 0;
  while (at < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      retry = at;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[at])) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++retry;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
