/**
 * For the `default` of a `switch` over outcomes: if an outcome has no case, its type is not `never` and the call does
 * not compile.
 *
 * @returns the error to throw
 */
export function unexpected(value: never): Error {
  return new Error(`unexpected outcome ${JSON.stringify(value)}`);
}
