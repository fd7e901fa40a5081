/** Sizes of a run: how much it measures and how often. */

const MIB = 1024 * 1024;

/** All sizes are in decompressed bytes. */
export interface Scale {
  readonly name: 'full' | 'quick' | 'tiny';
  /**
   * Size of each input that is measured in this process. In real runs it is above 32 MiB, because gunzipSync then
   * gets new memory from the system for its result, as it does for objects of a relevant size.
   */
  readonly inputBytes: number;
  /** Measure every format completely, as `lake plan` needs it, and also smaller and larger ALB objects. */
  readonly everything: boolean;
  /** How often an object of the whole handler repeats its input. */
  readonly handlerTimes: number;
  /** Objects that the whole handler loads before its measurement starts. */
  readonly handlerWarmups: number;
  /** Objects that are measured with the whole handler. */
  readonly handlerObjects: number;
  /** Sizes of the two objects whose peak memory is compared. */
  readonly memoryBytes: readonly [small: number, large: number];
  /** New processes that load the smaller object; the larger one takes too long to be loaded more than once. */
  readonly memoryRuns: number;
  /** Runs of a candidate that are not measured. */
  readonly warmups: number;
  /** Measured runs of a candidate. */
  readonly rounds: number;
  /** New processes of each function whose start is measured. */
  readonly starts: number;
  /** Objects of 10,000 lines that the duplicate check reads. */
  readonly trackedObjects: number;
}

/** Scale of `npm run bench`; takes minutes. */
export const FULL: Scale = {
  name: 'full',
  inputBytes: 48 * MIB,
  everything: true,
  handlerTimes: 5,
  handlerWarmups: 1,
  handlerObjects: 5,
  memoryBytes: [1024 * MIB, 5 * 1024 * MIB],
  memoryRuns: 5,
  warmups: 2,
  rounds: 7,
  starts: 7,
  trackedObjects: 60,
};

/** Scale with smaller objects and fewer rounds; takes less than a minute. */
export const QUICK: Scale = {
  name: 'quick',
  inputBytes: 40 * MIB,
  everything: false,
  handlerTimes: 1,
  handlerWarmups: 0,
  handlerObjects: 2,
  memoryBytes: [64 * MIB, 320 * MIB],
  memoryRuns: 3,
  warmups: 1,
  rounds: 3,
  starts: 3,
  trackedObjects: 20,
};

/** Scale that only shows that everything runs; takes seconds. Its figures mean nothing. */
export const TINY: Scale = {
  name: 'tiny',
  inputBytes: MIB / 2,
  everything: true,
  handlerTimes: 8,
  handlerWarmups: 0,
  handlerObjects: 1,
  memoryBytes: [MIB, 2 * MIB],
  memoryRuns: 1,
  warmups: 0,
  rounds: 1,
  starts: 1,
  trackedObjects: 1,
};
