/** Reports what the duplicate check has found. */
import { auditQuery } from '../../lambdas/core/duplicates/audit.ts';
import type { SampledDuplicate } from '../../lambdas/core/duplicates/counting.ts';
import { MINUTE_MS, minuteOf } from '../../lambdas/core/duplicates/minutes.ts';
import type { CountedMinute, InputStats, ReportStore } from '../../lambdas/core/duplicates/store.ts';
import { compiledSources } from '../../lambdas/core/loading/sources.ts';
import { isExported } from '../../lambdas/core/settings.ts';
import { sourceTable } from '../../lambdas/core/tables/table.ts';
import { dynamoDuplicates } from '../../lambdas/edges/duplicates.ts';
import { CommandError, UsageError } from '../output/command-error.ts';
import { type LakeHandle, MAX_TABLES_AT_ONCE, placesOf } from './lake-handle.ts';

/** Duplicates of one source. All counts refer to the checked records, which are a share `sampleRate` of all records. */
export interface SourceReport {
  readonly source: string;
  readonly checked: number;
  /** withinObject + acrossObjects */
  readonly duplicates: number;
  readonly withinObject: number;
  readonly acrossObjects: number;
  /** Deliveries of objects that had already been checked. */
  readonly redelivered: number;
  /** Records whose event time is outside the window; they are not checked. */
  readonly outsideWindow: number;
  /** duplicates / checked; 0 if nothing was checked. */
  readonly rate: number;
  /** Sample rate of the last counted minute, in (0, 1]. */
  readonly sampleRate: number;
  /** Minutes of event time, in order. */
  readonly minutes: readonly MinuteReport[];
}

export interface MinuteReport {
  /** ISO 8601, UTC. */
  readonly minute: string;
  readonly checked: number;
  readonly duplicates: number;
}

/** A duplicate as an example. */
export interface SampleReport {
  readonly source: string;
  /** Minute of its event time, ISO 8601, UTC. */
  readonly minute: string;
  readonly fingerprint: string;
  readonly kind: 'within' | 'across';
  /** The inputs that contain it; rows of the source's table have the same origins. */
  readonly places: readonly Place[];
}

export interface Place {
  readonly origin: string;
  /** `s3://bucket/key`, or the log group and stream. */
  readonly what: string;
}

/** Duplicates in a source's table, counted by SQL. */
export interface AuditReport {
  readonly source: string;
  readonly checked: number;
  readonly withinObject: number;
  readonly acrossObjects: number;
}

export interface DuplicatesReport {
  readonly sources: readonly SourceReport[];
  readonly sample: readonly SampleReport[];
}

/**
 * The report as JSON, without the values that only the chart needs. `late` is the former name of `outsideWindow`, kept
 * for programs that read it.
 */
export function reportJson({ sources, sample }: DuplicatesReport) {
  return {
    sources: sources.map(({ sampleRate, minutes, ...counts }) => ({ ...counts, late: counts.outsideWindow })),
    sample,
  };
}

/** Limit of duplicates shown per source; the latest are shown. */
const MAX_SHOWN = 10;

/**
 * Reads the results of the duplicate check.
 *
 * @param since report only minutes of event time, and deliveries, at or after this time
 * @throws CommandError if the lake does not check duplicates; UsageError if it has no such source
 */
export async function duplicatesReport(
  { duplicates, dynamodb }: Pick<LakeHandle, 'duplicates' | 'dynamodb'>,
  { source, since = new Date(0) }: { readonly source?: string; readonly since?: Date },
): Promise<DuplicatesReport> {
  if (!duplicates) throw new CommandError('this lake does not check for duplicates: set duplicates.enabled=true');
  const names = duplicates.sources.map(({ name }) => name).filter((name) => source === undefined || name === source);
  if (names.length === 0) {
    const known = duplicates.sources.map(({ name }) => name).join(', ');
    throw new UsageError(`no source ${source}: expected one of ${known}`);
  }
  const store = dynamoDuplicates(dynamodb, { table: duplicates.table });
  const sources: SourceReport[] = [];
  const sample: SampleReport[] = [];
  for (const name of names) {
    const minutes = await store.minutes(name, minuteOf(since.getTime()));
    const inputStats = (await store.inputStats(name)).filter(({ recordedAt }) => recordedAt >= since.getTime());
    sources.push(sourceReport(name, minutes, inputStats));
    sample.push(...(await sampleReport(minutes, store)));
  }
  return { sources, sample };
}

