/** Properties of Iceberg tables that this project gives a meaning. Lists are separated by spaces. */

/** The source whose rows, or a part of them, a table has. */
export const SOURCE = 'tributary.source';

/** Properties of this start say the last commit of each committer: a number, and the name of what it was to do. */
export const COMMIT = 'tributary.commit.';

/** Uuids of tables whose files a table has taken over: files written for one of these belong to it. */
export const TAKEN_OVER = 'tributary.taken-over';

/**
 * Uuids of tables in whose place a table began without rows: what was written for one of these never belongs to it, and is
 * written anew from the logs.
 */
export const REPLACED = 'tributary.replaced';

/** Where the metadata lies of the tables that a table was made of. */
export const REBUILT_FROM = 'tributary.rebuilt-from';
