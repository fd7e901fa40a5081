/** schema.json, beside cdk.json: the columns that were promoted, as `lake schema pull` writes them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config-error.ts';
import { jsonProblem } from './json-problem.ts';
import { fromText } from './values.ts';

export const SCHEMA_JSON = 'schema.json';

/** The option `promoted` of each source, by the source's name. */
export type SchemaJson = z.output<typeof SCHEMA>;

const COLUMN = z.union([z.string(), z.strictObject({ type: z.string(), from: z.string() })]);
const SCHEMA = z.record(z.string(), z.record(z.string(), COLUMN));

const EXPECTED = 'an object of sources, each an object of column: type, or of column: { type, from }';

/** The file that belongs to a cdk.json. */
export function schemaJsonOf(cdkJson: string): string {
  return join(dirname(cdkJson), SCHEMA_JSON);
}

/** What the file has; nothing if there is none. @throws ConfigError if it is damaged */
export function readSchemaJson(file: string): SchemaJson {
  if (!existsSync(file)) return {};
  const text = readFileSync(file, 'utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(SCHEMA_JSON, `not JSON: ${jsonProblem(text) ?? String(error)}`);
  }
  const { success, data } = SCHEMA.safeParse(json);
  if (success) return data;
  throw ConfigError.notAllowed(SCHEMA_JSON, json, `${EXPECTED}; \`lake schema pull\` writes it`);
}

/**
 * The param `sources` with the promoted columns of each. What a source declares of the same name and type, or promotes
 * itself, stays as it declares it; sources that the file has and the param has not are left out.
 *
 * @param sources as in the context: what is wrong with them is for others to say
 * @throws ConfigError if a source declares a promoted column with another type
 */
export function withPromotedColumns(sources: unknown, schema: SchemaJson): unknown {
  const given = fromText(sources);
  if (!Array.isArray(given)) return sources;
  return given.map((source: unknown, index) => {
    const { name, columns, promoted: own } = Object(source) as Readonly<Record<string, unknown>>;
    const promoted = typeof name === 'string' && Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (!promoted) return source;
    const kept = Object.entries(promoted).filter(([column, spec]) => {
      const declared = declaredType(columns, column);
      if (declared !== undefined && declared !== typeOf(spec)) {
        const allowed = `${typeOf(spec)}, as files have the column so (${SCHEMA_JSON}); or give this one another name`;
        throw ConfigError.notAllowed(`sources[${index}].columns.${column}`, declared, allowed);
      }
      return declared === undefined;
    });
    return { ...Object(source), promoted: { ...Object.fromEntries(kept), ...Object(own) } };
  });
}

function declaredType(columns: unknown, name: string): unknown {
  const found = Object.entries(Object(columns)).find(([key]) => key.toLowerCase() === name);
  return found && typeOf(found[1]);
}

function typeOf(spec: unknown): unknown {
  return typeof spec === 'object' && spec !== null && 'type' in spec ? spec.type : spec;
}