/**
 * Counts duplicates exactly, by SQL over the tables. The duplicate check must find the same counts if it has checked
 * all records of those days.
 *
 * @param since count only rows that arrived on this day or later
 * @throws CommandError if the rows of a source are in more tables than one query can read: equal records may be in any two
 */
export async function auditDuplicates(
  lake: LakeHandle,
  { sources }: DuplicatesReport,
  since = new Date(0),
): Promise<AuditReport[]> {
  const audits: AuditReport[] = [];
  for (const { settings, format } of compiledSources(lake.duplicates?.sources ?? [])) {
    if (!sources.some(({ source }) => source === settings.name)) continue;
    const tables = await placesOf(lake, settings.name);
    if (tables.length > MAX_TABLES_AT_ONCE) {
      throw new CommandError(
        `source ${settings.name}: its rows are in ${tables.length} tables, and SQL compares at most ${MAX_TABLES_AT_ONCE} ` +
          'together; without --audit, the duplicate check says how many of the checked records came twice',
      );
    }
    const { columns } = sourceTable(settings.name, '', format.columns, settings.lane, isExported(settings));
    const sql = auditQuery(
      {
        source: settings.name,
        lakeDatabase: lake.database,
        tables,
        isShared: tables.length > 2,
        columns: columns.map(({ name }) => name),
        recordKeys: settings.recordKey ? [settings.recordKey] : (format.recordKeys ?? []),
      },
      `'${since.toISOString().slice(0, 10)}'`,
    );
    for await (const row of lake.query(sql)) {
      audits.push({
        source: settings.name,
        checked: Number(row.checked),
        withinObject: Number(row.within_object),
        acrossObjects: Number(row.across_objects),
      });
    }
  }
  return audits;
}

function sourceReport(
  source: string,
  minutes: readonly CountedMinute[],
  inputStats: readonly InputStats[],
): SourceReport {
  const sum = <T>(list: readonly T[], value: (item: T) => number) =>
    list.reduce((total, item) => total + value(item), 0);
  const checked = sum(minutes, (minute) => minute.checked);
  const withinObject = sum(minutes, (minute) => minute.withinObject);
  const acrossObjects = sum(minutes, (minute) => minute.acrossObjects);
  const duplicates = withinObject + acrossObjects;
  return {
    source,
    checked,
    duplicates,
    withinObject,
    acrossObjects,
    redelivered: sum(inputStats, (stats) => stats.redelivered),
    outsideWindow: sum(inputStats, (stats) => stats.outsideWindow),
    rate: checked > 0 ? duplicates / checked : 0,
    sampleRate: minutes.at(-1)?.sampleRate ?? 1,
    minutes: minutes.map((minute) => ({
      minute: isoMinute(minute),
      checked: minute.checked,
      duplicates: minute.withinObject + minute.acrossObjects,
    })),
  };
}

async function sampleReport(minutes: readonly CountedMinute[], store: ReportStore): Promise<SampleReport[]> {
  const shown = minutes
    .toReversed()
    .flatMap((minute) => minute.sample.map((duplicate) => ({ minute, duplicate })))
    .slice(0, MAX_SHOWN);
  const objects = await store.finished(shown.flatMap(({ duplicate }) => duplicate.origins));
  return shown.map(({ minute, duplicate: { fingerprint, origins } }) => ({
    source: minute.source,
    minute: isoMinute(minute),
    fingerprint,
    kind: kindOf(origins),
    // The name of an object is unknown while a retry still finishes it, and after its entry has expired.
    places: [...new Set(origins)].map((origin) => ({ origin, what: objects.get(origin)?.label ?? '' })),
  }));
}

function kindOf([one, other]: SampledDuplicate['origins']): SampleReport['kind'] {
  return one === other ? 'within' : 'across';
}

function isoMinute({ minute }: CountedMinute): string {
  return new Date(minute * MINUTE_MS).toISOString();
}
