/**
 * The stack's configuration: reads the context params into a typed and frozen `Config`. No other file reads the
 * context. params.ts and sources.ts define the allowed values.
 */
import type { z } from 'zod';
import { didYouMean } from '../../lambdas/core/reading/nearest.ts';
import { namesOf } from '../names.ts';
import { ConfigError } from './config-error.ts';
import { jsonProblem } from './json-problem.ts';
import { FIREHOSE_BUFFER_MIB, GROUPS, LEAST_DIRECT_LEDGER_DAYS, LEAST_DIRECT_SECONDS, PARAMS } from './params.ts';
import { compileSources, EVOLVING_FORMAT, type Source } from './sources.ts';
import { fromText } from './values.ts';

/** All of the stack's params, with defaults. The names of times and sizes include the unit. */
export type Config = Readonly<Omit<z.output<typeof PARAMS>, 'sources'>> & { readonly sources: readonly Source[] };

/** Values by param: as in cdk.json's `context`, or as text from `-c name=value`. */
export type Context = Readonly<Record<string, unknown>>;

/**
 * Reads the params from a context; CDK's own keys are ignored.
 *
 * @throws ConfigError for an unknown param or a value that is not allowed.
 */
export function readConfig(context: Context): Config {
  const params = nested(Object.entries(context).filter(([name]) => !isCdksOwn(name)));
  const read = PARAMS.safeParse(params);
  if (!read.success) throw configError(read.error.issues, params);
  const { ledgerRetentionDays, landingRetentionDays } = read.data;
  if (ledgerRetentionDays < landingRetentionDays) {
    const allowed = `at least landingRetentionDays (${landingRetentionDays}): an object that outlives its entry could be loaded twice`;
    throw ConfigError.notAllowed('ledgerRetentionDays', ledgerRetentionDays, allowed);
  }
  const { archiveAfterDays, retentionDays } = read.data;
  if (archiveAfterDays !== undefined && archiveAfterDays >= retentionDays) {
    throw ConfigError.notAllowed('archiveAfterDays', archiveAfterDays, `less than retentionDays (${retentionDays})`);
  }
  const sources = compileSources(read.data.sources, read.data, namesOf(read.data.stackName));
  refuseForLanes(read.data, sources);
  if (read.data.schemaEvolution !== 'off' && sources.every(({ format }) => format !== EVOLVING_FORMAT)) {
    const allowed = `off, as no source has format=${EVOLVING_FORMAT}`;
    throw ConfigError.notAllowed('schemaEvolution', read.data.schemaEvolution, allowed);
  }
  return deepFreeze({ ...read.data, sources });
}

/** The lanes have different limits. */
function refuseForLanes(
  { bufferSizeMiB, bufferIntervalSeconds, ledgerRetentionDays, keepDirectLane }: z.output<typeof PARAMS>,
  sources: readonly Source[],
): void {
  const isDirect = sources.some(({ delivery }) => delivery === 'direct');
  if ((isDirect || keepDirectLane) && ledgerRetentionDays < LEAST_DIRECT_LEDGER_DAYS) {
    const allowed = `at least ${LEAST_DIRECT_LEDGER_DAYS} with delivery=direct: what waits or is not written would be forgotten`;
    throw ConfigError.notAllowed('ledgerRetentionDays', ledgerRetentionDays, allowed);
  }
  const [minimum, maximum] = FIREHOSE_BUFFER_MIB;
  if (sources.some(({ delivery }) => delivery === 'firehose') && (bufferSizeMiB < minimum || bufferSizeMiB > maximum)) {
    const allowed = `a whole number from ${minimum} to ${maximum}, unless every source has delivery=direct`;
    throw ConfigError.notAllowed('bufferSizeMiB', bufferSizeMiB, allowed);
  }
  if (isDirect && bufferIntervalSeconds < LEAST_DIRECT_SECONDS) {
    const allowed = `a whole number from ${LEAST_DIRECT_SECONDS} to 900 with delivery=direct: batches are planned each minute`;
    throw ConfigError.notAllowed('bufferIntervalSeconds', bufferIntervalSeconds, allowed);
  }
}

/**
 * The sources that local commands load if none is configured: one for each kind of input and of format. They are merged
 * into the context as the param `sources`.
 */
export const DEMO_SOURCES: readonly Context[] = [
  { name: 'alb', format: 'alb' },
  { name: 'kong', format: 'kong', from: { logGroups: ['/demo/kong'] } },
  { name: 'app', format: 'json', preset: 'server-logs', from: { logGroups: ['/demo/app'] } },
];

const CDKS_OWN = ['@aws-cdk/', 'aws:', 'cli-', 'tributary:'];

function isCdksOwn(name: string): boolean {
  return CDKS_OWN.some((prefix) => name.startsWith(prefix));
}

/** Merges dotted names (`duplicates.sampleRate`) into the groups they belong to. */
function nested(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const params: Record<string, unknown> = Object.fromEntries(entries.filter(([name]) => !name.includes('.')));
  for (const group of GROUPS) if (params[group] !== undefined) params[group] = groupOf(group, params[group]);
  for (const [name, value] of entries) {
    const [param = '', key, ...deeper] = name.split('.');
    if (key === undefined) continue;
    if (deeper.length > 0 || !GROUPS.includes(param)) throw unknownParam(name);
    params[param] = { ...groupOf(param, params[param] ?? {}), [key]: value };
  }
  return params;
}

function groupOf(name: string, value: unknown): Record<string, unknown> {
  const group = fromText(value);
  if (isRecord(group)) return group;
  throw notJson(name, group) ?? ConfigError.notAllowed(name, value, 'an object');
}

/** The error for text that begins as JSON, where a list or an object belongs, and is none. */
function notJson(param: string, value: unknown): ConfigError | undefined {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return undefined;
  const problem = jsonProblem(value);
  return problem === undefined ? undefined : new ConfigError(param, `not JSON: ${problem}`);
}

/** The dotted names of the groups' members. */
const MEMBERS = Object.keys(PARAMS.shape.duplicates.unwrap().shape).map((member) => `duplicates.${member}`);

function unknownParam(name: string): ConfigError {
  const meant = didYouMean(name, [...Object.keys(PARAMS.shape), ...MEMBERS]);
  return new ConfigError(name, `unknown param${meant || `, known: ${Object.keys(PARAMS.shape).join(', ')}`}`);
}

/**
 * Turns the first issue into one line. Zod's own texts are never shown, because each rule of the params states what it
 * allows.
 */
function configError([issue]: readonly z.core.$ZodIssue[], params: Record<string, unknown>): ConfigError {
  if (!issue) return new ConfigError('context', 'cannot be read');
  const path = issue.path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key)),
    '',
  );
  if (issue.code === 'unrecognized_keys') {
    const key = String(issue.keys[0]);
    return path ? new ConfigError(`${path}.${key}`, issue.message) : unknownParam(key);
  }
  const value = valueAt(params, issue.path);
  const expected = issue.code === 'invalid_type' ? issue.expected : undefined;
  const isContainer = expected === 'array' || expected === 'object';
  return (isContainer && notJson(path, value)) || ConfigError.notAllowed(path, value, issue.message);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => {
    const inner = fromText(at);
    if (Array.isArray(inner)) return inner[Number(key)];
    return isRecord(inner) ? inner[String(key)] : undefined;
  }, value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
