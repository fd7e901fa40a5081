/** The metadata of a new table, made of what a client asks for. */
import { randomUUID } from 'node:crypto';
import type { TableMetadata } from '../../lambdas/core/iceberg/metadata.ts';
import { applyChange } from './apply-change.ts';
import { badRequest } from './glue-error.ts';
import type { GivenTable, Step, UpdateKind } from './requests.ts';

/** The property by which a client asks for a format version. It is no property of the table then. */
const FORMAT_VERSION = 'format-version';

/**
 * Ids of fields are given anew, from 1 in their order, as Iceberg's own catalogs do: a client must use those of the answer.
 *
 * @param defaultLocation for a table without a location of its own
 */
export function newTable(given: GivenTable, defaultLocation: string | undefined, now: number): TableMetadata {
  const location = given.location ?? defaultLocation;
  if (location === undefined) throw badRequest(`a new table: expected a location, as its database has none`);
  const { [FORMAT_VERSION]: version = '2', ...properties } = given.properties ?? {};
  if (version !== '2') throw badRequest(`${FORMAT_VERSION} ${version} has no local behaviour, expected 2`);

  const ids = new Map(given.schema.fields.map(({ id }, index) => [id, index + 1]));
  const fresh = (id: number): number => {
    const freshId = ids.get(id);
    if (freshId === undefined) throw badRequest(`a new table: there is no field ${id}`);
    return freshId;
  };
  const identifiers = given.schema['identifier-field-ids'];
  const schema = {
    ...given.schema,
    fields: given.schema.fields.map((field, index) => ({ ...field, id: index + 1 })),
    ...(identifiers && { 'identifier-field-ids': identifiers.map(fresh) }),
  };
  const spec = {
    fields: (given['partition-spec']?.fields ?? []).map(({ 'field-id': _, ...field }) => ({
      ...field,
      'source-id': fresh(field['source-id']),
    })),
  };
  const order = {
    fields: (given['write-order']?.fields ?? []).map((field) => ({ ...field, 'source-id': fresh(field['source-id']) })),
  };
  const updates: Step<UpdateKind>[] = [
    { kind: 'assign-uuid', fields: { uuid: randomUUID() } },
    { kind: 'set-location', fields: { location } },
    { kind: 'add-schema', fields: { schema } },
    { kind: 'set-current-schema', fields: { 'schema-id': -1 } },
    { kind: 'add-spec', fields: { spec } },
    { kind: 'set-default-spec', fields: { 'spec-id': -1 } },
    { kind: 'add-sort-order', fields: { 'sort-order': order } },
    { kind: 'set-default-sort-order', fields: { 'sort-order-id': -1 } },
    { kind: 'set-properties', fields: { updates: properties } },
  ];
  return applyChange(undefined, { requirements: [{ kind: 'assert-create', fields: {} }], updates }, now);
}
