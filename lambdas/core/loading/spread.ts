/** Spreads batches over the streams into one table. Which of them a row came through shows nowhere. */

/**
 * The streams in the order in which a batch tries them: from that of its turn on, round. What a stream
 * does not take goes to the next: throttling is each stream's own, and a batch is most of what one
 * takes in a second.
 */
export function inTurn(streams: readonly string[], turn: number): readonly string[] {
  const first = turn % streams.length;
  return [...streams.slice(first), ...streams.slice(0, first)];
}

/**
 * The turn of an object's or payload's first batch; each further batch takes the next. By the origin,
 * which is a hash: functions that begin together would otherwise all begin with the same stream, and
 * small objects, of one batch each, would never reach another.
 */
export function firstTurn(origin: string): number {
  return Buffer.from(origin, 'base64url').readUInt32BE();
}
