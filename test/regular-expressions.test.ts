import { checkSync } from 'recheck';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { regularExpressionsIn } from './helpers/regular-expressions.ts';

/**
 * Regular expressions that take more than linear time for some text, or of which the checker cannot tell, and why each
 * does no harm. A regular expression that log text reaches belongs here only if the checker cannot tell.
 */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  [
    String.raw`lambdas/core/formats/alb.ts /^(?:conn_log_|health_check_log_)|^ELB\w*TestFile$|^\d{12}_elasticloadbalancing_[a-z\d-]+_(?!app\.)/`,
    "The checker knows no lookahead. It reads an object's name from its start, and looks ahead once, by four characters.",
  ],
  [
    String.raw`lambdas/core/loading/pack.ts /(?<=\})\n*(?=\{"0":)/`,
    'The checker knows no lookbehind. A run of line feeds is tried only where it follows a brace, so once.',
  ],
  [
    String.raw`bin/docs.ts /(<!-- table (\S+) -->\n)[\s\S]*?(\n<!-- end -->)/g`,
    'It reads a document of this repository.',
  ],
  [String.raw`bin/plan/doc-tables.ts /\.?0+$/`, 'It reads a price that was just written with ten decimals.'],
  [
    String.raw`local/firehose/prefix.ts /'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']+|'/g`,
    'It reads the pattern of a time in a stack, and the checker knows no backreference.',
  ],
  [String.raw`local/firehose/prefix.ts /(!\{[^}]*\})/`, 'It reads a prefix in a stack.'],
  [String.raw`local/template/intrinsics.ts /\$\{(!?)([^}]+)\}/g`, 'It reads the template of a stack.'],
]);

/** bench/usual.ts shows what the usual way costs, and is no part of the product. */
const expressions = regularExpressionsIn(['bin', 'lambdas', 'lib', 'local']).map((each) => ({
  ...each,
  name: `${each.file} /${each.pattern}/${each.flags}`,
}));

describe('regular expressions', () => {
  beforeAll(() => {
    // The checker is also there as a program and as Java; this is JavaScript.
    vi.stubEnv('RECHECK_BACKEND', 'pure');
    vi.stubEnv('RECHECK_SYNC_BACKEND', 'pure');
    return () => vi.unstubAllEnvs();
  });

  test('are found', () => {
    expect(expressions.length).toBeGreaterThan(100);
  });

  test.each(expressions.filter(({ name }) => !EXCEPTIONS.has(name)))(
    '$name takes linear time for any text',
    ({ pattern, flags }) => {
      // Only the automaton proves that none takes longer; the other way of this checker tries some texts.
      const found = checkSync(pattern, flags, { checker: 'automaton', timeout: null });
      const problem = found.status === 'unknown' ? found.error : found.complexity;
      expect({ status: found.status, problem }).toMatchObject({ status: 'safe' });
    },
  );

  test('that are exceptions exist', () => {
    const names = expressions.map(({ name }) => name);
    expect([...EXCEPTIONS.keys()].filter((exception) => !names.includes(exception))).toEqual([]);
  });
});
