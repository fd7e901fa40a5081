import { GetFunctionCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { FAN_OUT_FILE, type FanOutValues } from '../../lambdas/core/settings.ts';
import { fanOutValues } from '../../lambdas/edges/fan-out-values.ts';
import { messageOf } from '../../local/files.ts';
import { CommandError } from '../output/command-error.ts';
import { fileOfZip } from './zip-file.ts';

/**
 * Reads the values by which sources divide their rows from the code of the deployed function that writes: another copy of them,
 * such as that of a configuration, might be of another deployment.
 * https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
 *
 * @throws CommandError naming the function if its code cannot be had, or has no values
 */
export async function awsFanOutValues(lambda: LambdaClient, functionName: string): Promise<FanOutValues> {
  try {
    const { Code } = await lambda.send(new GetFunctionCommand({ FunctionName: functionName }));
    if (Code?.Location === undefined) throw new Error('expected the address of its code, got none');
    const answer = await fetch(Code.Location);
    if (!answer.ok) throw new Error(`expected its code, got status ${answer.status}`);
    const file = fileOfZip(Buffer.from(await answer.arrayBuffer()), FAN_OUT_FILE);
    if (!file) throw new Error(`expected ${FAN_OUT_FILE} beside its code, got none`);
    return fanOutValues(file);
  } catch (error) {
    throw new CommandError(
      `function ${functionName}: which values have a table of their own is not known: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
