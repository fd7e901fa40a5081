import { PutRecordCommand } from '@aws-sdk/client-firehose';
import { serveFirehose, streamResource, tableResource } from './firehose-fixture.ts';

// A process to be killed: puts rows 0, 1, 2, … and prints a line for each that was acknowledged.
const [dir = ''] = process.argv.slice(2);
const table = tableResource('logs', [
  { name: 'text', type: 'string' },
  { name: 'count', type: 'int' },
]);
const { client } = await serveFirehose(dir, [streamResource('logs')], [table]);
for (let count = 0; ; count++) {
  const Data = Buffer.from(JSON.stringify({ text: 'x'.repeat(50_000), count }));
  await client.send(new PutRecordCommand({ DeliveryStreamName: 'logs', Record: { Data } }));
  process.stdout.write(`${count}\n`);
}
