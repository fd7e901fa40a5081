import { expect, test } from 'vitest';
import { balanceText } from '../../../bin/output/balance.ts';

const balance = {
  ...{ source: 'app', files: 2, lines: 3000, rows: 0, filtered: 0, rejected: 3000, fieldErrors: 0, unknownFields: 0 },
  ...{ inTable: 0, filters: [] },
};

test('the text of a balance says if only a part of the rejected lines is kept', () => {
  const rejections = (lines: number) => [{ reason: 'not_json', lines, example: 'expected a JSON object' }];
  expect(balanceText([{ ...balance, rejections: rejections(2000) }])).toContain(
    'app: 2,000 of 3,000 rejected lines are kept with their reason: of each file at most 1,000.',
  );
  expect(balanceText([{ ...balance, rejections: rejections(3000) }])).not.toContain('are kept with');
});
