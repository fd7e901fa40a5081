/** Gathers rows that come one by one, of very many tables in turn, until there are enough of a table to be worth a write. */

/** What has rows that wait. */
export interface GatheredRows {
  /** Undefined if none of its rows wait. */
  gathered: Gathered | undefined;
}

interface Gathered {
  bytes: Uint8Array;
  length: number;
}

/** Rows of so many bytes need not wait: most full records have more. */
const ENOUGH_BYTES = 256 * 1024;
/** Bytes of memory for rows that wait, whatever they are of. */
export const MAX_GATHERED_BYTES = 48 * 1024 * 1024;

export class RowGatherer<Place extends GatheredRows> {
  readonly #put: (place: Place, rows: Uint8Array) => Promise<void>;
  readonly #places = new Set<Place>();
  #bytes = 0;

  /** @param put writes rows, whose memory is used again when that is done */
  constructor(put: (place: Place, rows: Uint8Array) => Promise<void>) {
    this.#put = put;
  }

  /** Bytes of memory that rows which wait take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes rows, and writes what is enough. Rows of a place stay in their order. */
  async add(place: Place, rows: Uint8Array): Promise<void> {
    if (!place.gathered && rows.length >= ENOUGH_BYTES) return this.#put(place, rows);
    this.#gather(place, rows);
    if ((place.gathered?.length ?? 0) >= ENOUGH_BYTES) await this.flush(place);
    if (this.#bytes > MAX_GATHERED_BYTES) await this.#makeRoom();
  }

  /** Writes the rows of a place that wait. */
  async flush(place: Place): Promise<void> {
    const rows = this.take(place);
    if (rows) await this.#put(place, rows);
  }

  /** Gives the rows of a place that wait, which do so no more. */
  take(place: Place): Uint8Array | undefined {
    const { gathered } = place;
    if (!gathered) return undefined;
    place.gathered = undefined;
    this.#places.delete(place);
    this.#bytes -= gathered.bytes.length;
    return gathered.bytes.subarray(0, gathered.length);
  }

  #gather(place: Place, rows: Uint8Array): void {
    const { bytes, length } = place.gathered ?? { bytes: new Uint8Array(0), length: 0 };
    const needed = length + rows.length;
    let room = bytes;
    if (needed > bytes.length) {
      // The first rows take no more than they need: of most tables there may be no others.
      room = new Uint8Array(length === 0 ? needed : Math.max(needed, 2 * bytes.length));
      room.set(bytes.subarray(0, length));
      this.#bytes += room.length - bytes.length;
    }
    room.set(rows, length);
    place.gathered = { bytes: room, length: needed };
    this.#places.add(place);
  }

  /** Writes the largest first until half of the memory is free: the fewer rows a place has, the longer they can wait. */
  async #makeRoom(): Promise<void> {
    const largest = [...this.#places].sort((a, b) => (b.gathered?.length ?? 0) - (a.gathered?.length ?? 0));
    for (const place of largest) {
      if (this.#bytes <= MAX_GATHERED_BYTES / 2) return;
      await this.flush(place);
    }
  }
}
