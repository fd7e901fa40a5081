/** Puts a source into cdk.json. */
import { readFileSync } from 'node:fs';
import { cdkJsonContext, contextIn } from '../../lib/config/cdk-json.ts';
import { readConfig } from '../../lib/config/config.ts';
import { isObject } from '../../local/template/intrinsics.ts';
import { UsageError } from '../output/command-error.ts';

/** A source as cdk.json has it. */
export type SourceEntry = Readonly<Record<string, unknown>> & { readonly name: string };

/** The sources of a cdk.json; none if it has none. @throws ConfigError if the file is no JSON */
export function sourcesIn(file: string): readonly Readonly<Record<string, unknown>>[] {
  const { sources } = contextIn(file);
  return Array.isArray(sources) ? sources.filter(isObject) : [];
}

/**
 * The text of a cdk.json with one more source, at the end of its sources or in place of the one that has its name.
 *
 * @param replace whether a source of this name may be replaced
 * @throws UsageError if there is a source of this name, and it may not, or if the place of the source is taken; ConfigError
 *   if the stack would refuse the result
 */
export function withSource(file: string, source: SourceEntry, replace: boolean): string {
  const before = sourcesIn(file);
  const at = before.findIndex(({ name }) => name === source.name);
  if (at >= 0 && !replace) {
    throw new UsageError(
      `cdk.json has a source ${source.name} already: give another --name, or replace the source with --force`,
    );
  }
  const others = before.filter((_, index) => index !== at);
  const whole = others.find(({ from }) => isLanding(from) && prefixOf(from) === '');
  if (whole && isLanding(source.from)) {
    throw new UsageError(
      `the source ${whole.name} takes all of the landing bucket: give the place of these logs with --bucket or --log-group`,
    );
  }
  const sources = at < 0 ? [...before, source] : before.with(at, source);
  readConfig(cdkJsonContext({ sources }, file));
  const cdkJson: Record<string, unknown> = JSON.parse(readFileSync(file, 'utf8'));
  const context = { ...Object(cdkJson.context), sources };
  return `${JSON.stringify({ ...cdkJson, context }, undefined, 2)}\n`;
}

/** Whether a source reads the bucket that the stack creates. */
export function isLanding(from: unknown): boolean {
  return !isObject(from) || (from.bucket === undefined && from.logGroups === undefined);
}

function prefixOf(from: unknown): unknown {
  return isObject(from) ? (from.prefix ?? '') : '';
}
