/**
 * Schemas of Avro files as Iceberg writes them: what a field means is said by its id (`field-id`), never by its name.
 * https://iceberg.apache.org/spec/#avro
 */
export type AvroSchema = string | AvroObject | readonly AvroSchema[];

export interface AvroObject {
  readonly type: AvroSchema;
  readonly name?: string;
  readonly fields?: readonly AvroField[];
  readonly items?: AvroSchema;
  readonly [attribute: string]: unknown;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly 'field-id'?: number;
  readonly default?: unknown;
}

/** A field that each record has. */
export function required(name: string, id: number, type: AvroSchema): AvroField {
  return { name, type, 'field-id': id };
}

/** A field that is null where it is not known. */
export function optional(name: string, id: number, type: AvroSchema): AvroField {
  return { name, type: ['null', type], default: null, 'field-id': id };
}

export function record(name: string, fields: readonly AvroField[]): AvroObject {
  return { type: 'record', name, fields };
}

/**
 * A schema with other names: fields of the ids have these; values are then read by the names this project uses, whoever
 * wrote the file. Names do not change how values are encoded.
 */
export function renamed(schema: AvroSchema, names: ReadonlyMap<number, string>): AvroSchema {
  const ours = new Set(names.values());
  const rename = (part: AvroSchema): AvroSchema => {
    if (typeof part === 'string') return part;
    if (isUnion(part)) return part.map(rename);
    return {
      ...part,
      type: typeof part.type === 'string' ? part.type : rename(part.type),
      ...(part.items !== undefined && { items: rename(part.items) }),
      ...(part.fields && { fields: part.fields.map((field) => renameField(field)) }),
    };
  };
  const renameField = (field: AvroField): AvroField => {
    const id = field['field-id'];
    const known = id === undefined ? undefined : names.get(id);
    // A name of ours that means something else here.
    const name = known ?? (ours.has(field.name) ? `${field.name}_${id ?? 'other'}` : field.name);
    return { ...field, name, type: rename(field.type) };
  };
  return rename(schema);
}

/** The names of all fields, those of nested records too, by their ids. */
export function namesById(schema: AvroSchema): Map<number, string> {
  const names = new Map<number, string>();
  const collect = (part: AvroSchema): void => {
    if (typeof part === 'string') return;
    if (isUnion(part)) {
      part.forEach(collect);
      return;
    }
    if (typeof part.type !== 'string') collect(part.type);
    if (part.items !== undefined) collect(part.items);
    for (const field of part.fields ?? []) {
      if (field['field-id'] !== undefined) names.set(field['field-id'], field.name);
      collect(field.type);
    }
  };
  collect(schema);
  return names;
}

/**
 * A schema with the fields of another one that it does not have, as optional ones, in nested records too: so what
 * another writer has written is written again, though nobody here knows what it means.
 *
 * @param dropped ids of fields that are not to be written any more
 * @returns the same object if there are no such fields
 */
export function withUnknownFields<T extends AvroSchema>(ours: T, theirs: AvroSchema, dropped: readonly number[]): T {
  return extended(ours, theirs, dropped) as T;
}

function extended(ours: AvroSchema, theirs: AvroSchema, dropped: readonly number[]): AvroSchema {
  if (typeof ours === 'string') return ours;
  if (isUnion(ours)) {
    const [, part = 'null'] = ours;
    const more = extended(part, valueType(theirs), dropped);
    return more === part ? ours : ['null', more];
  }
  const other = valueType(theirs);
  if (typeof other === 'string' || isUnion(other)) return ours;
  if (ours.items !== undefined && other.items !== undefined) {
    const items = extended(ours.items, other.items, dropped);
    return items === ours.items ? ours : { ...ours, items };
  }
  if (!ours.fields || !other.fields) return ours;
  const theirFields = new Map(other.fields.map((field) => [field['field-id'], field]));
  const fields = ours.fields.map((field) => {
    const same = theirFields.get(field['field-id']);
    const type = same ? extended(field.type, same.type, dropped) : field.type;
    return type === field.type ? field : { ...field, type };
  });
  const known = new Set([...ours.fields.map((field) => field['field-id']), ...dropped]);
  const unknown = other.fields.filter((field) => !known.has(field['field-id']));
  if (unknown.length === 0 && fields.every((field, index) => field === ours.fields?.[index])) return ours;
  return { ...ours, fields: [...fields, ...unknown.map(asOptional)] };
}

function asOptional(field: AvroField): AvroField {
  return { ...field, type: ['null', valueType(field.type)], default: null };
}

/** The type of a field's value where there is one. */
function valueType(type: AvroSchema): AvroSchema {
  return isUnion(type) ? (type.find((branch) => branch !== 'null') ?? 'null') : type;
}

function isUnion(schema: AvroSchema): schema is readonly AvroSchema[] {
  return Array.isArray(schema);
}
