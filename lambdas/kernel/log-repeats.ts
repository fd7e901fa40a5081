/** Remembers values of a log_format that a later field repeats, and compares them. */
import { FIELD_ENDS } from './memory';
import { flagsOf, PART_MASK, PART_SHIFT } from './program';

/** Bytes for each remembered value: its start and its end. */
const VALUE_BYTES: usize = 8;

/** Remembers the value of the field with this index. */
export function remember(index: u32, start: usize, end: usize): void {
  const at = FIELD_ENDS + <usize>index * VALUE_BYTES;
  store<u32>(at, start);
  store<u32>(at, end, 4);
}

/** True if the value is that of the field which this field repeats. */
export function repeats(field: usize, p: usize, end: usize): bool {
  const at = FIELD_ENDS + <usize>((flagsOf(field) >> PART_SHIFT) & PART_MASK) * VALUE_BYTES;
  const start = <usize>load<u32>(at);
  if (end - p != <usize>load<u32>(at, 4) - start) return false;
  for (let i: usize = 0; i < end - p; i++) if (load<u8>(p + i) != load<u8>(start + i)) return false;
  return true;
}
