import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { namesOf, type StackNames } from './names.ts';

/** The names of the stack that a construct belongs to. */
export function namesIn(scope: IConstruct): StackNames {
  return namesOf(Stack.of(scope).stackName);
}
