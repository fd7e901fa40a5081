/** The keys that files get in the landing bucket. */
import { basename } from 'node:path';

/**
 * ELB's form of an object's name, of which the key repeats account, Region and day.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-file-format
 */
const ELB_NAME =
  /^(?:conn_log_|health_check_log_)?(\d{12})_elasticloadbalancing_([a-z0-9-]+)_.+_(\d{4})(\d\d)(\d\d)T\d{4}Z(?:_|\.)/;

/**
 * The key ELB would have delivered the file under, where its name is one of ELB's; else its own name.
 * The folders on the way to the file are no part of it, so that a file has one key from wherever it is given.
 */
export function landingKey(path: string): string {
  const name = basename(path);
  const [, account, region, year, month, day] = ELB_NAME.exec(name) ?? [];
  if (account === undefined) return name;
  return `AWSLogs/${account}/elasticloadbalancing/${region}/${year}/${month}/${day}/${name}`;
}

/**
 * Where another file has the key already: the same key below a folder named after the content.
 *
 * @param sha256 of the file, in hexadecimal digits
 */
export function keyBeside(key: string, sha256: string): string {
  return `${sha256.slice(0, 12)}/${key}`;
}
