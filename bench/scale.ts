/** How much a run measures. */

const MIB = 1024 * 1024;

/** Sizes are decompressed bytes. */
export interface Scale {
  readonly name: 'full' | 'quick' | 'tiny';
  /**
   * Each input of the paths measured in this process. Above 32 MiB: what gunzipSync gives is then memory new
   * from the system, as it is for objects that matter.
   */
  readonly inputBytes: number;
  /** Measure every format all through, as `lake plan` asks for, and smaller and larger ALB objects. */
  readonly everything: boolean;
  /** How often each object of the whole handler holds an input; how many objects come before it counts, and then. */
  readonly handlerTimes: number;
  readonly handlerWarmups: number;
  readonly handlerObjects: number;
  /** The two objects whose peaks of memory are compared. */
  readonly memoryBytes: readonly [small: number, large: number];
  /** Fresh processes that load the smaller of them; the larger takes too long for more than one. */
  readonly memoryRuns: number;
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

/** Within a minute: smaller objects, fewer rounds. */
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

/** Seconds: shows that everything runs, and no figure worth reading. */
export const TINY: Scale = {
  name: 'tiny',
  inputBytes: MIB / 2,
  everything: false,
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
