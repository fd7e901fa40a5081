import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonProblem } from '../../../lib/config/json-problem.ts';

describe('a text that is no JSON', () => {
  test.each([
    ['{"a":}', 'expected a value, got "}" at line 1, column 6'],
    ['{"a":1', 'expected , or } after the value, got the end of the text at line 1, column 7'],
    ['[1,]', 'expected a value, got "]" at line 1, column 4'],
    ['{"a":1,}', 'expected a key in double quotes, got "}" at line 1, column 8'],
    ["{'a':1}", 'expected a key in double quotes or }, got "\'" at line 1, column 2'],
    ['{a:1}', 'expected a key in double quotes or }, got "a" at line 1, column 2'],
    ['{"a" 1}', 'expected : after the key, got "1" at line 1, column 6'],
    ['[1 2]', 'expected , or ] after the value, got "2" at line 1, column 4'],
    ['{\n  "a": tru\n}', 'expected a value, got "t" at line 2, column 8'],
    ['{"a": 01}', 'expected a value, got "0" at line 1, column 7'],
    ['{"a":1}\n}', 'expected nothing more, got "}" at line 2, column 1'],
    ['{"a":1} // why', 'expected nothing more, got "/" at line 1, column 9'],
    ['{"a":"x', 'expected a value, got "\\"" at line 1, column 6'],
    ['', 'expected a value, got the end of the text at line 1, column 1'],
  ])('%j: %s', (text, problem) => {
    expect(jsonProblem(text)).toBe(problem);
  });

  test('is what JSON.parse refuses, and nothing else', () => {
    const isJson = (text: string) => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const pieces = ['{', '}', '[', ']', ',', ':', '"', '"a"', '\\', '1', '-', '.', 'e', '+', 'true', 'null', ' ', '\n'];
    const text = fc.oneof(
      fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join('')),
      fc.json(),
      fc.json().map((json) => json.slice(0, -1)),
    );
    fc.assert(
      fc.property(text, (given) => {
        expect(jsonProblem(given) === undefined).toBe(isJson(given));
      }),
      { numRuns: 2000 },
    );
  });
});
