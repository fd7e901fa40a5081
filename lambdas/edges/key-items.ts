/**
 * Items of keys in DynamoDB: which version of an object each was made for, and which one is the latest that was loaded.
 * core/loading/versions.ts says what they are for.
 */
import type { AttemptList } from '../core/direct/attempt-list.ts';
import type { LakeFiles } from '../core/direct/ports.ts';
import { CONDITION, LEDGER, NOT_LOADED, STANDING, STATE } from '../core/loading/ledger.ts';
import type { LatestVersion, Version } from '../core/loading/versions.ts';
import { batchItemId, expiryIn, type Item, type Items } from './ledger-items.ts';

/** An item expired while it was looked at: the message or the batch returns, and finds none. */
export class ExpiredError extends Error {
  override readonly name = 'ExpiredError';
}

/** Days that are left to an item whose expiry is not looked at again: no process takes so long. */
const LEAST_DAYS = 2;

/** What the item of a key says of the version that it is made for. */
export function madeFor({ origin, sequencer }: Pick<Version, 'origin' | 'sequencer'>, standing: string): Item {
  return {
    [LEDGER.first]: { S: origin },
    [LEDGER.standing]: { S: standing },
    origin: { S: origin },
    ...(sequencer !== undefined && { sequencer: { S: sequencer } }),
  };
}

/** Whether the item of a key is the entry of this version, on the direct lane. */
export function isEntryOf(origin: string, item: Item): boolean {
  return item[LEDGER.first]?.S === origin && item[LEDGER.round] !== undefined;
}

/** The lists of attempts of the direct lane. */
export type Lists = Pick<LakeFiles, 'findList'>;

export class KeyItems {
  readonly #items: Items;
  readonly #lists: Lists | undefined;

  /** @param lists undefined where all batches of the direct lane are written, or nobody asks for versions */
  constructor(items: Items, lists: Lists | undefined) {
    this.#items = items;
    this.#lists = lists;
  }

