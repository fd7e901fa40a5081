/**
 * Runs each minute, for commits of written files of the direct lane to their Iceberg tables. As long as write-batch writes
 * no files of such tables, there is nothing to commit.
 */
export async function handler(): Promise<{ readonly left: number }> {
  return { left: 0 };
}
