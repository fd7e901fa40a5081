/**
 * Versions of an object: a writer may put another object under the key of one that was loaded, such as a Fluentd chunk
 * that is uploaded again, whose gzip header then has another time. Each version is an input with an origin of its own.
 * The ledger remembers the latest version of each source, bucket and key, and the row of `loads` names the version that
 * the loaded one replaces, or the one that it was replaced by. The views `<table>_once` leave out versions that were
 * replaced.
 *
 * S3 does not promise the order of its notifications, and two versions may be loaded at the same time. If versions A, B
 * and C were written in this order, each of them but C is named once, whatever the order in which their loads end:
 *
 *   A ends, then B, then C    row of B: replaces A      row of C: replaces B
 *   A ends, then C, then B    row of C: replaces A      row of B: replaced by C
 *   C ends, then A, then B    row of A: replaced by C   row of B: replaced by C
 *
 * All of this is in one item of the ledger for each key (`keyItemId`). On the direct lane, where four writes are all that an
 * object costs, the item of a key is also the entry of the version for which it was made, the first one to be announced,
 * and no write remembers that version as long as it is alone:
 *
 *   first version     item made: alone ─► claimed ─► batch sealed ─► looks into the item: still alone? it is the latest
 *   another version   entry of its own ─► … ─► item: contested ─► looks whether the batch of the first one is sealed
 *                                                                  yes: that one is the latest    no: takes the item
 *
 * Each says what it does before it looks at the other, so two that come together see each other, and from then on the
 * first version is remembered by a write like any other. When S3 gave the first version, and whether its rows were loaded,
 * stands in the list of the attempt that was sealed. The other lane makes the item as contested before it claims an entry,
 * so an object is begun by one of both lanes.
 *
 * A version that is replaced is forgotten only after the row that names it was acknowledged. These are the effects in
 * their order, and the consequence of a crash after each:
 *
 * 1. The ledger remembers the version, if it knows no other of the key: the next attempt finds itself remembered.
 * 2. The row of `loads` is acknowledged: the next attempt sends the same row again.
 * 3. The ledger remembers the version instead of the one that the row names: the next attempt finds itself remembered,
 *    with the one that it replaces.
 */

/** A version of an object. */
export interface Version {
  readonly origin: string;
  /** Hexadecimal number of S3's notification, which orders the versions of a key; undefined if none was seen. */
  readonly sequencer?: string;
  /** Milliseconds since the epoch at which S3 gave this version as the key's object; 0 if it did not. */
  readonly openedAt: number;
}

/** The latest version of a key that the ledger remembers. */
export interface LatestVersion extends Version {
  /** Origin of the version that this one has replaced. */
  readonly replaces?: string;
}

/**
 * Remembers the version if the ledger has none of its key, has this one, or has the one with the origin `instead`.
 * Returns what the ledger then has.
 */
export type RememberVersion = (instead?: string) => Promise<LatestVersion>;

/** What the row of `loads` says about other versions. */
export interface VersionMarks {
  readonly replaces?: string;
  readonly replaced_by?: string;
}

/** Sends the row of `loads` of a version, once more if another version is remembered in the meantime. */
export async function sendAsVersion(
  version: Version,
  remember: RememberVersion,
  sendRow: (marks: VersionMarks) => Promise<void>,
): Promise<void> {
  let latest = await remember();
  if (latest.origin === version.origin) return sendRow(versionMarks(version, latest));
  while (latest.origin !== version.origin) {
    const marks = versionMarks(version, latest);
    await sendRow(marks);
    if (marks.replaced_by !== undefined) return;
    latest = await remember(latest.origin);
  }
}

/** What the row of `loads` of a version says, if the ledger remembers `latest` of its key. */
export function versionMarks(version: Version, latest: LatestVersion | undefined): VersionMarks {
  if (!latest) return {};
  if (latest.origin === version.origin) return latest.replaces === undefined ? {} : { replaces: latest.replaces };
  return isLater(version, latest) ? { replaces: latest.origin } : { replaced_by: latest.origin };
}

/**
 * True if one version was written after the other. Without S3's numbers the times decide at which S3 gave them: it gives
 * the version that was written last.
 */
function isLater(one: Version, other: Version): boolean {
  if (one.sequencer === undefined || other.sequencer === undefined) return one.openedAt > other.openedAt;
  return isAfter(one.sequencer, other.sequencer);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html: sequencers are compared as text, padded with zeros at their end. */
function isAfter(one: string, other: string): boolean {
  const length = Math.max(one.length, other.length);
  const padded = (sequencer: string) => sequencer.toUpperCase().padEnd(length, '0');
  return padded(one) > padded(other);
}
