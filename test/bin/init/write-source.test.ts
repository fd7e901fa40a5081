import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withSource } from '../../../bin/init/write-source.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

function fileOf(context: object): string {
  const file = join(temporaryFolder(), 'cdk.json');
  writeFileSync(file, JSON.stringify({ app: 'node bin/app.ts', context }));
  return file;
}

const WEB = { name: 'web', format: 'nginx', from: { prefix: 'web/' } };

describe('a source that is put into cdk.json', () => {
  test('comes behind the others, and leaves everything else as it is', () => {
    const file = fileOf({ '@aws-cdk/core:x': true, sources: [{ ...WEB, name: 'old', from: { prefix: 'old/' } }] });
    const before = readFileSync(file, 'utf8');
    expect(JSON.parse(withSource(file, WEB, false))).toEqual({
      app: 'node bin/app.ts',
      context: { '@aws-cdk/core:x': true, sources: [{ name: 'old', format: 'nginx', from: { prefix: 'old/' } }, WEB] },
    });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('takes the place of one of its name only if it may', () => {
    const file = fileOf({ sources: [{ ...WEB, format: 'kong' }] });
    expect(() => withSource(file, WEB, false)).toThrow('cdk.json has a source web already');
    expect(JSON.parse(withSource(file, WEB, true)).context.sources).toEqual([WEB]);
  });

  test('is refused where the stack would refuse it, or its place is taken', () => {
    expect(() => withSource(fileOf({}), { ...WEB, name: 'a-b' }, false)).toThrow('sources[0].name: got "a-b"');
    const whole = fileOf({ sources: [{ name: 'alb', format: 'alb' }] });
    expect(() => withSource(whole, WEB, false)).toThrow('the source alb takes all of the landing bucket');
    expect(() => withSource(whole, { ...WEB, from: { bucket: 'my-logs' } }, false)).not.toThrow();
  });
});
