import { join } from 'node:path';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import { DEMO_SOURCES } from '../../lib/config/config.ts';
import { type Synthesized, synthesize } from '../../lib/synth.ts';
import { FOLDER } from './check.ts';

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012';

/** A source of every format, on either lane. */
const FORMAT_SOURCES = [...FORMATS.values()].flatMap(({ name, exampleOptions = {} }) =>
  [
    { name: `${name}_objects`, format: name, ...exampleOptions, from: { bucket: 'my-logs', prefix: `${name}/` } },
    { name: `${name}_events`, format: name, ...exampleOptions, from: { logGroups: [`/ecs/${name}`] } },
  ].map((source) => ({ ...source, name: source.name.replace('-', '_') })),
);

/** Configurations that differ in the resources they have. */
export const CONFIGURATIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  default: {},
  demo: { sources: DEMO_SOURCES },
  formats: { sources: FORMAT_SOURCES, timeZone: 'Asia/Seoul' },
  existing: {
    sources: [
      { name: 'alb', format: 'alb', from: { bucket: 'my-logs', prefix: 'alb/' }, streamsPerTable: 3 },
      { name: 'theirs', format: 'nginx', from: { bucket: 'their-logs', account: '210987654321', kmsKeyArn: KEY } },
      { name: 'bus', format: 'alb', from: { bucket: 'busy-logs', notifications: 'eventbridge' } },
    ],
  },
  groups: {
    sources: [
      { name: 'gateway', format: 'kong', from: { logGroups: ['/ecs/kong', '/ecs/kong-blue'], filterPattern: 'HTTP' } },
      { name: 'records', format: 'kong-json', from: { logGroups: ['/ecs/kong-records'] } },
    ],
    logGroupRetentionDays: 30,
    logEventsConcurrency: 5,
  },
  encrypted: { kmsKey: KEY, timeZone: 'Europe/Berlin', parquetCompression: 'GZIP', ledgerPointInTimeRecovery: true },
  governed: {
    sources: DEMO_SOURCES.map((source) => ({ ...source, retired: true })),
    lakeFormation: true,
    stackName: 'Second-Lake',
  },
  iceberg: { sources: DEMO_SOURCES, delivery: 'direct', tableFormat: 'iceberg', kmsKey: KEY, lakeFormation: true },
  destroyed: { removalPolicy: 'destroy', 'duplicates.enabled': false },
};

/** Synthesizes every configuration. @returns the files of their templates, by the name of the configuration */
export function templates(): ReadonlyMap<string, string> {
  return new Map(
    Object.keys(CONFIGURATIONS).map((name) => {
      const { directory, stackName } = assembly(name);
      return [name, join(directory, `${stackName}.template.json`)];
    }),
  );
}

/** Synthesizes one of the configurations. */
export function assembly(name: string): Synthesized {
  return synthesize({ context: CONFIGURATIONS[name] ?? {}, outdir: join(FOLDER, 'templates', name) });
}
