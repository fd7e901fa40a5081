/** Reads from a lake's folder which stack the lake was last opened with. */
import { accessSync, constants, existsSync } from 'node:fs';
import { type DirectSettings, ENV, type SourceSettings } from '../../lambdas/core/settings.ts';
import { localTimeName } from '../../lambdas/core/tables/views.ts';
import { checkLakeVersion } from '../../local/lake-version.ts';
import { stackOf } from '../../local/local-lake.ts';
import { isObject, TemplateError } from '../../local/template/intrinsics.ts';
import type { Resource } from '../../local/template/resource.ts';
import { readStack, type Stack } from '../../local/template/template.ts';
import { CommandError } from '../output/command-error.ts';

export interface LakeFolder {
  readonly dir: string;
  /** The sources that the stack's functions load, one for each name. */
  readonly sources: readonly SourceSettings[];
  /** AWS::Glue::Table resources. */
  readonly tables: readonly Resource[];
  /** AWS::CloudWatch::Alarm resources. */
  readonly alarms: readonly Resource[];
  /** Statements that create the views with local times. */
  readonly views: readonly string[];
  /** The zone of the days of the direct lane; absent without it. */
  readonly timeZone?: string;
}

/**
 * The folder's cloud assembly.
 *
 * @throws CommandError if the folder contains no lake; LakeVersionError if another version made the lake
 */
function assemblyOf(dir: string): string {
  const directory = stackOf(dir);
  if (directory === undefined) {
    // Of a folder that may not be read, nobody can tell what it contains.
    if (existsSync(dir)) accessSync(dir, constants.R_OK | constants.X_OK);
    throw new CommandError(`${dir}: no lake in this folder; \`lake run FILE --lake ${dir}\` creates one`);
  }
  checkLakeVersion(dir);
  return directory;
}

/** Checks that the folder contains a lake. @throws CommandError, LakeVersionError */
export function requireLake(dir: string): void {
  assemblyOf(dir);
}

/**
 * Reads the folder without synthesizing anything.
 *
 * @throws CommandError if it contains no lake, or one whose stack is damaged; LakeVersionError if another version made the
 * lake
 */
export function readLakeFolder(dir: string): LakeFolder {
  const { resources } = stackIn(assemblyOf(dir), dir);
  const sources = new Map(resources.flatMap(sourcesOf).map((source) => [source.name, source]));
  const [timeZone] = resources.flatMap((resource) => variableOf<DirectSettings>(resource, ENV.direct)?.timeZone ?? []);
  return {
    dir,
    sources: [...sources.values()],
    tables: resources.filter(({ type }) => type === 'AWS::Glue::Table'),
    views: resources.flatMap(localTimeViewOf),
    ...(timeZone !== undefined && { timeZone }),
    alarms: resources.filter(({ type }) => type === 'AWS::CloudWatch::Alarm'),
  };
}

function stackIn(directory: string, dir: string): Stack {
  try {
    return readStack({ directory, urls: { sqs: '' } });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new CommandError(`${error.message}; \`lake run FILE --lake ${dir}\` makes the stack anew and keeps all data`);
  }
}

/** The statement of a saved query, if it creates a view with local times. */
function localTimeViewOf({ type, properties: { Name, QueryString } }: Resource): string[] {
  if (type !== 'AWS::Athena::NamedQuery' || typeof QueryString !== 'string') return [];
  return String(Name).startsWith('make the view ') && String(Name).endsWith(localTimeName('')) ? [QueryString] : [];
}

/** The sources in a function's environment variables; empty if it has none. */
function sourcesOf(resource: Resource): readonly SourceSettings[] {
  return variableOf<readonly SourceSettings[]>(resource, ENV.sources) ?? [];
}

/** An environment variable of a function that is JSON; undefined if it has none of the name. */
function variableOf<Settings>({ properties }: Resource, name: string): Settings | undefined {
  const variables = isObject(properties.Environment) ? properties.Environment.Variables : undefined;
  const json = isObject(variables) ? variables[name] : undefined;
  return typeof json === 'string' ? (JSON.parse(json) as Settings) : undefined;
}
