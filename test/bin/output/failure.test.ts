import { expect, test } from 'vitest';
import { CommandError } from '../../../bin/output/command-error.ts';
import { failureOf } from '../../../bin/output/failure.ts';

test.each([
  ['Region is missing', 'no Region of AWS is set: set AWS_REGION or AWS_PROFILE'],
  [
    'Could not load credentials from any providers',
    'no credentials for AWS were found: set AWS_PROFILE, or log in with `aws sso login`',
  ],
])('what the AWS SDK says of an account that nobody named says what to do: %s', (text, message) => {
  expect(failureOf(new Error(text))).toEqual({ message, exitCode: 1 });
  expect(failureOf(new CommandError(`stack Lake: ${text}; --stack expects a name`)).message).toBe(
    `stack Lake: ${message}; --stack expects a name`,
  );
});
