/**
 * `lake prove`: puts a few rows, one bad row, and an object or log events into a lake, waits until they are in the
 * tables, and compares. It is meant for a stack that was just deployed, and answers what documents and an emulation
 * cannot. It also runs on a local lake.
 *
 * A proof that is killed leaves its rows, and the object that it put; a proof that is run again has another id and does
 * not look at them.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { LOADS, REJECTED_LINES } from '../../lambdas/core/tables/lake-tables.ts';
import { OWN, PARTITION, type Table } from '../../lambdas/core/tables/table.ts';
import type { TablePlace } from '../../lambdas/core/tables/views.ts';
import { LAKE } from '../../lib/names.ts';
import { allRowsOf, type LakeHandle, type ResultRow, sqlText, tableOf } from '../operations/lake-handle.ts';
import { sendRecords } from '../operations/send-rows.ts';
import type { Proof } from './claims.ts';
import { withoutRepeats } from './compare.ts';
import { errorObjects, hasOrigin, removeErrorObject } from './error-objects.ts';
import { type Encryption, encryptionOf } from './files.ts';
import { type Asked, proofsOf } from './judge.ts';
import { isShared, type Seen, type Sent } from './sent-and-seen.ts';
import { putInput, testLines } from './test-input.ts';
import { rowsAroundBadRow, rowsOfEveryColumn, type TestRows } from './test-rows.ts';

export interface ProveTask {
  readonly sources: readonly Source[];
  /** Lines of the source to put; without them, the examples of its format. */
  readonly lines?: readonly string[];
}

/** The clocks of this machine and of the services may differ by this much. */
const CLOCK_MS = 60_000;
const DAY_MS = 86_400_000;
/** Time between two looks at what has arrived. */
const LOOK_AGAIN_MS = 15_000;

/** @param note receives a line on what the proof waits for */
export async function prove(lake: LakeHandle, task: ProveTask, note: (text: string) => void): Promise<Proof[]> {
  const id = randomBytes(6).toString('hex');
  const since = new Date(Date.now() - CLOCK_MS);
  const sent: Sent[] = [];
  for (const source of task.sources) sent.push(await send(lake, source, id, task.lines));
  const sentAt = new Date();
  note(`proof ${id}: sent; rows arrive after the buffer interval of the streams`);
  for (;;) {
    await lake.settle();
    // Asked before the look: what had arrived by then, the look has seen.
    const last = lake.settledBefore() >= sentAt;
    const seen = await Promise.all(sent.map((each) => look(lake, each, since)));
    const waiting = sent.filter((each, index) => !isComplete(each, seen[index] as Seen));
    if (waiting.length === 0 || last) return await finish(lake, sent, seen, since);
    note(`proof ${id}: waiting for ${waiting.map(({ table }) => table.name).join(', ')}`);
    await sleep(LOOK_AGAIN_MS);
  }
}

async function send(lake: LakeHandle, source: Source, id: string, given: readonly string[] | undefined): Promise<Sent> {
  const table = tableOf(source);
  const { name, streams } = source.settings;
  const deployed = lake.deployed.find(({ settings }) => settings.name === name) ?? source;
  const streamed = tableOf(deployed);
  const everyColumn = streams.map((stream) => rowsOfEveryColumn(deployed, streamed, `${id} ${stream}`));
  const aroundBadRow = rowsAroundBadRow(deployed, streamed, id);
  for (const [index, stream] of streams.entries()) await sendRecord(lake, stream, everyColumn[index]);
  await sendRecord(lake, streams[0] as string, aroundBadRow);
  const lines = testLines(source, table, given);
  const input = lines && (await putInput(lake, source, lines, id));
  return { source, table, streamed, everyColumn, aroundBadRow, input };
}

function sendRecord(lake: LakeHandle, stream: string, { rows = [] }: Partial<TestRows> = {}): Promise<void> {
  return sendRecords(lake, [stream], [rows.map(({ json }) => json)]);
}

