/** Columns that the logs of many applications have, by the name of the preset. */
import { type ColumnSpec, double, int, text, timestamp } from '../tables/table.ts';
import type { JsonColumns } from './json-columns.ts';

/** A column whose value is at a key or path, by default the one that its name is. */
type PresetColumn = ColumnSpec & { readonly from?: string };

export const PRESETS: Readonly<Record<string, JsonColumns>> = {
  'server-logs': preset({
    timestamp: timestamp('When the application logged it, UTC.'),
    level: text('Severity, e.g. INFO or ERROR.'),
    request_id: text('Id of the request being served; null outside of one.'),
    method: text('HTTP method of the request.'),
    path: text('Path of the request.'),
    status_code: int('Status code of the response.'),
    response_time: double('Time taken to respond, in the unit the application logs.'),
    error_traceback: text('Stack trace of an error; null when there was none.'),
  }),
};

function preset(columns: Readonly<Record<string, PresetColumn>>): JsonColumns {
  return new Map(Object.entries(columns).map(([name, column]) => [name, { from: name, ...column }]));
}
