import { DAY } from './manifest-fields.ts';
import type { PartitionSpec, TableMetadata } from './metadata.ts';
import { UnsupportedTableError } from './unsupported.ts';

/** How a table's files are partitioned by day. */
export interface DayPartition {
  readonly specId: number;
  /** Of the one field of this partition spec. */
  readonly fieldId: number;
  readonly spec: PartitionSpec;
}

/**
 * How new files of a table are partitioned.
 *
 * @throws UnsupportedTableError if a table's partition spec is not one field, the text of `dt` as it is
 */
export function dayPartition(metadata: TableMetadata): DayPartition {
  const specId = metadata['default-spec-id'];
  const found = dayPartitions(metadata).find((partition) => partition.specId === specId);
  if (found) return found;
  const spec = metadata['partition-specs'].find((one) => one['spec-id'] === specId);
  throw new UnsupportedTableError(
    `table at ${metadata.location}: expected its partition spec to be the column ${DAY}, a string, as it is, ` +
      `got ${JSON.stringify(spec?.fields ?? null)}`,
  );
}

/** All partition specs of a table that are the day's and nothing else. */
export function dayPartitions(metadata: TableMetadata): DayPartition[] {
  const schema = metadata.schemas.find((one) => one['schema-id'] === metadata['current-schema-id']);
  const day = schema?.fields.find(({ name, type }) => name === DAY && type === 'string');
  return metadata['partition-specs'].flatMap((spec) => {
    const [field, ...others] = spec.fields;
    const isDay = field?.transform === 'identity' && field['source-id'] === day?.id && others.length === 0;
    return field && isDay ? [{ specId: spec['spec-id'], fieldId: field['field-id'], spec }] : [];
  });
}