async function look(lake: LakeHandle, sent: Sent, since: Date): Promise<Seen> {
  const { table, everyColumn, aroundBadRow, input } = sent;
  const arrival = dayBefore(since);
  const rowsOf = async (from: readonly string[], condition: string, firstDay = arrival) => {
    const where = `${PARTITION.name} >= ${sqlText(firstDay)} AND ${condition}`;
    const found: ResultRow[] = [];
    for (const each of from) found.push(...(await Array.fromAsync(lake.query(`SELECT * FROM ${each} WHERE ${where}`))));
    return withoutRepeats(found);
  };
  const ofOrigins = async (from: readonly string[], origins: readonly string[], firstDay?: string) =>
    origins.length === 0 ? [] : rowsOf(from, `${OWN.origin.name} IN (${origins.map(sqlText).join(', ')})`, firstDay);
  const ofLake = (name: string) => [`"${lake.database}"."${name}"`];
  const [ofLoads, ofRejected] = [ofLake(LOADS), ofLake(REJECTED_LINES)];
  // What is sent to the streams is in one table of the source, and its inputs may be in another one.
  const ofSource = await allRowsOf(
    lake,
    table.name,
    table.columns.map(({ name }) => name),
  );

  // On the direct lane rows lie under the days of their events.
  const first = dayBefore(new Date(Math.min(input?.firstEvent ?? Number.POSITIVE_INFINITY, since.getTime())));

  const { column, name } = input?.named ?? {};
  const isNamed = input && `${column} = ${sqlText(name as string)}`;
  const isOfSource = `source = ${sqlText(table.name)}`;
  // The load of an object with payloads of several streams has the name of none: these rows tell its origin.
  const shared =
    isNamed && isShared(sent)
      ? [await rowsOf(ofSource, isNamed, first), await rowsOf(ofRejected, `${isOfSource} AND ${isNamed}`)]
      : [];
  const sharedOrigins = [...new Set(shared.flat().map(({ origin }) => String(origin)))];
  const loads = isShared(sent)
    ? await ofOrigins(ofLoads, sharedOrigins)
    : isNamed
      ? await rowsOf(ofLoads, `${isOfSource} AND ${isNamed}`)
      : [];
  const inputOrigins = loads.map(({ origin }) => String(origin));
  return {
    rows: await ofOrigins(
      ofSource,
      [...everyColumn, aroundBadRow].map(({ origin }) => origin),
    ),
    loads,
    inputRows: shared[0] ?? (await ofOrigins(ofSource, inputOrigins, first)),
    rejected: shared[1] ?? (await ofOrigins(ofRejected, inputOrigins)),
    errors: await errorObjects(lake, table.name, since),
    acknowledged: await lake.metricSum('RowsAcknowledged', table.name, since),
  };
}

/** True if waiting longer cannot make a proof of what has none yet. */
function isComplete({ everyColumn, aroundBadRow, input }: Sent, seen: Seen): boolean {
  const arrived = ({ origin }: TestRows) => seen.rows.filter((row) => row.origin === origin).length;
  return (
    everyColumn.every((each) => arrived(each) >= each.rows.length) &&
    seen.errors.some(({ records }) => records.some((record) => hasOrigin(record, aroundBadRow.origin))) &&
    (!input ||
      (seen.loads.length > 0 &&
        seen.inputRows.length >= input.rows.length &&
        seen.rejected.length >= input.rejected &&
        seen.acknowledged >= input.rows.length))
  );
}

/** Judges, and removes what was put if everything was proved; otherwise it stays, to be looked at. */
async function finish(lake: LakeHandle, sent: readonly Sent[], seen: readonly Seen[], since: Date): Promise<Proof[]> {
  const proofs: Proof[] = [];
  for (const [index, each] of sent.entries()) {
    const found = seen[index] as Seen;
    const own = proofsOf(each, found, await asked(lake, each, found, since));
    proofs.push(...own);
    if (own.some(({ outcome }) => outcome === 'failed')) continue;
    await each.input?.remove();
    for (const error of found.errors) {
      const isOwn = error.records.every((record) => hasOrigin(record, each.aroundBadRow.origin));
      if (isOwn) await removeErrorObject(lake, error);
    }
  }
  return proofs;
}

/** The day before a time: the days of partitions may be of any time zone. */
function dayBefore(time: Date): string {
  return new Date(time.getTime() - DAY_MS).toISOString().slice(0, 10);
}

/** Asks about the table into which the rows of the source are written now. */
async function asked(lake: LakeHandle, { source, table }: Sent, seen: Seen, since: Date): Promise<Asked> {
  const { name } = table;
  if (source.settings.tableFormat === 'iceberg') {
    // Its files lie under the days of the input's events.
    const days = [...new Set(seen.inputRows.map((row) => String(row[PARTITION.name])))];
    let typeNames: ResultRow | undefined;
    let encryption: Encryption = { file: undefined, algorithm: undefined };
    // Of a source that fans out, any of its tables may have the rows.
    for (const place of await lake.icebergTables(name)) {
      typeNames ??= await typeNamesOf(lake, `"${place.database}"."${place.name}"`, columnsIn(place, table));
      if (encryption.file !== undefined) continue;
      encryption = await encryptionOf(lake, `${LAKE.iceberg}${place.name}/data/`, days, since);
    }
    return { typeNames, encryption };
  }
  // The days of partitions may be of any time zone.
  const days = [1, 0, -1].map((day) => new Date(since.getTime() + day * DAY_MS).toISOString().slice(0, 10));
  const rows = `"${lake.database}"."${name}" WHERE ${PARTITION.name} >= ${sqlText(dayBefore(since))}`;
  return {
    typeNames: await typeNamesOf(lake, rows, table.columns),
    encryption: await encryptionOf(lake, `${LAKE.data}${name}/`, days, since),
  };
}

/** The columns of the source's table that one of its tables has: that of a value gets new ones with its next rows. */
function columnsIn({ columns: has }: TablePlace, { columns }: Table): Table['columns'] {
  return columns.filter(({ name }) => has?.includes(name) ?? true);
}

/** The names of the columns' types in the engine; undefined if there is no such row. */
async function typeNamesOf(
  { query }: LakeHandle,
  rows: string,
  columns: Table['columns'],
): Promise<ResultRow | undefined> {
  const types = columns.map((column) => `typeof("${column.name}") AS "${column.name}"`).join(', ');
  const [row] = await Array.fromAsync(query(`SELECT ${types} FROM ${rows} LIMIT 1`));
  return row;
}
