/** The object keys that files get in the landing bucket. */
import { basename } from 'node:path';

/**
 * The file names of ELB; the object's key repeats their account, Region and day.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-file-format
 */
const ELB_NAME =
  /^(?:conn_log_|health_check_log_)?(\d{12})_elasticloadbalancing_([a-z0-9-]+)_.+_(\d{4})(\d\d)(\d\d)T\d{4}Z(?:_|\.)/;

/**
 * The key under which ELB would have delivered the file, if the file has one of ELB's names; otherwise the file's name.
 * The file's folder is not part of the key, so that the key is the same from every working directory.
 */
export function landingKey(path: string): string {
  const name = basename(path);
  const [, account, region, year, month, day] = ELB_NAME.exec(name) ?? [];
  if (account === undefined) return name;
  return `AWSLogs/${account}/elasticloadbalancing/${region}/${year}/${month}/${day}/${name}`;
}

/**
 * The key to use if another file already has `key`: the same key below a folder named after the file's content.
 *
 * @param sha256 SHA-256 of the file, in hexadecimal digits
 */
export function keyBeside(key: string, sha256: string): string {
  return `${sha256.slice(0, 12)}/${key}`;
}
