/** An error that ends the command with exit code 1. Its message is one line that says what failed and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
