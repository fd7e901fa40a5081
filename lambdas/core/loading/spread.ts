/** Spreads batches over the Firehose streams of one table. The stream that a row came through is not stored. */

/**
 * The streams in the order in which a batch tries them: round-robin, beginning with the stream of the batch's turn.
 * Records that one stream rejects go to the next one: each stream is throttled separately, and one batch is most of
 * what a stream accepts in a second.
 */
export function inTurn(streams: readonly string[], turn: number): readonly string[] {
  const first = turn % streams.length;
  return [...streams.slice(first), ...streams.slice(0, first)];
}

/**
 * The turn of an input's first batch; each further batch has the next turn. The turn is derived from the origin, which
 * is a hash. If it were 0 for every input, concurrent functions would all begin with the first stream, and inputs of
 * one batch would use no other stream.
 */
export function firstTurn(origin: string): number {
  return Buffer.from(origin, 'base64url').readUInt32BE();
}
