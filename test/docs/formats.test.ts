import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Format } from '../../lambdas/core/reading/format.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { readLines } from '../helpers/read-lines.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = readFileSync(join(ROOT, 'docs', 'formats.md'), 'utf8');

/** The code block that follows the comment of this name. */
function block(name: string): string {
  const found = new RegExp(`<!-- ${name.replaceAll('.', '\\.')} -->\\n\`\`\`\\w*\\n([\\s\\S]*?)\`\`\``).exec(PAGE);
  if (!found?.[1]) throw new Error(`docs/formats.md: expected a block ${name}`);
  return found[1];
}

describe('the worked example of docs/formats.md', () => {
  test('compiles, reads its lines as it says, and understands its example lines', async () => {
    const core = pathToFileURL(join(ROOT, 'lambdas', 'core')).href;
    const file = join(temporaryFolder(), 'squid.ts');
    writeFileSync(file, block('squid.ts').replaceAll("'../", `'${core}/`));
    const { squid } = (await import(pathToFileURL(file).href)) as { squid: Format };
    const compiled = squid.compile({});
    expect(readLines(compiled, block('squid.log').trimEnd().split('\n'))).toEqual(JSON.parse(block('squid.rows.json')));
    for (const reading of readLines(compiled, squid.exampleLines)) {
      expect(reading).toHaveProperty('row');
      expect(reading).not.toHaveProperty('row.errors');
    }
  });
});
