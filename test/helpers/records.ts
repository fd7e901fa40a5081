import { eachRecord, RecordReader } from '../../lambdas/core/duplicates/records.ts';
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
): CheckedRecord[] {
  const records: CheckedRecord[] = [];
  const reader = new RecordReader(format, recordKey && [recordKey], (batch) => {
    for (const { fingerprint, minute, position, line } of eachRecord(batch)) {
      records.push({ fingerprint, minute, position, line });
    }
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return records;
}
