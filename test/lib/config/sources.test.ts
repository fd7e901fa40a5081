import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../../lambdas/core/formats/registry.ts';
import { type Context, DEMO_SOURCES, readConfig } from '../../../lib/config/config.ts';
import { refusal, source } from '../../helpers/refusal.ts';

describe('names and formats of sources', () => {
  test('leave the names of views to the views', () => {
    for (const name of ['web_once', 'web_all', 'web_local_time']) {
      expect(refusal({ sources: [{ name, format: 'alb' }] })).toContain('those of views');
    }
  });

  test('take no filters where the format has none', () => {
    expect(refusal({ sources: [{ name: 'alb', format: 'alb', filters: { x: false } }] })).toContain(
      'sources[0].filters: unknown, and no option of format alb (it has no options)',
    );
  });
});

describe('sources', () => {
  test('may come as JSON text', () => {
    const { sources } = readConfig({ sources: '[{"name":"web","format":"alb"}]' });
    expect(sources.map(({ name }) => name)).toEqual(['web']);
    expect(refusal({ sources: '[{"name":"web"}]' })).toContain('sources[0].format: got nothing');
  });

  test.each([[[]], ['alb'], [{ name: 'web' }]])('%j is no list of sources', (sources) => {
    expect(refusal({ sources })).toContain('allowed: a list of at least one source');
  });

  test.each(['loads', 'rejected_lines', '1st', 'Web', 'a-b', '', `a${'b'.repeat(63)}`])('%j is no name', (name) => {
    expect(refusal(source({ name }))).toMatch(/^sources\[0\]\.name: got .*, allowed: /);
  });

  test('a name may have 63 characters', () => {
    const name = `a${'b'.repeat(62)}`;
    expect(readConfig(source({ name })).sources[0]?.table.name).toBe(name);
  });

  test('an unknown format is refused with those there are', () => {
    expect(refusal(source({ format: 'apache' }))).toBe(
      `sources[0].format: got "apache", allowed: ${[...FORMATS.keys()].join(', ')}`,
    );
  });

  test('what is no option of the format is refused', () => {
    expect(refusal(source({ logFormat: '$status' }))).toBe(
      'sources[0].logFormat: unknown, and no option of format alb (it has no options)',
    );
  });

  test('what the format says of an option names the source', () => {
    expect(refusal(source({ format: 'json', columns: { id: 'uuid' } }))).toMatch(
      /^sources\[0\]\.columns\.id: expected a type of /,
    );
    expect(refusal(source({ format: 'nginx', logFormat: 7 }))).toMatch(/^sources\[0\]\.logFormat: expected .*got 7$/);
    expect(refusal(source({ format: 'nginx', filters: { nope: false } }))).toMatch(/^sources\[0\]\.filters: expected /);
  });

  test('options reach the settings as they were given', () => {
    const [kong] = readConfig(source({ format: 'kong', filters: { local_client: false } })).sources;
    expect(kong?.options).toEqual({ filters: { local_client: false } });
  });

  test('a column that clashes with the partition is refused whatever the format says', () => {
    expect(refusal(source({ format: 'json', columns: { dt: 'string' } }))).toMatch(/^sources\[0\]\.columns/);
  });

  test('streamsPerTable of a source goes over that of all', () => {
    const { sources } = readConfig({
      streamsPerTable: 3,
      sources: [
        { name: 'a', format: 'alb', from: { prefix: 'a/' } },
        { name: 'b', format: 'alb', from: { prefix: 'b/' }, streamsPerTable: 50 },
      ],
    });
    expect(sources.map(({ streamsPerTable }) => streamsPerTable)).toEqual([3, 50]);
    expect(refusal(source({ streamsPerTable: 51 }))).toBe(
      'sources[0].streamsPerTable: got 51, allowed: a whole number from 1 to 50',
    );
  });

  test('keepRaw of a source goes over that of all', () => {
    const { sources } = readConfig({
      keepRaw: 'never',
      sources: [
        { name: 'a', format: 'alb', from: { prefix: 'a/' } },
        { name: 'b', format: 'alb', from: { prefix: 'b/' }, keepRaw: 'always' },
      ],
    });
    expect(sources.map(({ keepRaw }) => keepRaw)).toEqual(['never', 'always']);
  });

  test('each name is there once', () => {
    const twice = { name: 'web', format: 'alb' };
    expect(refusal({ sources: [twice, { ...twice, from: { bucket: 'example-logs' } }] })).toBe(
      'sources[1].name: got "web", allowed: each name once',
    );
  });
});

describe('DEMO_SOURCES', () => {
  test('are a source of each kind that the config takes', () => {
    const { sources } = readConfig({ sources: DEMO_SOURCES });
    expect(sources.map(({ name, lane }) => [name, lane])).toEqual([
      ['alb', 'objects'],
      ['kong', 'events'],
      ['app', 'events'],
    ]);
  });
});

describe('schemaEvolution', () => {
  const app = { name: 'app', format: 'json', preset: 'server-logs', from: { prefix: 'app/' } };
  const alb = { name: 'alb', format: 'alb', from: { prefix: 'alb/' } };
  const of = (context: Context) => readConfig(context).sources.map(({ schemaEvolution }) => schemaEvolution);

  test('of the stack is that of its sources with lines of JSON, which can have their own', () => {
    const own = { ...app, name: 'other', from: { prefix: 'other/' }, schemaEvolution: 'off' };
    expect(of({ sources: [app, alb, own], schemaEvolution: 'suggest' })).toEqual(['suggest', 'off', 'off']);
    expect(of({ sources: [{ ...app, schemaEvolution: 'suggest' }, alb] })).toEqual(['suggest', 'off']);
    expect(of({ sources: [app] })).toEqual(['off']);
  });

  test('is refused where no line has keys', () => {
    expect(refusal({ sources: [app, { ...alb, schemaEvolution: 'suggest' }] })).toBe(
      'sources[1].schemaEvolution: got "suggest", allowed: off, unless the source has format=json',
    );
    expect(refusal({ sources: [alb], schemaEvolution: 'suggest' })).toBe(
      'schemaEvolution: got "suggest", allowed: off, as no source has format=json',
    );
    expect(refusal({ sources: [app], schemaEvolution: 'on' })).toContain(
      'schemaEvolution: got "on", allowed: off, suggest',
    );
  });
});
