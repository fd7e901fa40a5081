import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cdkJsonContext } from '../../../lib/config/cdk-json.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

function contextOf(text: string) {
  const file = join(temporaryFolder(), 'cdk.json');
  writeFileSync(file, text);
  return cdkJsonContext({}, file);
}

test('the context of cdk.json is empty if it has none', () => {
  expect(contextOf('{"app":"x"}')).toEqual({});
  expect(contextOf('{"context":{"bufferSizeMiB":64}}')).toEqual({ bufferSizeMiB: 64 });
});

test('a cdk.json that is no JSON is refused with the place of the mistake', () => {
  expect(() => contextOf('{\n  "context": {\n    "bufferSizeMiB": 64,\n  }\n}\n')).toThrow(
    'cdk.json: not JSON: expected a key in double quotes, got "}" at line 4, column 3',
  );
  expect(() => contextOf('[]')).toThrow('cdk.json: got [], allowed: an object');
});
