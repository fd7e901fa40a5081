/**
 * Does a step for each of a list in its order, so many at a time. If one fails, no more are begun; those that are going on
 * end first.
 *
 * @throws what the first step that failed has thrown
 */
export async function eachOf<Of>(
  all: Iterable<Of>,
  atATime: number,
  step: (each: Of) => Promise<unknown>,
): Promise<void> {
  const left = all[Symbol.iterator]();
  let failed: { readonly reason: unknown } | undefined;
  const goOn = async (): Promise<void> => {
    for (let next = left.next(); !next.done && !failed; next = left.next()) {
      try {
        await step(next.value);
      } catch (reason) {
        failed ??= { reason };
      }
    }
  };
  await Promise.all(Array.from({ length: atATime }, goOn));
  // TypeScript does not see that steps change it.
  const failure = failed as { readonly reason: unknown } | undefined;
  if (failure) throw failure.reason;
}
