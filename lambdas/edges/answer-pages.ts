/**
 * Takes the bytes of pages out of DynamoDB's answers before the SDK reads them as JSON. Its own way makes three texts of
 * each on the way, of a megabyte and more, and what is left of those has the garbage collector look through the whole
 * heap. Both are options the client takes: `streamCollector` gathers an answer, `base64Decoder` is asked for each
 * binary value.
 */
import { pageMemory } from '../core/duplicates/page-memory.ts';

/** How a binary value begins in JSON as DynamoDB writes it. In no text can it stand so: its quotes would be escaped. */
const BINARY = Buffer.from('"B":"');
const QUOTE = 0x22;

/** By what stands for them in the answers that were gathered and not yet read. */
const taken = new Map<string, Uint8Array>();
let takenBefore = 0;

/** Where answers are put together. */
let space = Buffer.alloc(0);

/** The answer, each of its binary values replaced by a name for `pageBytes`. */
export async function withoutPages(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (length > space.length) space = Buffer.allocUnsafeSlow(2 * length);
  let at = 0;
  for (const chunk of chunks) {
    space.set(chunk, at);
    at += chunk.length;
  }
  const answer = space.subarray(0, length);
  const texts: string[] = [];
  let from = 0;
  for (let found = answer.indexOf(BINARY); found >= 0; found = answer.indexOf(BINARY, from)) {
    const start = found + BINARY.length;
    const end = answer.indexOf(QUOTE, start);
    // Cut short: the SDK will say so.
    if (end < 0) break;
    const name = `${takenBefore++}`;
    taken.set(name, decoded(answer.toString('latin1', start, end)));
    texts.push(answer.toString('utf8', from, start), name);
    from = end;
  }
  texts.push(answer.toString('utf8', from));
  return Buffer.from(texts.join(''));
}

/** A binary value of an answer that `withoutPages` has gathered. */
export function pageBytes(name: string): Uint8Array {
  const bytes = taken.get(name);
  if (!bytes)
    throw new RangeError(`binary value: expected one that was taken from an answer, got ${name.slice(0, 40)}`);
  taken.delete(name);
  return bytes;
}

function decoded(text: string): Uint8Array {
  const memory = pageMemory(Buffer.byteLength(text, 'base64'));
  return new Uint8Array(memory, 0, Buffer.from(memory).write(text, 'base64'));
}
