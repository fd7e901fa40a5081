/**
 * Changes the metadata of a table as Iceberg's own catalogs do. Where those take what no right client sends, such as a
 * snapshot whose parent is unknown, this refuses it.
 *
 * https://github.com/apache/iceberg/blob/main/core/src/main/java/org/apache/iceberg/TableMetadata.java
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type IcebergSchema,
  MAIN,
  type PartitionSpec,
  type TableMetadata,
} from '../../lambdas/core/iceberg/metadata.ts';
import { Draft, type LogEntry, NO_SNAPSHOT } from './draft.ts';
import { badRequest, commitFailed } from './glue-error.ts';
import type {
  GivenChange,
  GivenRequirement,
  GivenSpec,
  GivenUpdate,
  RequirementKind,
  SortOrder,
  Step,
  UpdateKind,
} from './requests.ts';

/** A table as it is stored. */
export interface StoredTable {
  readonly metadata: TableMetadata;
  /** URI of the metadata file. */
  readonly location: string;
}

/** Clocks of writers may differ by as much. */
const CLOCK_SKEW_MS = 60_000;

/** https://iceberg.apache.org/docs/latest/configuration/#table-behavior-properties */
const PREVIOUS_VERSIONS = 'write.metadata.previous-versions-max';
const PREVIOUS_VERSIONS_DEFAULT = 100;

/**
 * @param base undefined for a table that the change makes
 * @throws GlueError CommitFailedException if a requirement does not hold; BadRequestException for an update that cannot
 * be made
 */
export function applyChange(base: StoredTable | undefined, change: GivenChange, now: number): TableMetadata {
  const draft = new Draft(base?.metadata, now);
  for (const requirement of change.requirements) require(draft, requirement);
  if (!base && !change.requirements.some(({ kind }) => kind === 'assert-create')) {
    throw commitFailed('Requirement failed: table does not exist');
  }
  for (const update of change.updates) make(draft, update);
  return draft.metadata(base ? metadataLog(base, draft) : []);
}

function metadataLog({ metadata, location }: StoredTable, { properties }: Draft): readonly object[] {
  const before = (metadata['metadata-log'] as readonly object[] | undefined) ?? [];
  const most = Number(properties.get(PREVIOUS_VERSIONS) ?? PREVIOUS_VERSIONS_DEFAULT);
  if (!Number.isSafeInteger(most) || most < 1) throw badRequest(`property ${PREVIOUS_VERSIONS}: expected a number`);
  return [...before, { 'timestamp-ms': metadata['last-updated-ms'], 'metadata-file': location }].slice(-most);
}

type Requirements = { readonly [Kind in RequirementKind]: (draft: Draft, given: GivenRequirement<Kind>) => void };

function require(draft: Draft, { kind, fields }: Step<RequirementKind>): void {
  (REQUIREMENTS[kind] as (draft: Draft, given: unknown) => void)(draft, fields);
}

const REQUIREMENTS: Requirements = {
  'assert-create': ({ original }) => {
    if (original) throw commitFailed('Requirement failed: table already exists');
  },
  'assert-table-uuid': ({ uuid: got }, { uuid }) => expect('UUID', uuid, got),
  'assert-ref-snapshot-id': ({ refs }, { ref, 'snapshot-id': id }) =>
    expect(`branch or tag ${ref}`, id ?? undefined, refs.get(ref)?.['snapshot-id']),
  'assert-last-assigned-field-id': ({ lastColumnId }, { 'last-assigned-field-id': id }) =>
    expect('last assigned field id', id, lastColumnId),
  'assert-current-schema-id': ({ currentSchemaId }, { 'current-schema-id': id }) =>
    expect('current schema', id, currentSchemaId),
  'assert-last-assigned-partition-id': ({ lastPartitionId }, { 'last-assigned-partition-id': id }) =>
    expect('last assigned partition id', id, lastPartitionId),
  'assert-default-spec-id': ({ defaultSpecId }, { 'default-spec-id': id }) =>
    expect('default partition spec', id, defaultSpecId),
  'assert-default-sort-order-id': ({ defaultOrderId }, { 'default-sort-order-id': id }) =>
    expect('default sort order', id, defaultOrderId),
};

