import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { EXAMPLE_SOURCES } from '../../bin/docs/example-sources.ts';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import { type Context, readConfig } from '../../lib/config/config.ts';
import { FROM_KEYS, SOURCE_KEYS } from '../../lib/config/source-keys.ts';
import { readLines } from '../helpers/read-lines.ts';
import { resources, templateOf } from '../helpers/template.ts';

// The first synthesis bundles the functions.
vi.setConfig({ testTimeout: 60_000 });

const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)];

/** Every JSON block of a page that is a cdk.json, each with its page and its number there. */
function configurations(): [place: string, context: Context][] {
  return PAGES.flatMap((page) => {
    const blocks = readFileSync(join(ROOT, page), 'utf8').matchAll(/^```json\n([\s\S]*?)^```/gm);
    const contexts = [...blocks].map(([, json = '']): { context?: Context } => JSON.parse(json));
    return contexts.flatMap(({ context }, index) =>
      context ? [[`${page}, block ${index + 1}`, context] as [string, Context]] : [],
    );
  });
}

// Each synthesis takes a second on an idle machine, and many on a busy one.
describe('a cdk.json in the documentation', { timeout: 60_000 }, () => {
  test('is found in the README, and in docs/sources.md for each example', () => {
    const places = configurations().map(([place]) => place);
    expect(places.filter((place) => place.startsWith('README.md'))).not.toEqual([]);
    expect(places.filter((place) => place.startsWith('docs/sources.md'))).toHaveLength(EXAMPLE_SOURCES.length);
  });

  test.each(configurations())('can be synthesized as it stands: %s', (_, context) => {
    const { sources } = context as { sources: readonly { readonly name: string }[] };
    const tables = [...resources(templateOf(context), 'AWS::Glue::Table').values()].map(
      ({ Properties }) => (Properties.TableInput as { readonly Name: string }).Name,
    );
    expect(tables).toEqual(expect.arrayContaining(sources.map(({ name }) => name)));
  });
});

describe('an example of docs/sources.md', () => {
  const lines = EXAMPLE_SOURCES.flatMap(({ title, source, line }) =>
    line === undefined ? [] : [[title, source, line] as const],
  );
  test.each(lines)('reads its line, and understands all of it: %s', (_, source, line) => {
    const [read] = readConfig({ sources: [source] }).sources;
    const compiled = FORMATS.get(source.format)?.compile(read?.options ?? {});
    if (!compiled) throw new Error(`no format ${source.format}`);
    const [reading] = readLines(compiled, [line]);
    expect(reading).toHaveProperty('row');
    expect(reading).not.toHaveProperty('row.errors');
    expect(reading).not.toHaveProperty('row.extra');
  });

  const keys = [...SOURCE_KEYS, ...FROM_KEYS].map(({ name, ...key }) => [name, key] as const);
  test.each(keys)('of the key %s is allowed, and the key says what is', (name, { allowed, example }) => {
    expect(JSON.stringify(example)).toContain(`"${name}":`);
    expect(allowed).toMatch(/^[\w]/);
    const given = { name: 'app', format: 'json', columns: { request_id: 'string', timestamp: 'timestamp' } };
    const source = 'format' in example ? { name: 'app', ...example } : { ...given, ...example };
    expect(readConfig({ sources: [source] }).sources).toHaveLength(1);
  });

  const options = [...FORMATS.values()].flatMap((format) =>
    Object.entries(format.options).map(([name, option]) => [format.name, name, option] as const),
  );
  test.each(options)(
    'of the format %s and its option %s is allowed and of the type it says',
    (format, name, option) => {
      expect(typeof option.example[name]).toBe(option.type === 'text' ? 'string' : 'object');
      expect(readConfig({ sources: [{ name: 'app', format, ...option.example }] }).sources).toHaveLength(1);
    },
  );
});
