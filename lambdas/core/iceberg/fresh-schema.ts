/** The columns of a table that is made anew of the files of others: files are not read again, so ids keep their meaning. */
import { PARTITION } from '../tables/table.ts';
import type { IcebergField, IcebergSchema, TableMetadata } from './metadata.ts';
import { columnTypeOf, currentSchema, isReadAs, type WantedField } from './schema.ts';
import { UnsupportedTableError } from './unsupported.ts';

/** A column that keeps the values of files, under another name: its own name is that of a column of another type now. */
export interface SetAside {
  readonly column: string;
  /** As a column of the lake is declared: `bigint`. */
  readonly type: string;
  readonly to: string;
}

export interface FreshSchema {
  readonly schema: IcebergSchema;
  /** The greatest id that a field of any of the tables has ever had, or has now. */
  readonly lastColumnId: number;
  readonly setAside: readonly SetAside[];
}

/**
 * The schema of a table with the files of some tables. A field keeps its id, as files name their columns by ids. A column
 * that is wanted with a type which the files do not have is a new one, and the former stays under another name: no value
 * is read as something that it is not.
 *
 * @param tables the first has the say
 * @param wanted undefined: the columns stay as they are
 * @throws UnsupportedTableError if an id stands for different columns in two of the tables, or no column is the day
 */
export function freshSchema(tables: readonly TableMetadata[], wanted?: readonly WantedField[]): FreshSchema {
  const fields = fieldsOf(tables);
  const lastId = Math.max(...tables.map((table) => table['last-column-id']), ...fields.map(({ id }) => id));
  const ids = new Ids(lastId);
  const day = fields.find(({ name }) => name === PARTITION.name);
  if (day?.type !== 'string') {
    throw new UnsupportedTableError(
      `table at ${tables[0]?.location}: expected a column ${PARTITION.name} of type string, got ${text(day?.type)}`,
    );
  }
  const taken = new Set([...fields, ...(wanted ?? [])].map(({ name }) => name.toLowerCase()));
  const setAside: SetAside[] = [];
  const asWanted = (wanted ?? []).map((field): IcebergField => {
    const there = fields.find(({ name }) => name === field.name);
    if (!there) return { id: ids.next(), required: false, ...field };
    if (isReadAs(there.type, field.type)) return { ...there, required: false, type: field.type };
    const type = columnTypeOf(there.type);
    setAside.push({ column: field.name, type, to: freeName(`${field.name}_${type}`, taken) });
    return { id: ids.next(), required: false, ...field };
  });
  const used = new Set(asWanted.map(({ id }) => id));
  const kept = fields
    .filter(({ id, name }) => !used.has(id) && name !== PARTITION.name)
    .map((field): IcebergField => {
      const aside = setAside.find(({ column }) => column === field.name);
      return { ...field, required: false, ...(aside && { name: aside.to }) };
    });
  const others = asWanted.filter(({ name }) => name !== PARTITION.name);
  const last = { ...day, required: false };
  const schemaId = Math.max(...tables.flatMap(({ schemas }) => schemas.map((each) => each['schema-id']))) + 1;
  return {
    schema: { type: 'struct', 'schema-id': schemaId, fields: [...others, ...kept, last] },
    lastColumnId: ids.last,
    setAside,
  };
}

class Ids {
  last: number;
  constructor(last: number) {
    this.last = last;
  }
  next(): number {
    return ++this.last;
  }
}

/** The fields of all tables. @throws UnsupportedTableError if an id, or a name, stands for different ones */
function fieldsOf([first, ...others]: readonly TableMetadata[]): IcebergField[] {
  if (!first) throw new Error('expected at least one table, got none');
  const fields = [...currentSchema(first).fields];
  for (const other of others) {
    for (const field of currentSchema(other).fields) {
      const same = fields.findIndex(({ id }) => id === field.id);
      const existing = fields[same];
      if (!existing) {
        const clash = everyField(first).find(({ id, name }) => id === field.id || name === field.name);
        if (clash) throw differentIds(first, clash, other, field);
        fields.push(field);
        continue;
      }
      if (!isSameColumn(first, other, field.id)) throw differentIds(first, existing, other, field);
      if (isReadAs(existing.type, field.type)) fields[same] = { ...existing, type: field.type };
      else if (!isReadAs(field.type, existing.type)) throw differentIds(first, existing, other, field);
    }
  }
  return fields;
}

/** A column may have got another name: then it once had the same one in both. */
function isSameColumn(a: TableMetadata, b: TableMetadata, id: number): boolean {
  const namesIn = (table: TableMetadata) => everyField(table).flatMap((field) => (field.id === id ? [field.name] : []));
  const names = new Set(namesIn(a));
  return namesIn(b).some((name) => names.has(name));
}

function everyField({ schemas }: TableMetadata): readonly IcebergField[] {
  return schemas.flatMap(({ fields }) => fields);
}

function differentIds(a: TableMetadata, one: IcebergField, b: TableMetadata, other: IcebergField): Error {
  const told = ({ id, name, type }: IcebergField) => `field ${id} ${name} of type ${text(type)}`;
  return new UnsupportedTableError(
    `tables ${a['table-uuid']} and ${b['table-uuid']}: expected the same ids of fields, got ${told(one)} and ` +
      `${told(other)}: the files of the two cannot be in one table`,
  );
}

/** A name that no column has; case does not tell columns apart. */
function freeName(wanted: string, taken: Set<string>): string {
  const base = wanted.toLowerCase().replace(/[^a-z0-9_]+/g, '_');
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}_${number}`;
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
}

function text(type: unknown): string {
  return typeof type === 'string' ? type : (JSON.stringify(type) ?? 'none');
}
