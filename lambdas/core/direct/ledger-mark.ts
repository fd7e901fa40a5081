/**
 * How a ledger that was set back to an earlier time shows where no table of Iceberg tells it: the ledger and the lake bucket both
 * have a number that counts up while batches are planned, and the bucket is not set back with the ledger.
 *
 *   ledger: number + 1, if it is as it was read ─► bucket: the same number
 *
 * So the bucket's number is never the greater one, unless the ledger was set back. If the process dies in between, it is less, and
 * is put again. The bucket is read first, and the ledger consistently: another planner may count up at any time.
 *
 * What was planned since the last mark is not noticed: minutes, and DynamoDB restores no table to its last five minutes.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
 */
import { LISTS_PREFIX } from './batch.ts';
import type { LakeFiles } from './ports.ts';
import { LedgerSetBackError } from './set-back.ts';

export interface LedgerMark {
  readonly number: number;
  /** ISO 8601: when it was counted up. */
  readonly at: string;
}

/** The ledger's marks. Each write may be repeated. */
export interface LedgerMarks {
  read(source: string): Promise<LedgerMark | undefined>;
  /** Puts a mark, if the one of before is still there; undefined: if there is none. @returns false if not */
  put(source: string, before: LedgerMark | undefined, mark: LedgerMark): Promise<boolean>;
}

export interface MarkPorts {
  readonly marks: LedgerMarks;
  readonly lake: Pick<LakeFiles, 'findList' | 'putList'>;
  readonly now: () => Date;
}

/** What the bucket and the ledger say; undefined: nothing yet. */
export interface BothMarks {
  readonly inBucket: LedgerMark | undefined;
  readonly inLedger: LedgerMark | undefined;
}

/** From one mark to the next: each takes two writes. */
const MARK_MS = 120_000;

function markKey(source: string): string {
  return `${LISTS_PREFIX}${source}/ledger.json`;
}

export async function marksOf(source: string, { marks, lake }: Pick<MarkPorts, 'marks' | 'lake'>): Promise<BothMarks> {
  const inBucket = await lake.findList<LedgerMark>(markKey(source));
  return { inBucket, inLedger: await marks.read(source) };
}

export function isSetBack({ inBucket, inLedger }: BothMarks): boolean {
  return (inBucket?.number ?? 0) > (inLedger?.number ?? 0);
}

/**
 * To be called before batches of a source are planned or sent.
 *
 * @throws LedgerSetBackError if the ledger was set back: objects that it has forgotten would be written a second time
 */
export async function requireCurrent(source: string, ports: MarkPorts): Promise<void> {
  const both = await marksOf(source, ports);
  const { inBucket, inLedger } = both;
  if (isSetBack(both)) {
    throw new LedgerSetBackError(
      `source ${source}: the ledger was set back to ${inLedger?.at ?? 'a time before its first batch'}, and had been used until ` +
        `${inBucket?.at} at least: no batches are planned until \`lake reconcile ${source}\` has told it what is in the tables`,
    );
  }
  const now = ports.now();
  const isDue = !inLedger || Date.parse(inLedger.at) + MARK_MS <= now.getTime();
  if (isDue) await countUp(source, both, ports);
  else if (inBucket?.number !== inLedger.number) await ports.lake.putList(markKey(source), inLedger);
}

/** Has the ledger be current again, if nobody else has since it was read: it was told what it had forgotten. */
export async function countUp(source: string, { inBucket, inLedger }: BothMarks, ports: MarkPorts): Promise<void> {
  const number = Math.max(inBucket?.number ?? 0, inLedger?.number ?? 0) + 1;
  const mark: LedgerMark = { number, at: ports.now().toISOString() };
  if (await ports.marks.put(source, inLedger, mark)) await ports.lake.putList(markKey(source), mark);
}
