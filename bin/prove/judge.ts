/** Judges what has arrived: a proof of each claim, from what was sent and what was seen. */
import type { ResultRow } from '../operations/lake-handle.ts';
import { quantity } from '../output/render.ts';
import type { Claim, Proof } from './claims.ts';
import { differences, wrongTypes } from './compare.ts';
import { hasOrigin, isOfProof } from './error-objects.ts';
import type { Encryption } from './files.ts';
import { isShared, type Seen, type Sent } from './sent-and-seen.ts';
import { GOOD_POSITIONS, type TestRows } from './test-rows.ts';

/** What was asked once the rows had arrived. */
export interface Asked {
  /** Undefined if the table has no rows. */
  readonly typeNames: ResultRow | undefined;
  readonly encryption: Encryption;
}

type Verdict = Pick<Proof, 'outcome' | 'detail'>;

export function proofsOf(sent: Sent, seen: Seen, { typeNames, encryption }: Asked): Proof[] {
  const verdicts: Readonly<Record<Claim, Verdict>> = {
    every_column: everyColumn(sent, seen),
    types: types(sent, typeNames),
    bad_row: badRow(sent, seen),
    input: input(sent, seen),
    errors: errors(seen),
    encryption: encrypted(sent, encryption),
    metrics: metrics(sent, seen),
  };
  return Object.entries(verdicts).map(([claim, verdict]) => ({
    claim: claim as Claim,
    source: sent.table.name,
    ...verdict,
  }));
}

const proved = (detail: string): Verdict => ({ outcome: 'proved', detail });
const failed = (detail: string): Verdict => ({ outcome: 'failed', detail });
const notTried = (detail: string): Verdict => ({ outcome: 'not_tried', detail });

function rowsOf({ rows }: Seen, { origin }: TestRows): ResultRow[] {
  return rows.filter((row) => row.origin === origin);
}

function everyColumn({ source, streamed, everyColumn: all }: Sent, seen: Seen): Verdict {
  const { streams } = source.settings;
  const problems = all.flatMap((each, index) => {
    const found = rowsOf(seen, each);
    const stream = `stream ${streams[index]}`;
    if (found.length < each.rows.length) {
      return [`${stream}: expected ${quantity(each.rows.length, 'row')}, got ${found.length}`];
    }
    return each.rows.flatMap(({ values }) => {
      const row = found.find(({ position }) => Number(position) === values.position);
      const columns = row ? differences(streamed, values, row) : ['position'];
      return columns.length === 0 ? [] : [`${stream}: row ${values.position} differs in ${columns.join(', ')}`];
    });
  });
  if (problems.length > 0) return failed(problems.join('; '));
  return proved(`${quantity(streamed.columns.length, 'column')} through ${quantity(all.length, 'stream')}`);
}

/** Into an Iceberg table come the rows of the input, and none of what is sent to the streams. */
function hasNoRows({ source, input: put }: Sent): boolean {
  return source.settings.tableFormat === 'iceberg' && put === undefined;
}

function types(sent: Sent, typeNames: ResultRow | undefined): Verdict {
  const { table } = sent;
  if (!typeNames && hasNoRows(sent)) return notTried('no input was put');
  if (!typeNames) return failed('expected rows of today, got none');
  const asked = table.columns.filter(({ name }) => name in typeNames);
  const wrong = wrongTypes(asked, typeNames);
  return wrong.length > 0 ? failed(wrong.join('; ')) : proved(quantity(asked.length, 'column'));
}

function badRow({ aroundBadRow }: Sent, seen: Seen): Verdict {
  const good = rowsOf(seen, aroundBadRow).filter(({ position }) => GOOD_POSITIONS.includes(Number(position)));
  const records = seen.errors
    .flatMap((error) => error.records)
    .filter((record) => hasOrigin(record, aroundBadRow.origin));
  const [first] = records;
  const complete = good.length === GOOD_POSITIONS.length;
  // The good rows must be in the table, or in the record that is kept for `lake redrive`.
  if (!first) return failed(complete ? 'expected a record under errors/, got none' : 'its good rows are nowhere');
  const rows = records.flatMap((record) => record.rows);
  if (!complete && rows.length < aroundBadRow.rows.length) return failed('a good row of its record is nowhere');
  const whole = complete ? 'only the bad row' : 'the whole record';
  return proved(`${whole} is under errors/, with the code ${first.code || '(none)'}`);
}

function input(sent: Sent, seen: Seen): Verdict {
  const { table, input: put } = sent;
  if (!put) return notTried("no line is known that the source's options read: give some with --lines FILE");
  const counts = { lines: 0, rows: 0, rejected: 0 };
  for (const load of seen.loads) {
    for (const name of ['lines', 'rows', 'rejected'] as const) counts[name] += Number(load[name]);
  }
  const expected = { lines: put.lines.length, rows: put.rows.length, rejected: put.rejected };
  const isCounted = isShared(sent)
    ? counts.lines >= expected.lines && counts.rows >= expected.rows && counts.rejected >= expected.rejected
    : JSON.stringify(counts) === JSON.stringify(expected);
  if (!isCounted) {
    const why =
      put.kind === 'event' && counts.lines === 0 ? '; a filterPattern lets only events through that match it' : '';
    const text = `expected loads to say ${JSON.stringify(expected)}, got ${JSON.stringify(counts)}`;
    return failed(`${put.what}: ${text}${why}`);
  }
  // Events may come in several payloads, each of which counts its positions from 1.
  const left = [...seen.inputRows];
  const own = { ...table, columns: table.columns.filter(({ name }) => put.rows.some((row) => name in row)) };
  for (const row of put.rows) {
    const at = left.findIndex((found) => differences(own, row, found).length === 0);
    if (at < 0) return failed(`${put.what}: no row has the values of line ${put.rows.indexOf(row) + 1}`);
    left.splice(at, 1);
  }
  if (left.length > 0) return failed(`${put.what}: ${quantity(left.length, 'row')} too many`);
  if (seen.rejected.length !== put.rejected) {
    return failed(`${put.what}: expected ${put.rejected} in rejected_lines, got ${seen.rejected.length}`);
  }
  return proved(`${put.what}: ${quantity(put.rows.length, 'row')}, ${quantity(put.rejected, 'rejected line')}`);
}

function errors(seen: Seen): Verdict {
  const others = seen.errors.filter(({ records }) => records.some((record) => !isOfProof(record)));
  if (others.length === 0) return proved('nothing new but the bad row');
  return failed(others.map(({ object }) => `s3://${object.bucket}/${object.key}`).join('; '));
}

function encrypted(sent: Sent, { file, algorithm }: Encryption): Verdict {
  if (file === undefined && hasNoRows(sent)) return notTried('no input was put');
  if (file === undefined) return failed('expected a file of today, got none');
  return algorithm === undefined
    ? notTried(`S3 names no encryption of ${file}: the local S3 does not encrypt`)
    : proved(`${algorithm}: ${file}`);
}

function metrics({ input: put }: Sent, { acknowledged }: Seen): Verdict {
  if (!put) return notTried('no input was put');
  const found = `RowsAcknowledged is ${acknowledged}`;
  return acknowledged >= put.rows.length ? proved(found) : failed(`${found}, expected at least ${put.rows.length}`);
}
