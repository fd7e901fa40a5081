/** Seed of everything random in the fault suite: `FAULT_SEED=7 npm test -- test/faults` runs other faults. */
export const SEED = Number(process.env.FAULT_SEED ?? 1);

/** Whole numbers from 0 up to, not including, `below`: the same ones for the same seed. */
export type Random = (below: number) => number;

/** https://github.com/cprosche/mulberry32 */
export function random(salt: number): Random {
  let state = (Math.imul(SEED, 0x9e3779b1) + salt) | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
