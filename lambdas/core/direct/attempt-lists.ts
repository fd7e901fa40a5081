/**
 * The lists of batches that wait for commits, as the committer reads them. The list of a batch with files of thousands of
 * tables takes megabytes, and an hour of batches may wait: of each list only counts stay in memory, and the files of the
 * tables that are being committed.
 */
import type { AttemptList } from './attempt-list.ts';
import type { CommitPorts } from './commit.ts';

/** How much a batch has for a table. */
export interface TableFiles {
  readonly name: string;
  readonly uuid: string;
  readonly files: number;
  readonly bytes: number;
}

export class AttemptLists {
  readonly #lake: CommitPorts['lake'];
  readonly #tables = new Map<string, readonly TableFiles[]>();
  readonly #texts = new Map<string, string>();

  constructor(lake: CommitPorts['lake']) {
    this.#lake = lake;
  }

  /** What each table of an attempt is to get, in the order of its list. A list is read once for this. */
  async tablesOf(attempt: string): Promise<readonly TableFiles[]> {
    const known = this.#tables.get(attempt);
    if (known) return known;
    const { tables = [] } = await this.#lake.getList<AttemptList>(attempt);
    const counted = tables.map(({ name, uuid, files }) => {
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      return { name: this.#same(name), uuid: this.#same(uuid), files: files.length, bytes };
    });
    this.#tables.set(attempt, counted);
    return counted;
  }

  /** The same text in memory for what all lists have. */
  #same(text: string): string {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return known ?? text;
  }

  /**
   * The lake, whose lists of attempts have only the files of these tables: each is read once, and one at a time. What they
   * have stays in memory as long as the result does.
   */
  keeping(names: readonly string[]): CommitPorts['lake'] {
    const lake = this.#lake;
    const wanted = new Set(names);
    const lists = new Map<string, Promise<unknown>>();
    let last: Promise<unknown> = Promise.resolve();
    const read = async (key: string): Promise<unknown> => {
      const list = await lake.getList<Partial<AttemptList>>(key);
      if (!list.tables) return list;
      // Tables keep their places. Whoever asks for another one than these finds none, and not one without files.
      const tables = list.tables.map((table) => (wanted.has(table.name) ? table : undefined));
      // Of the members it is only asked whether there are any.
      return { tables, members: list.members?.slice(0, 1) };
    };
    return {
      putList: (key, list) => lake.putList(key, list),
      findList: (key) => lake.findList(key),
      renewList: (key) => lake.renewList(key),
      getList<List>(key: string) {
        const known = lists.get(key);
        if (known) return known as Promise<List>;
        const list = last.then(() => read(key));
        lists.set(key, list);
        last = list.catch(() => undefined);
        return list as Promise<List>;
      },
    };
  }
}