function expect<Value>(what: string, expected: Value, got: Value): void {
  if (expected === got) return;
  throw commitFailed(`Requirement failed: ${what} has changed: expected ${expected ?? 'none'}, got ${got ?? 'none'}`);
}

type Updates = { readonly [Kind in UpdateKind]: (draft: Draft, given: GivenUpdate<Kind>) => void };

function make(draft: Draft, { kind, fields }: Step<UpdateKind>): void {
  (UPDATES[kind] as (draft: Draft, given: unknown) => void)(draft, fields);
}

const UPDATES: Updates = {
  'assign-uuid': (draft, { uuid }) => {
    if (draft.uuid !== '' && draft.uuid !== uuid) throw badRequest(`assign-uuid: the table has the UUID ${draft.uuid}`);
    draft.uuid = uuid;
  },
  // There is one version, which the reader of requests has compared.
  'upgrade-format-version': () => {},
  'add-schema': addSchema,
  'set-current-schema': (draft, { 'schema-id': given }) => {
    draft.currentSchemaId = added(
      'schema',
      given,
      draft.added.schema,
      draft.schemas.map((each) => each['schema-id']),
    );
  },
  'add-spec': (draft, { spec }) => addSpec(draft, spec),
  'set-default-spec': (draft, { 'spec-id': given }) => {
    draft.defaultSpecId = added(
      'partition spec',
      given,
      draft.added.spec,
      draft.specs.map((each) => each['spec-id']),
    );
  },
  'add-sort-order': (draft, { 'sort-order': order }) => addOrder(draft, order),
  'set-default-sort-order': (draft, { 'sort-order-id': given }) => {
    draft.defaultOrderId = added(
      'sort order',
      given,
      draft.added.order,
      draft.orders.map((each) => each['order-id']),
    );
  },
  'set-location': (draft, { location }) => {
    draft.location = location.replace(/\/$/, '');
  },
  'set-properties': (draft, { updates }) => {
    for (const [name, value] of Object.entries(updates)) draft.properties.set(name, value);
  },
  'remove-properties': (draft, { removals }) => {
    for (const name of removals) draft.properties.delete(name);
  },
  'add-snapshot': addSnapshot,
  'set-snapshot-ref': setRef,
  'remove-snapshot-ref': (draft, { 'ref-name': name }) => {
    draft.refs.delete(name);
    if (name !== MAIN) return;
    draft.currentSnapshotId = NO_SNAPSHOT;
    draft.log = [];
  },
  'remove-snapshots': removeSnapshots,
  'set-statistics': (draft, { statistics }) => {
    const id = statistics['snapshot-id'];
    draft.statistics = [...draft.statistics.filter((each) => each['snapshot-id'] !== id), statistics];
  },
  'remove-statistics': (draft, { 'snapshot-id': id }) => {
    draft.statistics = draft.statistics.filter((each) => each['snapshot-id'] !== id);
  },
};

/** The id that an update names: -1 is the one that this change has added. */
function added(what: string, given: number, last: number | undefined, all: readonly number[]): number {
  const id = given === -1 ? last : given;
  if (id === undefined) throw badRequest(`${what} -1: this change has added none`);
  if (!all.includes(id)) throw badRequest(`${what} ${id}: there is none`);
  return id;
}

function addSchema(draft: Draft, { schema, 'last-column-id': last }: GivenUpdate<'add-schema'>): void {
  const ids = schema.fields.map(({ id }) => id);
  requireUnique('ids of fields', ids);
  requireUnique(
    'names of fields',
    schema.fields.map(({ name }) => name),
  );
  if (last !== undefined && last < draft.lastColumnId) {
    throw badRequest(`add-schema: expected a last-column-id of ${draft.lastColumnId} at least, got ${last}`);
  }
  draft.lastColumnId = Math.max(draft.lastColumnId, last ?? 0, ...ids);
  const same = draft.schemas.find((each) => isDeepStrictEqual(withId(each, 0), withId(schema, 0)));
  const id = same?.['schema-id'] ?? Math.max(-1, ...draft.schemas.map((each) => each['schema-id'])) + 1;
  if (!same) draft.schemas.push(withId(schema, id));
  draft.added.schema = id;
}

function withId(schema: IcebergSchema, id: number): IcebergSchema {
  return { ...schema, 'schema-id': id };
}

