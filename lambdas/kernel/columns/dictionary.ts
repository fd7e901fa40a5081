/**
 * The dictionary of a column within a row group: its values, each once, in the order in which they came. Pages hold
 * their indexes instead of the values themselves. A column whose values rarely repeat has none, from the page on in which
 * that shows; pages before it keep their indexes.
 *
 * The hash table has a slot of 8 bytes for a value: its index from 1 in the lower half, its hash in the upper one.
 */
import { considerText } from './bounds';
import { Column } from './column';
import { release, reserve } from './memory';
import { hashOf, isSame } from './texts';

/** Limits of a dictionary. Readers hold all of it while they read a row group. */
const MAX_ENTRIES: u32 = 32_768;
const MAX_BYTES: u32 = 1 << 20;
/** A dictionary of so many values is given up if it has more than half of all values that were looked up. */
const TRIAL_ENTRIES: u32 = 1024;
/** Values whose hashes collide on purpose must not take long: the dictionary is given up. */
const MAX_PROBES: u32 = 64;
const FIRST_SLOTS: u32 = 1024;

/** In place of an index: there is no dictionary any more. */
export const GIVEN_UP: u32 = 0xffff_ffff;

/** Bytes before a text in its dictionary and in plain pages: its length. */
export const LENGTH_BYTES: u32 = 4;

/** Index of a text, which becomes a value of the dictionary if it is none. */
// @ts-ignore: decorator
@inline
export function indexOfText(column: Column, p: usize, length: usize): u32 {
  const hashed = hashOf(p, length);
  let slot = hashed & column.slotMask;
  for (let probes: u32 = 0; probes < MAX_PROBES; probes++) {
    const found = load<u64>(column.slots.at + <usize>slot * 8);
    if (found == 0) return addText(column, p, length, hashed, slot);
    if (<u32>(found >> 32) == hashed && isText(column, <u32>found - 1, p, length)) return <u32>found - 1;
    slot = (slot + 1) & column.slotMask;
  }
  return GIVEN_UP;
}

/** True if a value of the dictionary is this text. */
// @ts-ignore: decorator
@inline
export function isText(column: Column, index: u32, p: usize, length: usize): bool {
  const value = column.dictionary.at + <usize>load<u32>(column.starts.at + <usize>index * 4);
  return <usize>load<u32>(value) == length && isSame(value + LENGTH_BYTES, p, length);
}

function addText(column: Column, p: usize, length: usize, hashed: u32, slot: u32): u32 {
  const bytes = LENGTH_BYTES + <u32>length;
  if (!hasRoom(column, bytes)) return GIVEN_UP;
  const start = column.dictionaryBytes;
  const value = reserve(column.dictionary, start + bytes, start) + start;
  store<u32>(value, <u32>length);
  memory.copy(value + LENGTH_BYTES, p, length);
  considerText(column, p, length);
  return add(column, bytes, hashed, slot);
}

/** Index of a number of `bytes` bytes, which becomes a value of the dictionary if it is none. */
// @ts-ignore: decorator
@inline
export function indexOfNumber(column: Column, number: u64, bytes: u32): u32 {
  const mixed = number * 0x9e37_79b9_7f4a_7c15;
  const hashed = <u32>((mixed ^ (mixed >> 29)) >> 16);
  const values = column.dictionary.at;
  let slot = hashed & column.slotMask;
  for (let probes: u32 = 0; probes < MAX_PROBES; probes++) {
    const found = load<u64>(column.slots.at + <usize>slot * 8);
    if (found == 0) return addNumber(column, number, bytes, hashed, slot);
    if (<u32>(found >> 32) == hashed) {
      const index = <u32>found - 1;
      const value = values + <usize>(index * bytes);
      if ((bytes == 4 ? <u64>load<u32>(value) : load<u64>(value)) == number) return index;
    }
    slot = (slot + 1) & column.slotMask;
  }
  return GIVEN_UP;
}

function addNumber(column: Column, number: u64, bytes: u32, hashed: u32, slot: u32): u32 {
  if (!hasRoom(column, bytes)) return GIVEN_UP;
  const start = column.dictionaryBytes;
  store<u64>(reserve(column.dictionary, start + 8, start) + start, number);
  return add(column, bytes, hashed, slot);
}

function hasRoom(column: Column, bytes: u32): bool {
  if (column.entries >= MAX_ENTRIES || column.dictionaryBytes + bytes > MAX_BYTES) return false;
  return column.entries < TRIAL_ENTRIES || column.entries * 2 <= column.lookedUp;
}

/** Adds a value that is already behind the others. */
function add(column: Column, bytes: u32, hashed: u32, slot: u32): u32 {
  const index = column.entries++;
  store<u32>(reserve(column.starts, index * 4 + 4, index * 4) + <usize>index * 4, column.dictionaryBytes);
  column.dictionaryBytes += bytes;
  store<u64>(column.slots.at + <usize>slot * 8, (<u64>hashed << 32) | <u64>column.entries);
  if (column.entries * 2 > column.slotMask) growSlots(column, (column.slotMask + 1) * 4);
  return index;
}

function growSlots(column: Column, count: u32): void {
  const old = column.slots.at;
  const oldBytes: usize = column.slotMask == 0 ? 0 : (<usize>column.slotMask + 1) * 8;
  const bytes = <usize>count * 8;
  // The old slots are read from behind the new ones.
  const at = reserve(column.slots, bytes + oldBytes, oldBytes);
  memory.copy(at + bytes, at, oldBytes);
  memory.fill(at, 0, bytes);
  const mask = count - 1;
  column.slotMask = mask;
  for (let from = at + bytes; from < at + bytes + oldBytes; from += 8) {
    const entry = load<u64>(from);
    if (entry == 0) continue;
    let slot = <u32>(entry >> 32) & mask;
    while (load<u64>(at + <usize>slot * 8) != 0) slot = (slot + 1) & mask;
    store<u64>(at + <usize>slot * 8, entry);
  }
}

/** Begins the dictionary of a row group, if the column has one. */
export function beginDictionary(column: Column): void {
  column.dictionaryBytes = 0;
  column.entries = 0;
  column.lookedUp = 0;
  column.slotMask = 0;
  growSlots(column, FIRST_SLOTS);
}

/** Leaves the values that pages before this one have, and takes no more. */
export function giveUp(column: Column, entries: u32, bytes: u32): void {
  column.noDictionary = true;
  column.entries = entries;
  column.dictionaryBytes = bytes;
  release(column.slots);
  column.slotMask = 0;
}

/** Releases what the row group had. */
export function endDictionary(column: Column): void {
  release(column.dictionary);
  release(column.starts);
  release(column.slots);
  column.slotMask = 0;
  column.noDictionary = false;
  column.dictionaryBytes = 0;
  column.entries = 0;
  column.lookedUp = 0;
}
