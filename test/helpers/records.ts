import { eachRecord, RecordReader, type Records } from '../../lambdas/core/duplicates/records.ts';
import type { CompiledFormat } from '../../lambdas/core/reading/format.ts';

/** A record as the duplicate check sees it. */
export interface CheckedRecord {
  readonly fingerprint: string;
  readonly minute: number | undefined;
  readonly position: number;
  readonly line: string;
}

/** The records of an object's bytes, in whatever chunks they come. */
export function recordsOf(
  format: CompiledFormat,
  chunks: readonly Uint8Array[],
  recordKey?: readonly string[],
  exported = false,
): CheckedRecord[] {
  const records: CheckedRecord[] = [];
  const take = (batch: Records) => {
    for (const { fingerprint, minute, position, line } of eachRecord(batch)) {
      records.push({ fingerprint, minute, position, line });
    }
  };
  const reader = new RecordReader(format, recordKey && [recordKey], take, exported);
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return records;
}
