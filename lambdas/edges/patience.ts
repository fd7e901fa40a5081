/** How long to try, and how long to wait between attempts. */
export interface Patience {
  readonly tries: number;
  readonly waitMs: number;
}

/** Two minutes: a permission that was just granted is effective after seconds. */
export const DEPLOYMENT_PATIENCE: Patience = { tries: 24, waitMs: 5000 };

/**
 * Tries again whatever fails, for work that a deployment has asked for and has granted the permission for only a moment ago.
 *
 * @param isFinal whether no further attempt can help
 * @throws what the last attempt has thrown
 */
export async function patiently<Result>(
  work: () => Promise<Result>,
  isFinal: (error: unknown) => boolean,
  { tries, waitMs }: Patience = DEPLOYMENT_PATIENCE,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (isFinal(error) || attempt >= tries) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
