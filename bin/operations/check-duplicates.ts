/** The duplicate check done by hand: on files and objects given, without a table. */
import { countPages, type StoredPage } from '../../lambdas/core/duplicates/counting.ts';
import { readObject } from '../../lambdas/core/duplicates/input-to-check.ts';
import { type Page, Pager } from '../../lambdas/core/duplicates/pages.ts';
import { eachRecord } from '../../lambdas/core/duplicates/records.ts';
import type { FoundSource } from '../../lambdas/core/loading/sources.ts';
import type { RecordSettings } from '../../lambdas/core/settings.ts';

/** A file or object to check. */
export interface CheckedFile {
  readonly name: string;
  /** May be called again. */
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
}

/** What the files hold. Of n records that are one another's duplicates, n - 1 count. */
export interface Checked {
  readonly files: readonly { readonly file: string; readonly records: number }[];
  readonly checked: number;
  readonly duplicates: number;
  /** Repeats of a record in its own file. */
  readonly withinObject: number;
  readonly acrossObjects: number;
  /** duplicates / checked; 0 where nothing was checked. */
  readonly rate: number;
  /** Some of the duplicates, each with all its places. */
  readonly sample: readonly CheckedDuplicate[];
}

export interface CheckedDuplicate {
  readonly fingerprint: string;
  readonly places: readonly { readonly file: string; readonly line: number }[];
  /** The line as it stands at the first place. */
  readonly text: string;
}

/** Duplicates shown. */
const MAX_SHOWN = 10;

/**
 * Counts as the lake does: records are compared with those of the same minute. Memory holds the pages: 5
 * bytes of each record, and 4 KB of each file and minute at least.
 */
export async function checkDuplicates(
  source: FoundSource<RecordSettings>,
  files: readonly CheckedFile[],
): Promise<Checked> {
  const arrivedAt = Date.now();
  const minutes = new Map<number, StoredPage[]>();
  const records: Checked['files'][number][] = [];
  for (const { name, open } of files) {
    let count = 0;
    const take = ({ minute, count: own, fingerprints }: Page) => {
      count += own;
      const pages = minutes.get(minute) ?? [];
      pages.push({ origin: name, sampleRate: 1, fingerprints });
      minutes.set(minute, pages);
    };
    const pager = new Pager({ sampleRate: 1, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, take });
    await readObject(source, open, (batch) => pager.add(batch, arrivedAt));
    pager.end(arrivedAt);
    records.push({ file: name, records: count });
  }
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

/** Reads the files once more, for the lines that the fingerprints stand for. */
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
