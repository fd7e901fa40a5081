/** Reads from a lake's folder which stack the lake was last opened with. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ENV, type SourceSettings } from '../../lambdas/core/settings.ts';
import { checkLakeVersion } from '../../local/lake-version.ts';
import { isObject } from '../../local/template/intrinsics.ts';
import type { Resource } from '../../local/template/resource.ts';
import { readStack } from '../../local/template/template.ts';
import { CommandError } from '../output/command-error.ts';

export interface LakeFolder {
  readonly dir: string;
  /** The sources that the stack's functions load, one for each name. */
  readonly sources: readonly SourceSettings[];
  /** AWS::Glue::Table resources. */
  readonly tables: readonly Resource[];
}

const stackOf = (dir: string) => join(dir, 'stack');

/** Whether the folder contains a lake. */
export function hasLake(dir: string): boolean {
  return existsSync(stackOf(dir));
}

/**
 * Reads the folder without synthesizing anything.
 *
 * @throws CommandError if it contains no lake; LakeVersionError if another version made the lake
 */
export function readLakeFolder(dir: string): LakeFolder {
  const directory = stackOf(dir);
  if (!hasLake(dir)) {
    throw new CommandError(`${dir}: no lake in this folder; \`lake run FILE --lake ${dir}\` creates one`);
  }
  checkLakeVersion(dir);
  const { resources } = readStack({ directory, urls: { sqs: '' } });
  const sources = new Map(resources.flatMap(sourcesOf).map((source) => [source.name, source]));
  return {
    dir,
    sources: [...sources.values()],
    tables: resources.filter(({ type }) => type === 'AWS::Glue::Table'),
  };
}

/** The sources in a function's environment variables; empty if it has none. */
function sourcesOf({ properties }: Resource): readonly SourceSettings[] {
  const variables = isObject(properties.Environment) ? properties.Environment.Variables : undefined;
  const json = isObject(variables) ? variables[ENV.sources] : undefined;
  return typeof json === 'string' ? (JSON.parse(json) as readonly SourceSettings[]) : [];
}
