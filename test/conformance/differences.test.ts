import { describe, expect, test } from 'vitest';
import { compare } from './differences.ts';

type Row = readonly unknown[];

function compared(duckDb: readonly Row[], trino: readonly Row[], estimates: readonly string[] = []) {
  const columns = ['a', 'b'].map((name) => ({ name, type: 'varchar' }));
  return compare({ columns, rows: duckDb }, { columns, rows: trino }, 'Trino', new Set(estimates)).problems;
}

describe('the comparison of two answers', () => {
  test.each<[string, Row, Row]>([
    ['a bigint and a number', [5n, 'x'], [5, 'x']],
    ['milliseconds and microseconds', ['2026-01-05 10:00:00.123000', 1], ['2026-01-05 10:00:00.123', 1]],
    ['years that Trino writes with a sign', ['10000-01-01 00:00:00.000000', 1], ['+10000-01-01 00:00:00.000', 1]],
    ['nulls', [null, 1], [undefined, 1]],
  ])('takes %s for the same', (_, ours, theirs) => {
    expect(compared([ours], [theirs])).toEqual([]);
  });

  test.each<[string, Row, Row]>([
    ['a microsecond', ['2026-01-05 10:00:00.123456', 1], ['2026-01-05 10:00:00.123', 1]],
    ['the sign of zero', [-0, 1], [0, 1]],
    ['null and the text NULL', [null, 1], ['NULL', 1]],
    ['null and no text', [null, 1], ['', 1]],
    ['a bigint beyond what a number holds', [9223372036854775807n, 1], [9223372036854775806n, 1]],
  ])('finds %s', (_, ours, theirs) => {
    expect(compared([ours], [theirs])).toEqual([expect.stringMatching(/^a: 1 values such as .*, in Trino 1 values/)]);
  });

  test('knows no order of rows, and how often each is there', () => {
    expect(
      compared(
        [
          ['x', 1],
          ['y', 2],
        ],
        [
          ['y', 2],
          ['x', 1],
        ],
      ),
    ).toEqual([]);
    expect(
      compared(
        [
          ['x', 1],
          ['x', 1],
        ],
        [['x', 1]],
      ),
    ).toContain('2 rows, in Trino 1');
    expect(
      compared(
        [
          ['x', 1],
          ['x', 1],
          ['y', 1],
        ],
        [
          ['x', 1],
          ['y', 1],
          ['y', 1],
        ],
      ),
    ).toHaveLength(1);
  });

  test('finds values that stand in other rows', () => {
    expect(
      compared(
        [
          ['x', 1],
          ['y', 2],
        ],
        [
          ['x', 2],
          ['y', 1],
        ],
      ),
    ).toEqual([expect.stringMatching(/^rows: /)]);
  });

  test('asks of an estimate only that both have one', () => {
    expect(compared([['x', 1]], [['x', 2]], ['b'])).toEqual([]);
    expect(compared([['x', 1]], [['x', null]], ['b'])).toHaveLength(1);
  });

  test('finds columns of other names', () => {
    const answer = (name: string) => ({ columns: [{ name, type: 'int' }], rows: [] });
    expect(compare(answer('a'), answer('b'), 'Trino').problems).toEqual(['columns a, in Trino b']);
    expect(compare(answer('a'), answer('A'), 'Trino').problems).toEqual([]);
  });
});
