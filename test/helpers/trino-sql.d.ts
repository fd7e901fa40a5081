/** The part of dt-sql-parser that tests use: Trino's grammar. Its main module would load those of all other databases too. */
declare module 'dt-sql-parser/dist/parser/trino/index.js' {
  export class TrinoSQL {
    /** The errors of a text of SQL statements; empty if there are none. */
    validate(sql: string): readonly { readonly message: string; readonly startLine: number }[];
  }
}
