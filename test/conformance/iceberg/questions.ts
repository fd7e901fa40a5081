/** What engines are asked of Iceberg tables, and what they answer. */
import { DATABASE } from '../../helpers/local-catalog.ts';
import type { Answer } from '../differences.ts';

/** A condition on a column: of texts, numbers and times, which are texts too. */
export type Condition = readonly [
  column: string,
  operator: '=' | '<' | '<=' | '>' | '>=' | 'is null' | 'is not null',
  value?: string | number,
];

/** All columns of the rows of a table that meet a condition. */
export interface Question {
  readonly table: string;
  readonly where?: Condition;
}

/** Rows, and the paths of the files that the engine read for them; without them if it does not say which. */
export type EngineAnswer = Answer & { readonly files?: readonly string[] };

/** Of an engine that only says which files it would read. */
export interface PlannedFiles {
  readonly files: readonly string[];
}

/** Of an engine that has none. */
export interface Failure {
  readonly error: string;
}

export type PartialAnswer = EngineAnswer | PlannedFiles | Failure;

export interface Engine {
  readonly name: string;
  /** Answers in the order of the questions. */
  ask(questions: readonly Question[]): Promise<readonly PartialAnswer[]>;
  close?(): Promise<void>;
}

/** A question, and what is known beforehand of its answer. */
export interface Expected extends Question {
  /** How many files an engine reads at most that heeds the bounds of columns. @default - that does not matter */
  readonly files?: number;
  /** An engine that has no answer, or another one, by a defect of its own, which the documentation names, and its error. */
  readonly fails?: { readonly engine: string; readonly error: string };
}

/** A moment in the life of tables. */
export interface Stage {
  readonly name: string;
  readonly questions: readonly Expected[];
}

/** A question in SQL, of Trino and of DuckDB. */
export function sqlOf(question: Question): string {
  return `SELECT * FROM "${DATABASE}"."${question.table}" WHERE ${conditionOf(question)}`;
}

/** Its condition in SQL. */
export function conditionOf({ where }: Question): string {
  if (!where) return 'true';
  const [column, operator, value] = where;
  return value === undefined ? `"${column}" ${operator}` : `"${column}" ${operator} ${literal(column, value)}`;
}

function literal(column: string, value: string | number): string {
  if (column === 'seconds') return `CAST('${value}' AS DOUBLE)`;
  if (typeof value === 'number') return String(value);
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return column === 'time' ? `TIMESTAMP ${quoted}` : quoted;
}
