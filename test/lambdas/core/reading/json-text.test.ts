import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { objectMembers, plainText, readObject } from '../../../../lambdas/core/reading/json-text.ts';

describe('NaN and Infinity, as Python writes them,', () => {
  test('are values, kept as text wherever they stand', () => {
    const { members = [] } = readObject('{"a":NaN,"b" : [ -Infinity , {"c": Infinity}],"d":"NaN"}');
    expect(members.map(({ key, json }) => [key, plainText(json)])).toEqual([
      ['a', 'NaN'],
      ['b', '[-Infinity,{"c":Infinity}]'],
      ['d', 'NaN'],
    ]);
  });

  test('are no keys, and no parts of others', () => {
    const wrong = ['{NaN:1}', '{"a":NaN1}', '{"a":1NaN}', '{"a":-NaN}', '{"a":+Infinity}', '{"a":--Infinity}'];
    const cut = [
      '{"a":NaN',
      '{"a":Infinit}',
      '{"a":"NaN}',
      '{"a":NaN,}',
      '{"a":NaN "b":1}',
      '{"a":"\\"NaN}',
      '{"a":nan}',
    ];
    for (const text of [...wrong, ...cut]) expect(readObject(text)).toMatchObject({ reason: 'not_json' });
  });

  test('are found in whatever JSON has them in place of numbers', () => {
    const none = fc.constantFrom('NaN', 'Infinity', '-Infinity');
    const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 }));
    fc.assert(
      fc.property(object, none, fc.constantFrom('', ' '), (value, name, space) => {
        const mark = 1234567890123;
        const json = JSON.stringify({ ...value, first: [mark, { last: mark }] }, undefined, space);
        const written = json.replaceAll(String(mark), name);
        const { members = [] } = readObject(written);
        const expected = readObject(json).members ?? [];
        expect(members.map(({ key, json: text }) => [key, text])).toEqual(
          expected.map(({ key, json: text }) => [key, text.replaceAll(String(mark), name)]),
        );
        const inner = objectMembers({ key: '', json: written });
        expect(inner?.length).toBe(expected.length);
      }),
    );
  });
});
