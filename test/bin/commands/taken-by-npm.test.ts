import { Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { takenByNpm } from '../../../bin/commands/taken-by-npm.ts';

const redrive = new Command('redrive').addOption(new Option('--dry-run')).addOption(new Option('--json'));
const schema = new Command('schema').addCommand(new Command('add').addOption(new Option('--from <key>')));
const taken = (script: string | undefined, settings: NodeJS.ProcessEnv) =>
  takenByNpm([redrive, schema], { ...(script !== undefined && { npm_lifecycle_event: script }), ...settings });

describe('an option that npm took for its own', () => {
  test.each([
    ['lake', { npm_config_dry_run: 'true' }, '--dry-run'],
    ['lake', { npm_config_from: 'x' }, '--from'],
    ['start', { npm_config_call: 'delivery=direct' }, '-c'],
  ])('is named, and how to give it: npm run %s with %j', (script, settings, option) => {
    const start = script === 'start' ? 'npm start' : 'npm run lake';
    expect(taken(script, settings)).toBe(
      `npm took ${option} for an option of its own: write \`--\` before it, as in \`${start} -- … ${option}\``,
    );
  });

  test.each([
    ['a setting that npm has anyway', 'lake', { npm_config_json: 'true', npm_config_prefix: '/usr' }],
    ['an empty setting', 'lake', { npm_config_dry_run: '' }],
    ['a setting that is no option', 'lake', { npm_config_cache: '/tmp' }],
    ['another script, such as the tests', 'test', { npm_config_dry_run: 'true' }],
    ['a start without npm', undefined, { npm_config_dry_run: 'true' }],
  ])('is not seen in %s', (_, script, settings) => {
    expect(taken(script, settings)).toBeUndefined();
  });
});
