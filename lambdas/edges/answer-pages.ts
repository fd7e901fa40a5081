/**
 * Takes the bytes of pages out of DynamoDB's answers before the SDK reads the answers as JSON. The SDK would make three
 * strings of more than a megabyte for each answer, whose garbage makes the garbage collector scan the whole heap. Both
 * functions are options of the client: `streamCollector` gathers an answer, `base64Decoder` decodes each binary value.
 */
import { pageMemory } from '../core/duplicates/page-memory.ts';

/**
 * How a binary value begins in DynamoDB's JSON. A string value cannot contain this text, because its quotes are
 * escaped.
 */
const BINARY = Buffer.from('"B":"');
const QUOTE = 0x22;

/** Binary values by the name that replaces them in an answer, until the SDK has read the answer. */
const taken = new Map<string, Uint8Array>();
let takenCount = 0;

/** Memory in which answers are put together, shared by all calls. */
let space = Buffer.alloc(0);

/** Returns the answer with each of its binary values replaced by a name for `pageBytes`. */
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
    // The answer is cut short: the SDK will report it.
    if (end < 0) break;
    const name = `${takenCount++}`;
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
