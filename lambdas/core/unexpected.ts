/**
 * For the end of a `switch` over outcomes: a new outcome that nobody handles does not compile, as it is not `never`.
 *
 * @returns the error to throw
 */
export function unexpected(value: never): Error {
  return new Error(`unexpected outcome ${JSON.stringify(value)}`);
}
