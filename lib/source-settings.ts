/** What the functions are told of a source, in their environment. */
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type {
  EventsPlace,
  ObjectsIn,
  ObjectsPlace,
  ReadingSettings,
  RecordSettings,
} from '../lambdas/core/settings.ts';
import type { EventSource, ObjectSource, Source } from './config/sources.ts';

/** @param streams names of the streams into the source's table, as references */
export function loadingSettings(source: Source, streams: readonly string[]) {
  const { keepRaw, delivery, tableFormat, schemaEvolution, fanOut } = source;
  return {
    ...readingSettings(source),
    streams,
    keepRaw,
    ...(delivery === 'direct' && { delivery }),
    ...(tableFormat === 'iceberg' && { tableFormat }),
    ...(schemaEvolution !== 'off' && { schemaEvolution }),
    // The values are in a file beside the code.
    ...(fanOut && { fanOut: { by: fanOut.by, ...(fanOut.other !== undefined && { other: fanOut.other }) } }),
  };
}

export function recordSettings(source: Source): RecordSettings {
  const { recordKey } = source;
  return { ...readingSettings(source), ...(recordKey && { recordKey }) };
}

export function objectsPlace({ prefix, suffix, exportedLogs }: ObjectSource, { bucketName }: IBucket): ObjectsPlace {
  return { lane: 'objects', bucket: bucketName, prefix, suffix, ...(exportedLogs && { exportedLogs }) };
}

/** @param payloads where the payloads of its log groups come as objects */
export function eventsPlace({ logGroups }: EventSource, payloads: ObjectsIn | undefined): EventsPlace {
  return { lane: 'events', logGroups, ...(payloads && { payloads }) };
}

function readingSettings({ name, format, options }: Source): ReadingSettings {
  return { name, format, options };
}
