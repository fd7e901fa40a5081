/** Logs whose every line can be found again: what it must become is known, and its row tells its position. */

/** Bytes of filling in each line: a batch holds few rows then, so that small objects have several batches. */
export const FILLING_BYTES = 40_000;

/** An object, or a stream's events, and what must become of its lines. */
export interface Logs {
  /** `alb` or `app`: source and table. */
  readonly table: 'alb' | 'app';
  /** Object key or log stream. */
  readonly name: string;
  readonly lines: readonly string[];
  /** Positions of the lines that must be rows, and of those that must be rejected. */
  readonly rows: readonly number[];
  readonly rejected: readonly number[];
}

const FOLDER = 'AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/03/04/';

/**
 * An ALB log object: every 40th line is none of ALB's, every 60th is blank.
 *
 * @param hostAt the host name in the line at a position, if there is one
 */
export function albObject(
  name: string,
  lines: number,
  filling = FILLING_BYTES,
  hostAt?: (position: number) => string | undefined,
): Logs {
  return logs({
    table: 'alb',
    name: `${FOLDER}${name}.log.gz`,
    count: lines,
    line: (at) => albLine(at, filling, hostAt?.(at)),
  });
}

/** Events of an application's stream. */
export function appEvents(name: string, events: number): Logs {
  const line = (at: number) => JSON.stringify({ request_id: String(at), path: 'p'.repeat(FILLING_BYTES) });
  return logs({ table: 'app', name, count: events, line });
}

/** A line of which `request_url` tells the position. */
export function albLine(position: number, filling = FILLING_BYTES, host = '-'): string {
  return (
    'http 2026-03-04T05:06:07.186641Z app/web/50dc6c495c0c9188 192.0.2.1:2817 192.0.2.2:80 0.000 0.001 0.000 200 200 34 366 ' +
    `"GET http://www.example.com:80/${position} HTTP/1.1" "${'u'.repeat(filling)}" - - ` +
    'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/73e2d6bc24d8a067 ' +
    `"Root=1-58337262-36d228ad5d99923122bbe354" "${host}" "-" 0 2026-03-04T05:06:07.186000Z "forward" "-" "-" "192.0.2.2:80" "200" "-" "-"`
  );
}

/** SQL that is true of a row whose content belongs to another position than the row says. */
export const MISPLACED = {
  alb: `request_url <> 'http://www.example.com:80/' || position`,
  app: `request_id <> CAST(position AS VARCHAR)`,
} as const;

interface LogsProps {
  readonly table: Logs['table'];
  readonly name: string;
  readonly count: number;
  readonly line: (position: number) => string;
}

function logs({ table, name, count, line }: LogsProps): Logs {
  const lines: string[] = [];
  const rows: number[] = [];
  const rejected: number[] = [];
  for (let position = 1; position <= count; position++) {
    if (position % 60 === 59) lines.push('');
    else if (position % 40 === 39) {
      rejected.push(position);
      lines.push(`no log line ${position}`);
    } else {
      rows.push(position);
      lines.push(line(position));
    }
  }
  return { table, name, lines, rows, rejected };
}
