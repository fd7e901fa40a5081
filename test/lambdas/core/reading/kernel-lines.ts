/** What may be done to a line for the kernel's tests, and JSON objects of any kind. */
import fc from 'fast-check';
import type { ColumnSpecs } from '../../../../lambdas/core/tables/table.ts';
import { moment, retimed, timeJson } from './kernel-times.ts';
import {
  ANY_TEXT,
  BITS,
  BYTES,
  ODD_KEYS,
  ODD_VALUES,
  OTHER_KEYS,
  spaced,
  TIMES,
  UNFIT_VALUES,
  VALUES_OF,
  WHOLE_NUMBERS,
} from './kernel-values.ts';

/** JSON objects of any members in any order, with space between their parts or none; most of them what columns take. */
export function jsonObject(columns: ColumnSpecs): fc.Arbitrary<string> {
  const types = new Map(Object.entries(columns).map(([name, { type }]) => [name, type]));
  const key = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...types.keys()) },
    { weight: 10, arbitrary: fc.constantFrom(...OTHER_KEYS) },
    { weight: 2, arbitrary: fc.stringMatching(/^[a-z_.]{1,66}$/) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_KEYS, ...[...types.keys()].map((name) => name.toUpperCase())) },
  );
  const member = key.chain((name) => {
    const type = types.get(name);
    const fitting = fc.constantFrom(...(type === undefined || type === 'string' ? ANY_TEXT : VALUES_OF[type]));
    const value = fc.oneof(
      { weight: 40, arbitrary: type === 'timestamp' ? fc.oneof(fitting, timeJson) : fitting },
      { weight: 1, arbitrary: fc.constantFrom(...ANY_TEXT) },
      { weight: 2, arbitrary: fc.constantFrom(...UNFIT_VALUES) },
      { weight: 1, arbitrary: fc.constantFrom(...ODD_VALUES) },
      { weight: type ? 1 : 10, arbitrary: fc.json({ maxDepth: 4 }) },
      { weight: type ? 1 : 10, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }).map((s) => JSON.stringify(s)) },
    );
    return fc.tuple(fc.constant(name), value);
  });
  const members = fc.array(member, { minLength: 1, maxLength: 12 });
  const space = fc.constantFrom('', '', '', ' ', '\t ');
  return fc.tuple(members, fc.integer({ min: 0, max: 9 }), space).map(([all, twice, between]) => {
    const chosen = twice === 0 ? all : [...new Map(all)];
    const parts = chosen.map(([name, json]) => `${JSON.stringify(name)}:${json}`);
    return spaced(`{${parts.join(',')}}`, between);
  });
}

/** Members of an object: keys as JSON, and values as JSON or as members. */
type Members = [key: string, value: string | Members][];

/**
 * JSON objects that have columns at paths, in nested objects and in keys with dots; with other members among them, and
 * now and then with a path in two ways, a repeated key, an escaped one, or something else where an object is expected.
 */
export function pathObject(paths: readonly string[]): fc.Arbitrary<string> {
  const key = (text: string, form: number) => {
    if (form === 0) return JSON.stringify(text.toUpperCase());
    if (form > 1 || !/^[a-z]/.test(text)) return JSON.stringify(text);
    return `"\\u00${text.charCodeAt(0).toString(16)}${text.slice(1)}"`;
  };
  const placed = fc.record({
    path: fc.constantFrom(...paths, ...paths, ...paths, 'other', 'log.other', 'http.response.other', 'trace.a.b'),
    /** Which dots are steps into objects. */
    steps: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    forms: fc.array(fc.nat(60), { minLength: 5, maxLength: 5 }),
    /** At which object to begin another one of the same key. */
    again: fc.nat(80),
    value: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...ANY_TEXT, ...WHOLE_NUMBERS, ...TIMES) },
      { weight: 2, arbitrary: fc.constantFrom(...UNFIT_VALUES, 'null', '{}', '[{}]', '{"status_code":1}') },
      { weight: 1, arbitrary: fc.constantFrom(...ODD_VALUES) },
    ),
  });
  const written = (members: Members): string =>
    `{${members.map(([name, value]) => `${name}:${typeof value === 'string' ? value : written(value)}`).join(',')}}`;
  return fc
    .tuple(fc.array(placed, { minLength: 1, maxLength: 10 }), fc.constantFrom('', '', '', ' ', '\t '))
    .map(([all, space]) => {
      const record: Members = [];
      for (const { path, steps, forms, again, value } of all) {
        const keys = [''];
        for (const [index, part] of path.split('.').entries()) {
          if (index > 0 && steps[index % steps.length]) keys.push(part);
          else keys.push(index > 0 ? `${keys.pop()}.${part}` : part);
        }
        let members = record;
        for (const [index, part] of keys.slice(1).entries()) {
          const name = key(part, forms[index % forms.length] ?? 2);
          if (index === keys.length - 2) members.push([name, value]);
          else {
            const known = members.find(([other, inner]) => other === name && typeof inner !== 'string')?.[1];
            const inner: Members = typeof known === 'object' && again !== index ? known : [];
            if (inner !== known) members.push([name, inner]);
            members = inner;
          }
        }
      }
      return spaced(written(record), space);
    });
}

/** One line with other times, and some of its parts replaced, put in or taken out; as bytes, which may be no UTF-8. */
export function changedLine(lines: readonly string[]): fc.Arbitrary<Buffer> {
  const change = fc.record({
    at: fc.nat(),
    cut: fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, fc.nat(60)),
    put: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...BITS).map((bit) => Buffer.from(bit)) },
      { weight: 1, arbitrary: fc.constantFrom(...BYTES).map((byte) => Buffer.from([byte])) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)) },
    ),
  });
  return fc
    .record({
      line: fc.constantFrom(...lines),
      times: fc.array(moment, { maxLength: 3 }),
      changes: fc.array(change, { maxLength: 3 }),
      end: fc.nat(),
    })
    .map(({ line, times, changes, end }) => {
      let bytes = Buffer.from(times.length > 0 ? retimed(line, times) : line);
      for (const { at, cut, put } of changes) {
        const from = at % (bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + cut)]);
      }
      return end % 10 === 0 ? bytes.subarray(0, end % (bytes.length + 1)) : bytes;
    });
}
