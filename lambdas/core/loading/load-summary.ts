/** The columns of a row of `loads` that say what came of an input. */
import type { LoadsRow } from './lake-rows.ts';
import type { Counts, LineBatcher } from './line-batcher.ts';

export function summary(
  source: string,
  { counts, filterExamples }: LineBatcher,
  startedAt: Date,
  finishedAt: Date,
): LoadsRow {
  const iso = (millis: number | undefined) => (millis === undefined ? undefined : new Date(millis).toISOString());
  return {
    source,
    bytes: counts.bytes,
    lines: counts.lines,
    rows: counts.rows,
    filtered: counts.filtered,
    filtered_by: filteredText(counts.filteredBy, filterExamples),
    rejected: counts.rejected,
    field_errors: counts.fieldErrors,
    unknown_fields: counts.unknownFields,
    empty_rows: counts.emptyRows,
    unverified_rows: counts.unverifiedRows,
    first_event_time: iso(counts.firstEventTime),
    last_event_time: iso(counts.lastEventTime),
    started_at: startedAt.toISOString(),
    finished_at: finishedAt.toISOString(),
  };
}

/** The column `filtered_by`: `{"no_http":{"lines":12,"example":"…"}}`. An earlier attempt may have had the examples. */
function filteredText(filteredBy: Counts['filteredBy'], examples: ReadonlyMap<string, string>): string | undefined {
  const filters = Object.entries(filteredBy).map(([filter, lines]) => [
    filter,
    { lines, example: examples.get(filter) },
  ]);
  return filters.length === 0 ? undefined : JSON.stringify(Object.fromEntries(filters));
}
