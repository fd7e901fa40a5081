/** What alarms and the dashboard watch: the stack's own parts by the names that their metrics have. */
import { canPromote } from '../../lambdas/core/evolution/promoted.ts';
import type { Evolution } from '../../lambdas/core/settings.ts';
import type { Config } from '../config/config.ts';
import type { Source } from '../config/sources.ts';
import type { Subscription } from './watched.ts';

/** A queue and its dead-letter queue, by name. */
export interface WatchedQueue {
  readonly queue: string;
  readonly deadLetters: string;
}

/** The parts of a stack that are watched. What a stack does not have is undefined. */
export interface Places {
  /** Name of the lake in its metrics. */
  readonly service: string;
  readonly objects?: WatchedQueue & { readonly loader: string };
  /** The direct lane, with the dead-letter queue of its batches. */
  readonly direct?: {
    readonly plan: string;
    readonly write: string;
    /** Commits to Iceberg tables. */
    readonly commit: string;
    /** Makes columns of keys. */
    readonly promote?: string;
    readonly deadLetters: string;
  };
  readonly events?: { readonly loader: string; readonly subscriptions: (source: string) => readonly Subscription[] };
  readonly check?: {
    /** Reads objects. */
    readonly track?: string;
    /** Reads log events. */
    readonly trackLogEvents?: string;
    readonly count: string;
    readonly queue?: WatchedQueue;
  };
  /** Names of the streams into a table. */
  readonly streams: (table: string) => readonly string[];
}

/** The sources that still load. */
export function watchedSources({ sources }: Pick<Config, 'sources'>): readonly Source[] {
  return sources.filter(({ retired }) => !retired);
}

/** Whether the stack has the direct lane, which takes the objects of buckets and the payloads of log groups. */
export function hasDirectLane({ keepDirectLane, sources }: Pick<Config, 'keepDirectLane' | 'sources'>): boolean {
  return keepDirectLane || sources.some(({ delivery }) => delivery === 'direct');
}

/** Whether a function makes columns of the keys of a source. */
export function promotesKeys(
  source: Parameters<typeof canPromote>[0] & { readonly schemaEvolution?: Evolution },
): boolean {
  return canPromote(source) && source.schemaEvolution === 'auto';
}

/** The parts that a configuration has, by names that say what they are: for counting, without a template. */
export function placesOf(config: Config, service: string): Places {
  const lanes = new Set(config.sources.map(({ lane }) => lane));
  const hasObjects = lanes.has('objects') || hasDirectLane(config);
  const queue = (name: string): WatchedQueue => ({ queue: name, deadLetters: `${name}-dead-letters` });
  const { enabled } = config.duplicates;
  return {
    service,
    ...(hasObjects && { objects: { ...queue('queue'), loader: 'load-objects' } }),
    ...(hasDirectLane(config) && {
      direct: {
        plan: 'plan-batches',
        write: 'write-batch',
        commit: 'commit-tables',
        ...(config.sources.some(promotesKeys) && { promote: 'promote-columns' }),
        deadLetters: 'direct-dead-letters',
      },
    }),
    ...(lanes.has('events') && {
      events: {
        loader: 'load-log-events',
        subscriptions: (name: string) =>
          config.sources.flatMap((source) =>
            source.lane === 'events' && source.name === name
              ? source.logGroups.map((logGroup) => ({ logGroup, filter: logGroup }))
              : [],
          ),
      },
    }),
    ...(enabled && {
      check: {
        count: 'count-duplicates',
        ...(hasObjects && { track: 'track-duplicates', queue: queue('check-queue') }),
        ...(lanes.has('events') && { trackLogEvents: 'track-duplicates-of-log-events' }),
      },
    }),
    streams: (table) => {
      const streams = config.sources.find(({ name }) => name === table)?.streamsPerTable ?? 1;
      return Array.from({ length: streams }, (_, index) => `${table}-${index + 1}`);
    },
  };
}
