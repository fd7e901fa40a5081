/** How much a run measures. */

const MIB = 1024 * 1024;

/** Sizes are decompressed bytes. */
export interface Scale {
  readonly name: 'full' | 'quick' | 'tiny';
  /** Each input of the paths measured in this process. */
  readonly inputBytes: number;
  /** One more ALB input, to see whether a larger object is another matter; none when 0. */
  readonly largeInputBytes: number;
  /** Each object the whole handler loads, and how many it loads. */
  readonly handlerBytes: number;
  readonly handlerObjects: number;
  /** The two objects whose peaks of memory are compared. */
  readonly memoryBytes: readonly [small: number, large: number];
  /** Times a candidate runs before it counts, and times it counts. */
  readonly warmups: number;
  readonly rounds: number;
  /** Fresh processes of each function. */
  readonly starts: number;
  /** Objects of 10,000 lines that the tracker reads. */
  readonly trackedObjects: number;
}

/** What `npm run bench` measures: minutes. */
export const FULL: Scale = {
  name: 'full',
  inputBytes: 48 * MIB,
  largeInputBytes: 250_000_000,
  handlerBytes: 250_000_000,
  handlerObjects: 5,
  memoryBytes: [1024 * MIB, 5 * 1024 * MIB],
  warmups: 2,
  rounds: 9,
  starts: 7,
  trackedObjects: 30,
};

/** Within a minute: smaller objects, fewer rounds. */
export const QUICK: Scale = {
  name: 'quick',
  inputBytes: 16 * MIB,
  largeInputBytes: 0,
  handlerBytes: 48 * MIB,
  handlerObjects: 3,
  memoryBytes: [64 * MIB, 320 * MIB],
  warmups: 1,
  rounds: 3,
  starts: 3,
  trackedObjects: 6,
};

/** Seconds: shows that everything runs, and no figure worth reading. */
export const TINY: Scale = {
  name: 'tiny',
  inputBytes: MIB / 2,
  largeInputBytes: 0,
  handlerBytes: MIB,
  handlerObjects: 1,
  memoryBytes: [MIB, 2 * MIB],
  warmups: 0,
  rounds: 1,
  starts: 1,
  trackedObjects: 1,
};