  /** As `Ledger.reserve`. If the process dies after it, its message returns and finds the item. */
  async reserve(id: string, version: Version, keepDays: number): Promise<'free' | 'on_direct_lane'> {
    const made = { [LEDGER.key]: { S: id }, ...madeFor(version, STANDING.contested) };
    for (;;) {
      if (await this.#items.putNew({ ...made, [LEDGER.expiry]: expiryIn(keepDays) })) return 'free';
      const item = await this.#items.get(id);
      if (!item) continue;
      if (isEntryOf(version.origin, item)) {
        if (!NOT_LOADED.includes(item.state?.S ?? '')) return 'on_direct_lane';
        await this.#removeEntry(id, item);
        continue;
      }
      // Nobody makes the item for this version as long as there is one.
      if (await this.outlive(id, item, keepDays)) return 'free';
    }
  }

  /** Has the item of a key be no entry any more, unless it has changed since it was read: no batch has its object then. */
  async #removeEntry(id: string, { state, round }: Item): Promise<void> {
    await this.#items.update(id, '#state = :state AND #round = :round', 'REMOVE #state, #round, #batch, #object', {
      ':state': state as NonNullable<Item[string]>,
      ':round': round as NonNullable<Item[string]>,
    });
  }

  /**
   * Keeps the item of a key for some days, if it would expire soon: nobody can make another one meanwhile.
   *
   * @returns false if there is none any more
   */
  async outlive(id: string, item: Item, keepDays: number): Promise<boolean> {
    if (Number(item[LEDGER.expiry]?.N) > Number(expiryIn(LEAST_DAYS).N)) return true;
    const kept = await this.#items.update(id, 'attribute_exists(#id)', `SET #${LEDGER.expiry} = :expiry`, {
      ':expiry': expiryIn(keepDays),
    });
    return kept !== undefined;
  }

  /** The latest version that was loaded. */
  async latest(id: string): Promise<LatestVersion | undefined> {
    const item = await this.#items.get(id);
    if (!item) return undefined;
    return isUnconfirmed(item) ? await this.#loaded(item) : versionOf(item);
  }

  /** The version, if the item was made for it and there is no other: then nothing is to be written. */
  async alone(id: string, { origin }: Version): Promise<LatestVersion | undefined> {
    const item = await this.#items.get(id);
    const isAlone = item?.[LEDGER.first]?.S === origin && item[LEDGER.standing]?.S === STANDING.alone;
    return isAlone ? versionOf(item) : undefined;
  }

  /** As `Ledger.remember`. */
  async remember(id: string, version: Version, keepDays: number, instead?: string): Promise<LatestVersion> {
    const remembered = await this.#write(id, version, keepDays, CONDITION.remember, instead);
    if (remembered) return versionOf(remembered);
    for (;;) {
      const item = await this.#items.get(id);
      if (!item) throw new ExpiredError(`${id}: the ledger's latest version expired while it was read; try again`);
      if (!isUnconfirmed(item)) return versionOf(item);
      const taken = await this.#confirmOrTake(id, item, version, keepDays);
      if (taken) return versionOf(taken);
    }
  }

  /**
   * Decides about an item that was made for another version. That version looks here after its batch is sealed; this one
   * looks at the batch after it has said here that it exists. So at least one of both sees the other, and if the process
   * dies in between, the next one does the same.
   *
   * @returns the item if this version has it now; undefined if there is something to see in it
   */
  async #confirmOrTake(id: string, item: Item, version: Version, keepDays: number): Promise<Item | undefined> {
    if (item[LEDGER.standing]?.S === STANDING.alone) {
      await this.#items.update(id, '#standing = :alone', 'SET #standing = :contested', {
        ':alone': { S: STANDING.alone },
        ':contested': { S: STANDING.contested },
      });
      return undefined;
    }
    const seen = item.origin as NonNullable<Item[string]>;
    const loaded = await this.#loaded(item);
    if (!loaded) return await this.#write(id, version, keepDays, CONDITION.takeOver, seen.S);
    const { openedAt, sequencer } = loaded;
    const numbered = sequencer !== undefined && { ':sequencer': { S: sequencer } };
    await this.#items.update(
      id,
      CONDITION.takeOver,
      `SET #openedAt = :at${numbered ? ', #sequencer = :sequencer' : ''} REMOVE #standing`,
      { ':seen': seen, ':contested': { S: STANDING.contested }, ':at': { N: String(openedAt) }, ...numbered },
    );
    return undefined;
  }

  /** The version that an item was made for, as its batch has loaded it; undefined if it is not loaded. */
  async #loaded(entry: Item): Promise<Version | undefined> {
    const { state, batch, first } = entry;
    if (state?.S !== STATE.batched || batch?.S === undefined) return undefined;
    const item = await this.#items.get(batchItemId(batch.S));
    // The ledger keeps batches for as long as entries, and from later on: this one was sealed long ago.
    if (!item) return versionOf(entry);
    const { attempt, before, sealedAt } = item;
    // A batch that is being written again has the rows of its generation before.
    const sealed = attempt?.S ?? before?.S;
    if (sealed === undefined) return undefined;
    const list = await this.#lists?.findList<AttemptList>(sealed);
    // Lists expire after some weeks. No later version was opened before this one was sealed, then.
    if (!list) return { ...versionOf(entry), openedAt: Date.parse(sealedAt?.S ?? '') || 0 };
    const ended = list.members.find(({ origin }) => origin === first?.S)?.ended;
    return ended?.outcome === 'loaded' ? ended.version : undefined;
  }

  #write(id: string, version: Version, keepDays: number, condition: string, other?: string): Promise<Item | undefined> {
    const { origin, sequencer, openedAt } = version;
    const isTaken = condition === CONDITION.takeOver;
    const replaces = isTaken ? undefined : other;
    const set = {
      origin: { S: origin },
      openedAt: { N: String(openedAt) },
      [LEDGER.expiry]: expiryIn(keepDays),
      ...(sequencer !== undefined && { sequencer: { S: sequencer } }),
      ...(replaces !== undefined && { replaces: { S: replaces } }),
    };
    // A number that was seen before is kept; that of a version which is replaced is not.
    const gone = ['standing', ...(other !== undefined && sequencer === undefined ? ['sequencer'] : [])];
    const change = `SET ${Object.keys(set).map((name) => `#${name} = :${name}`)} REMOVE ${gone.map((name) => `#${name}`)}`;
    return this.#items.update(id, condition, change, {
      ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
      ...(isTaken
        ? { ':seen': { S: other ?? '' }, ':contested': { S: STANDING.contested } }
        : { ':instead': { S: other ?? origin } }),
    });
  }
}

/** Whether the item has only the version for which it was made, which need not have been loaded. */
function isUnconfirmed(item: Item): boolean {
  return item[LEDGER.standing] !== undefined && item.origin?.S === item[LEDGER.first]?.S;
}

function versionOf({ origin, sequencer, openedAt, replaces }: Item): LatestVersion {
  return {
    origin: origin?.S ?? '',
    openedAt: Number(openedAt?.N ?? 0),
    ...(sequencer?.S !== undefined && { sequencer: sequencer.S }),
    ...(replaces?.S !== undefined && { replaces: replaces.S }),
  };
}
