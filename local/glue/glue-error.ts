/** What the catalog refuses, in the form of Iceberg's REST protocol. */
export class GlueError extends Error {
  readonly status: number;
  /** As clients tell errors apart: `NoSuchTableException`. */
  readonly type: string;
  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

/** A request that cannot be meant. */
export function badRequest(message: string): GlueError {
  return new GlueError(400, 'BadRequestException', message);
}

/** A request that may be right, and has no local behaviour. */
export function unsupported(what: string): GlueError {
  return new GlueError(406, 'UnsupportedOperationException', `${what} has no local behaviour`);
}

export function noSuchTable(database: string, table: string): GlueError {
  return new GlueError(404, 'NoSuchTableException', `Table does not exist: ${database}.${table}`);
}

/** A requirement of a change does not hold, or another change came first. */
export function commitFailed(message: string): GlueError {
  return new GlueError(409, 'CommitFailedException', message);
}
