/** Why the bytes of an object cannot be read, or not to their end. */

/** Reasons as `rejected_lines` names them. */
export type UnreadableReason = 'broken_gzip' | 'broken_zstd' | 'decompression_bomb' | 'unreadable_content';

/**
 * The object cannot be read further, however often it is opened. All bytes before that place have been yielded. The
 * message says what was expected and what came.
 */
export class UnreadableError extends Error {
  override readonly name: string = 'UnreadableError';
  readonly reason: UnreadableReason;
  /** Stands for the object if it has no lines at all; otherwise the rest of its last line does. */
  readonly raw: string | undefined;
  constructor(reason: UnreadableReason, message: string, raw?: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.raw = raw;
  }
}
