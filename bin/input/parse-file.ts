/** Shows how a format reads the lines of a file, for users who write a configuration. */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { decompress } from '../../lambdas/core/lines/decompress.ts';
import { UnreadableError } from '../../lambdas/core/lines/unreadable.ts';
import { type CompiledFormat, READER_FAILED } from '../../lambdas/core/reading/format.ts';
import { InputReader } from '../../lambdas/core/reading/input-reader.ts';
import { readObject } from '../../lambdas/core/reading/json-text.ts';
import { Row } from '../../lambdas/core/reading/row.ts';
import { shownTime } from '../../lambdas/core/reading/times.ts';
import { type Column, numbered, OWN } from '../../lambdas/core/tables/table.ts';
import type { Progress } from '../output/progress.ts';

/** Outcome of one line. `envelope` names the envelope that was taken off it, if there was one. */
export type ParsedLine = { readonly line: number; readonly envelope?: string } & (
  | { readonly outcome: 'row'; readonly columns: Readonly<Record<string, unknown>> }
  | { readonly outcome: 'filtered'; readonly filter: string; readonly raw: string }
  | { readonly outcome: 'rejected'; readonly reason: string; readonly detail: string; readonly raw: string }
);

/** Outcome of a file's lines. lines = rows + filtered + rejected. */
export interface Parsed {
  readonly lines: number;
  readonly rows: number;
  readonly filtered: number;
  readonly rejected: number;
  /** Values that could not be converted to their column's type. */
  readonly fieldErrors: number;
  /** Fields without a column, which are in `extra`. */
  readonly unknownFields: number;
  /** Filtered and rejected lines, by filter or reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Outcomes of the first lines. */
  readonly parsed: readonly ParsedLine[];
  /** The first line at which the format's reader threw an error, which is a bug in the reader. */
  readonly failed?: FailedLine;
}

export interface FailedLine {
  readonly line: number;
  readonly detail: string;
  readonly raw: string;
}

/**
 * Reads a file, plain or compressed, as a source with this format would.
 *
 * @param shown how many lines, from the first, to return with their outcomes
 * @param progress counts the lines
 */
export async function parseFile(
  path: string,
  { columns, reader, keyFacts, envelopeOf }: CompiledFormat,
  shown: number,
  progress?: Pick<Progress, 'add'>,
): Promise<Parsed> {
  const row = new Row(columns, keyFacts?.(basename(path)));
  const shownColumns = [...numbered(columns), OWN.extra, OWN.errors];
  const counts = { lines: 0, rows: 0, filtered: 0, rejected: 0, fieldErrors: 0, unknownFields: 0 };
  const reasons = new Map<string, number>();
  const parsed: ParsedLine[] = [];
  let failed: FailedLine | undefined;

  const keep = (line: ParsedLine) => {
    counts.lines = line.line;
    progress?.add();
    counts[line.outcome === 'row' ? 'rows' : line.outcome]++;
    if (line.outcome !== 'row') {
      const reason = line.outcome === 'filtered' ? line.filter : line.reason;
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    if (parsed.length < shown) parsed.push(line);
  };
  const input = new InputReader(
    { format: { columns, reader }, row },
    {
      add(raw, outcome) {
        const isShown = parsed.length < shown;
        const envelope = isShown ? envelopeOf?.(raw) : undefined;
        const line = { line: counts.lines + 1, ...(envelope !== undefined && { envelope }) };
        switch (outcome.kind) {
          case 'filtered':
            return keep({ ...line, outcome: 'filtered', filter: outcome.filter, raw });
          case 'rejected':
            if (outcome.reason === READER_FAILED) failed ??= { line: line.line, detail: outcome.detail, raw };
            return keep({ ...line, outcome: 'rejected', reason: outcome.reason, detail: outcome.detail, raw });
          case 'row':
            counts.fieldErrors += row.fieldErrors;
            counts.unknownFields += row.unknownFields;
            return keep({ ...line, outcome: 'row', columns: isShown ? columnsOf(row, shownColumns) : {} });
        }
      },
    },
  );
  try {
    for await (const chunk of decompress(createReadStream(path), async () => createReadStream(path))) input.push(chunk);
    input.end();
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    input.breakOff(error.reason, error.message, error.raw);
  }
  return { ...counts, reasons: Object.fromEntries(reasons), parsed, ...(failed && { failed }) };
}

/** The row's values by column name; nulls are left out. */
function columnsOf(row: Row, columns: readonly Column[]): Record<string, unknown> {
  const { members = [] } = readObject(row.json('', 0, '', 'never'));
  const values = new Map(members.map(({ key, json }) => [key, json]));
  return Object.fromEntries(
    columns.flatMap(({ name, key, type }) => {
      const json = values.get(key);
      if (json === undefined) return [];
      // A bigint that a JSON number cannot represent exactly stays text.
      if (type === 'bigint' && !Number.isSafeInteger(Number(json))) return [[name, json]];
      const value: unknown = JSON.parse(json);
      return [[name, type === 'timestamp' ? shownTime(value) : plain(name, value)]];
    }),
  );
}

/** `extra` and `errors` contain JSON as text: they are shown as the values in it. */
function plain(name: string, json: unknown): unknown {
  const isText = name === OWN.extra.name || name === OWN.errors.name;
  return isText && typeof json === 'string' ? JSON.parse(json) : json;
}
