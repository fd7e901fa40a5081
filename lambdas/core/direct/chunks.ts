export interface ChunkLimits<Of> {
  /** Of a chunk. @default - any number */
  readonly most?: number;
  readonly weighing?: (each: Of) => number;
  /** What those of a chunk weigh together, unless one alone weighs more. @default - any weight */
  readonly atMost?: number;
}

/** Cuts a list into pieces, in its order. */
export function* chunks<Of>(all: Iterable<Of>, limits: ChunkLimits<Of>): Generator<Of[]> {
  const { most = Number.POSITIVE_INFINITY, weighing = () => 0, atMost = Number.POSITIVE_INFINITY } = limits;
  let chunk: Of[] = [];
  let weight = 0;
  for (const each of all) {
    const more = weighing(each);
    if (chunk.length > 0 && (chunk.length >= most || weight + more > atMost)) {
      yield chunk;
      chunk = [];
      weight = 0;
    }
    chunk.push(each);
    weight += more;
  }
  if (chunk.length > 0) yield chunk;
}
