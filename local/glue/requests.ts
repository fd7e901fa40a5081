/**
 * What clients of the catalog send. Whatever is not listed here is refused by name rather than ignored.
 * https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
 */
import { z } from 'zod';
import { badRequest, unsupported } from './glue-error.ts';

/** Ids come as numbers where they are small, and as bigints where they are not. */
const snapshotId = z.union([z.bigint(), z.int()]).transform(BigInt);

/** https://iceberg.apache.org/spec/#primitive-types, and those of version 2 alone */
const PRIMITIVE =
  /^(boolean|int|long|float|double|date|time|timestamp|timestamptz|string|uuid|binary|fixed\[\d+\]|decimal\(\d+, ?\d+\))$/;

const schema = z.strictObject({
  type: z.literal('struct'),
  'schema-id': z.int().default(0),
  fields: z.array(
    z.strictObject({
      id: z.int(),
      name: z.string().min(1),
      required: z.boolean(),
      type: z
        .string({ error: 'nested types have no local behaviour' })
        .regex(PRIMITIVE, 'is no type that is known here'),
      doc: z.string().optional(),
    }),
  ),
  'identifier-field-ids': z.array(z.int()).optional(),
});

const partitionSpec = z.strictObject({
  'spec-id': z.int().default(0),
  fields: z.array(
    z.strictObject({
      'source-id': z.int(),
      'field-id': z.int().optional(),
      name: z.string().min(1),
      transform: z.string().regex(/^(identity|year|month|day|hour|void|bucket\[\d+\]|truncate\[\d+\])$/),
    }),
  ),
});

const sortOrder = z.strictObject({
  'order-id': z.int(),
  fields: z.array(
    z.strictObject({
      'source-id': z.int(),
      transform: z.string(),
      direction: z.enum(['asc', 'desc']),
      'null-order': z.enum(['nulls-first', 'nulls-last']),
    }),
  ),
});

export type SortOrder = z.output<typeof sortOrder>;
export type GivenSpec = z.output<typeof partitionSpec>;

const snapshot = z.strictObject({
  'snapshot-id': snapshotId,
  'parent-snapshot-id': snapshotId.nullish().transform((id) => id ?? undefined),
  'sequence-number': z.int(),
  'timestamp-ms': z.int(),
  'manifest-list': z.string().regex(/^s3:\/\//),
  summary: z.record(z.string(), z.string()).and(z.object({ operation: z.string() })),
  'schema-id': z.int().optional(),
});

const properties = z.record(z.string(), z.string());

/** https://iceberg.apache.org/spec/#snapshot-references */
const ref = {
  type: z.enum(['branch', 'tag']),
  'snapshot-id': snapshotId,
  'min-snapshots-to-keep': z.int().optional(),
  'max-snapshot-age-ms': z.int().optional(),
  'max-ref-age-ms': z.int().optional(),
};

const UPDATES = {
  'assign-uuid': { uuid: z.string().min(1) },
  'upgrade-format-version': { 'format-version': z.literal(2, 'is no format version that is known here') },
  'add-schema': { schema, 'last-column-id': z.int().optional() },
  'set-current-schema': { 'schema-id': z.int() },
  'add-spec': { spec: partitionSpec },
  'set-default-spec': { 'spec-id': z.int() },
  'add-sort-order': { 'sort-order': sortOrder },
  'set-default-sort-order': { 'sort-order-id': z.int() },
  'set-location': { location: z.string() },
  'set-properties': { updates: properties },
  'remove-properties': { removals: z.array(z.string()) },
  'add-snapshot': { snapshot },
  'set-snapshot-ref': { 'ref-name': z.string().min(1), ...ref },
  'remove-snapshot-ref': { 'ref-name': z.string() },
  'remove-snapshots': { 'snapshot-ids': z.array(snapshotId) },
  'set-statistics': {
    'snapshot-id': snapshotId.optional(),
    statistics: z.looseObject({ 'snapshot-id': snapshotId, 'statistics-path': z.string() }),
  },
  'remove-statistics': { 'snapshot-id': snapshotId },
} as const;

const REQUIREMENTS = {
  'assert-create': {},
  'assert-table-uuid': { uuid: z.string() },
  'assert-ref-snapshot-id': { ref: z.string(), 'snapshot-id': snapshotId.nullish() },
  'assert-last-assigned-field-id': { 'last-assigned-field-id': z.int() },
  'assert-current-schema-id': { 'current-schema-id': z.int() },
  'assert-last-assigned-partition-id': { 'last-assigned-partition-id': z.int() },
  'assert-default-spec-id': { 'default-spec-id': z.int() },
  'assert-default-sort-order-id': { 'default-sort-order-id': z.int() },
} as const;

type Shapes = Readonly<Record<string, z.core.$ZodLooseShape>>;
type Given<All extends Shapes, Key extends keyof All> = z.output<z.ZodObject<All[Key]>>;

export type UpdateKind = keyof typeof UPDATES;
export type GivenUpdate<Kind extends UpdateKind> = Given<typeof UPDATES, Kind>;
export type RequirementKind = keyof typeof REQUIREMENTS;
export type GivenRequirement<Kind extends RequirementKind> = Given<typeof REQUIREMENTS, Kind>;

/** A requirement or an update by its kind, with its fields. */
export interface Step<Kind extends string> {
  readonly kind: Kind;
  readonly fields: unknown;
}

export interface GivenChange {
  readonly requirements: readonly Step<RequirementKind>[];
  readonly updates: readonly Step<UpdateKind>[];
}

const commit = z.strictObject({
  identifier: z.strictObject({ namespace: z.array(z.string()), name: z.string() }).optional(),
  requirements: z.array(z.looseObject({ type: z.string() })),
  updates: z.array(z.looseObject({ action: z.string() })),
});

/** Reads the body of a commit. @throws GlueError naming what is not known or wrong */
export function changeIn(body: unknown): GivenChange {
  const { requirements, updates } = read(commit, body, 'a commit');
  return {
    requirements: requirements.map(({ type, ...fields }) => step(REQUIREMENTS, type, fields, 'requirement')),
    updates: updates.map(({ action, ...fields }) => step(UPDATES, action, fields, 'update')),
  };
}

const create = z.strictObject({
  name: z.string(),
  location: z.string().nullish(),
  schema,
  'partition-spec': partitionSpec.nullish(),
  'write-order': sortOrder.nullish(),
  'stage-create': z.boolean().nullish(),
  properties: properties.nullish(),
});

export type GivenTable = z.output<typeof create>;

/** Reads the body of a request for a new table. @throws GlueError naming what is not known or wrong */
export function tableIn(body: unknown): GivenTable {
  return read(create, body, 'a new table');
}

function step<All extends Shapes>(all: All, kind: string, fields: object, what: string): Step<keyof All & string> {
  const shape = Object.hasOwn(all, kind) ? all[kind] : undefined;
  if (!shape) throw unsupported(`the ${what} ${kind}`);
  return { kind, fields: read(z.strictObject(shape), fields, `the ${what} ${kind}`) };
}

function read<T>(shape: z.ZodType<T>, value: unknown, what: string): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw badRequest(`${what}: ${issues.join('; ')}`);
}
