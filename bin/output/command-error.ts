/** Something a command could not do: one line naming what, and what to do. The command ends with exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