function addSpec(draft: Draft, { fields: given }: GivenSpec): void {
  const sources = draft.schema.fields.map(({ id }) => id);
  const fields = given.map((field) => {
    if (!sources.includes(field['source-id'])) throw badRequest(`add-spec: there is no field ${field['source-id']}`);
    const id = field['field-id'] ?? draft.lastPartitionId + 1;
    draft.lastPartitionId = Math.max(draft.lastPartitionId, id);
    return { ...field, 'field-id': id };
  });
  requireUnique(
    'names of partition fields',
    fields.map(({ name }) => name),
  );
  const same = draft.specs.find((each) => isDeepStrictEqual(each.fields, fields));
  const id = same?.['spec-id'] ?? Math.max(-1, ...draft.specs.map((each) => each['spec-id'])) + 1;
  if (!same) draft.specs.push({ 'spec-id': id, fields } satisfies PartitionSpec);
  draft.added.spec = id;
}

/** The order without a field has the id 0, and no other has. */
function addOrder(draft: Draft, { fields }: SortOrder): void {
  const same = draft.orders.find((each) => isDeepStrictEqual(each.fields, fields));
  const next = fields.length === 0 ? 0 : Math.max(0, ...draft.orders.map((each) => each['order-id'])) + 1;
  const id = same?.['order-id'] ?? next;
  if (!same) draft.orders.push({ 'order-id': id, fields });
  draft.added.order = id;
}

function addSnapshot(draft: Draft, { snapshot }: GivenUpdate<'add-snapshot'>): void {
  const { 'snapshot-id': id, 'parent-snapshot-id': parent, 'sequence-number': sequence } = snapshot;
  if (draft.snapshot(id)) throw badRequest(`Snapshot already exists for id: ${id}`);
  if (sequence <= draft.lastSequenceNumber) {
    throw badRequest(
      `Cannot add snapshot with sequence number ${sequence} older than last sequence number ${draft.lastSequenceNumber}`,
    );
  }
  if (parent !== undefined && !draft.snapshot(parent))
    throw badRequest(`add-snapshot ${id}: there is no parent ${parent}`);
  draft.snapshots.push(snapshot);
  draft.lastSequenceNumber = sequence;
  draft.updated = snapshot['timestamp-ms'];
  draft.added.snapshots.add(id);
}

function setRef(draft: Draft, { 'ref-name': name, ...ref }: GivenUpdate<'set-snapshot-ref'>): void {
  const { 'snapshot-id': id } = ref;
  const snapshot = draft.snapshot(id);
  if (!snapshot) throw badRequest(`set-snapshot-ref ${name}: there is no snapshot ${id}`);
  if (isDeepStrictEqual(draft.refs.get(name), ref)) return;
  draft.refs.set(name, ref);
  if (name !== MAIN) return;
  draft.currentSnapshotId = id;
  const time = draft.added.snapshots.has(id) ? snapshot['timestamp-ms'] : draft.now;
  draft.updated = time;
  const last = draft.log.at(-1)?.['timestamp-ms'] ?? 0;
  if (time < last - CLOCK_SKEW_MS)
    throw badRequest(`set-snapshot-ref: ${time} is before the last snapshot, of ${last}`);
  draft.log.push({ 'timestamp-ms': time, 'snapshot-id': id });
}

function removeSnapshots(draft: Draft, { 'snapshot-ids': ids }: GivenUpdate<'remove-snapshots'>): void {
  const removed = new Set(ids);
  // Iceberg's library would remove the branch too, which no client means.
  const [name] = [...draft.refs].find(([, ref]) => removed.has(ref['snapshot-id'])) ?? [];
  if (name !== undefined) throw badRequest(`remove-snapshots: the branch or tag ${name} needs one of them`);
  draft.snapshots = draft.snapshots.filter((each) => !removed.has(each['snapshot-id']));
  draft.statistics = draft.statistics.filter((each) => !removed.has(each['snapshot-id']));
  // What was before a snapshot that nobody knows any more is no history.
  const isGone = (entry: LogEntry) => removed.has(entry['snapshot-id']);
  draft.log = draft.log.slice(draft.log.findLastIndex(isGone) + 1);
}

function requireUnique(what: string, values: readonly unknown[]): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) throw badRequest(`${what}: expected each once, got ${twice} twice`);
}
