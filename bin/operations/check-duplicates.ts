/** The duplicate check of given files and objects, in memory and without a table. */
import { countPages, type StoredPage } from '../../lambdas/core/duplicates/counting.ts';
import { readObject } from '../../lambdas/core/duplicates/input-to-check.ts';
import { type Page, Pager } from '../../lambdas/core/duplicates/pages.ts';
import { eachRecord } from '../../lambdas/core/duplicates/records.ts';
import type { FoundSource } from '../../lambdas/core/loading/sources.ts';
import type { RecordSettings } from '../../lambdas/core/settings.ts';
import { showProgress } from '../output/progress.ts';

/** A file or object to check. */
export interface CheckedFile {
  readonly name: string;
  /** Can be called several times: the file may be read twice. */
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
}

/** Result of the check. Of n equal records, n - 1 count as duplicates. */
export interface Checked {
  readonly files: readonly { readonly file: string; readonly records: number }[];
  readonly checked: number;
  readonly duplicates: number;
  /** Repeats of a record in its own file. */
  readonly withinObject: number;
  readonly acrossObjects: number;
  /** duplicates / checked; 0 if nothing was checked. */
  readonly rate: number;
  /** Some of the duplicates, each with all its occurrences. */
  readonly sample: readonly CheckedDuplicate[];
}

export interface CheckedDuplicate {
  readonly fingerprint: string;
  readonly places: readonly { readonly file: string; readonly line: number }[];
  /** The line at its first occurrence. */
  readonly text: string;
}

/** Limit of duplicates in the sample. */
const MAX_SHOWN = 10;

/**
 * Counts duplicates as the lake does: records are compared with the records of the same minute. Memory holds
 * 5 bytes per record, and at least 4 KB for each file and minute.
 */
export async function checkDuplicates(
  source: FoundSource<RecordSettings>,
  files: readonly CheckedFile[],
): Promise<Checked> {
  const arrivedAt = Date.now();
  const minutes = new Map<number, StoredPage[]>();
  const records: Checked['files'][number][] = [];
  const progress = showProgress('records');
  for (const { name, open } of files) {
    let count = 0;
    const take = ({ minute, count: own, fingerprints }: Page) => {
      count += own;
      const pages = minutes.get(minute) ?? [];
      pages.push({ origin: name, sampleRate: 1, fingerprints });
      minutes.set(minute, pages);
    };
    const pager = new Pager({ sampleRate: 1, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, take });
    await readObject(source, open, (batch) => {
      pager.add(batch, arrivedAt);
      progress.add(batch.count);
    });
    pager.end(arrivedAt);
    records.push({ file: name, records: count });
  }
  progress.end();
  const counts = [...minutes.values()].map(countPages);
  const sum = (name: 'checked' | 'withinObject' | 'acrossObjects') =>
    counts.reduce((total, each) => total + each[name], 0);
  const checked = sum('checked');
  const duplicates = sum('withinObject') + sum('acrossObjects');
  const sampled = counts.flatMap(({ sample }) => sample.map(({ fingerprint }) => fingerprint));
  return {
    files: records,
    checked,
    duplicates,
    withinObject: sum('withinObject'),
    acrossObjects: sum('acrossObjects'),
    rate: checked > 0 ? duplicates / checked : 0,
    sample: await placesOf([...new Set(sampled)].slice(0, MAX_SHOWN), source, files),
  };
}

/** Finds the lines of the given fingerprints by reading the files again. */
export async function placesOf(
  fingerprints: readonly string[],
  source: FoundSource<RecordSettings>,
  files: readonly CheckedFile[],
): Promise<CheckedDuplicate[]> {
  const found = new Map(
    fingerprints.map((fingerprint) => [fingerprint, { places: [] as { file: string; line: number }[], text: '' }]),
  );
  if (found.size === 0) return [];
  for (const { name, open } of files) {
    await readObject(source, open, (batch) => {
      for (const record of eachRecord(batch)) {
        const duplicate = found.get(record.fingerprint);
        if (!duplicate) continue;
        if (duplicate.places.length === 0) duplicate.text = record.line;
        duplicate.places.push({ file: name, line: record.position });
      }
    });
  }
  return [...found].map(([fingerprint, duplicate]) => ({ fingerprint, ...duplicate }));
}
