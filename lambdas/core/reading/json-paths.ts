/**
 * Finds the members of a JSON record that fill columns. Each column has a path: keys with dots between them. A dot of a
 * path is a dot within a key, or a step into a nested object: loggers write `http.response.status_code` as one key, as
 * three objects, or as a mix of both.
 *
 * The rules, which the kernel follows too (lambdas/kernel/json.ts):
 *
 * - Keys are compared without regard to case.
 * - If a record has a path in several ways, the one with the longest first key counts; of those with the same first key,
 *   the one with the longest second key, and so on. So the whole path as one key comes before everything else. A null
 *   counts like any value.
 * - A key that its object has already, in whatever case, does not count, if it leads to a column or is one of the
 *   record's own: it is `repeated`.
 * - What no column takes is the `rest`. Of an object from which a column has taken something, it is an object of the
 *   other members, and nothing if there are none.
 */
import { type Member, objectMembers, objectOf } from './json-text.ts';

/** What a key stands for: a column, or an object with columns. */
export type PathStep = { readonly column: string } | { readonly object: PathObject };

/** A record, or an object within it, and those of its keys that lead to columns. */
export interface PathObject {
  /** 0 is the record itself. The others have the next numbers. */
  readonly number: number;
  /** By key in lower case. */
  readonly steps: ReadonlyMap<string, PathStep>;
}

/**
 * @param paths path of each column, by the column's name. No path is another one's beginning: see `clashOf`.
 */
export function recordOf(paths: Iterable<readonly [column: string, path: string]>): PathObject {
  const objects = new Map<string, { number: number; steps: Map<string, PathStep> }>();
  const objectAt = (keys: readonly string[]) => {
    // The keys have no dots.
    const path = keys.map((key) => `${key}.`).join('');
    const object = objects.get(path) ?? { number: objects.size, steps: new Map() };
    objects.set(path, object);
    return object;
  };
  const record = objectAt([]);
  for (const [column, path] of paths) {
    const keys = path.toLowerCase().split('.');
    for (let from = 0; from < keys.length; from++) {
      const { steps } = objectAt(keys.slice(0, from));
      for (let to = from + 1; to <= keys.length; to++) {
        const step = to === keys.length ? { column } : { object: objectAt(keys.slice(0, to)) };
        steps.set(keys.slice(from, to).join('.'), step);
      }
    }
  }
  return record;
}

/** Two paths that are equal, or of which one is within the object that is the other: undefined if there are none. */
export function clashOf(paths: readonly string[]): readonly [string, string] | undefined {
  const lower = paths.map((path) => path.toLowerCase());
  for (const [index, path] of lower.entries()) {
    const other = lower.findIndex((each, at) => at !== index && (each === path || each.startsWith(`${path}.`)));
    if (other >= 0) return [paths[Math.min(index, other)] as string, paths[Math.max(index, other)] as string];
  }
  return undefined;
}

/** The members of a record by what becomes of them. Keys of members within objects are paths. */
export interface Taken {
  /** The value of each column that the record has. */
  readonly columns: ReadonlyMap<string, Member>;
  readonly repeated: readonly Repeated[];
  readonly rest: readonly Member[];
}

/** A member whose key its object has already. */
export interface Repeated extends Member {
  /** True if the key is written exactly as the first time. */
  readonly exactly: boolean;
}

/** A member while the members for the columns are being looked for. */
interface Part {
  readonly member: Member;
  readonly parent: Part | undefined;
  /** The members of an object with columns. */
  inner?: readonly Part[];
  /** It is taken, or a part of it is. */
  touched: boolean;
}

/** A member that may fill a column. */
interface Candidate {
  readonly part: Part;
  /** The length of each key of its path, as a character. The greatest text counts. */
  readonly rank: string;
}

/** Takes the members that fill columns out of a record. */
export function takeColumns(members: readonly Member[], record: PathObject): Taken {
  const candidates = new Map<string, Candidate>();
  const repeated: Repeated[] = [];

  const partsOf = (
    inner: readonly Member[],
    object: PathObject,
    path: string,
    rank: string,
    parent: Part | undefined,
  ): Part[] => {
    const written = new Map<string, string>();
    const parts: Part[] = [];
    for (const member of inner) {
      const key = member.key.toLowerCase();
      const step = object.steps.get(key);
      const first = written.get(key);
      if (first !== undefined && (step || object === record)) {
        repeated.push({ key: path + member.key, json: member.json, exactly: first === member.key });
        touch(parent);
        continue;
      }
      if (first === undefined) written.set(key, member.key);
      const part: Part = { member, parent, touched: false };
      parts.push(part);
      if (!step) continue;
      const ownRank = rank + String.fromCharCode(key.length);
      if ('column' in step) {
        const other = candidates.get(step.column);
        if (!other || ownRank > other.rank) candidates.set(step.column, { part, rank: ownRank });
        continue;
      }
      const nested = objectMembers(member);
      if (nested) part.inner = partsOf(nested, step.object, `${path}${member.key}.`, ownRank, part);
    }
    return parts;
  };

  const parts = partsOf(members, record, '', '', undefined);
  for (const { part } of candidates.values()) touch(part);
  return {
    columns: new Map([...candidates].map(([column, { part }]) => [column, part.member])),
    repeated,
    rest: restOf(parts),
  };
}

function touch(part: Part | undefined): void {
  for (let at = part; at; at = at.parent) at.touched = true;
}

function restOf(parts: readonly Part[]): Member[] {
  const rest: Member[] = [];
  for (const { member, inner, touched } of parts) {
    if (!touched) rest.push(member);
    else if (inner) {
      const others = restOf(inner);
      if (others.length > 0) rest.push({ key: member.key, json: objectOf(others) });
    }
  }
  return rest;
}
