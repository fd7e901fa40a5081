import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MessageQueue } from '../../../local/queues/message-queue.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

describe('a queue', () => {
  test('has its messages again when it is opened again, oldest first', async () => {
    const options = { dir: temporaryFolder(), visibilityTimeout: 1000 };
    const queue = await MessageQueue.open(options);
    await queue.send('one');
    await queue.send('two', { label: '2-events' });
    const again = await MessageQueue.open(options);
    expect((await again.receive(10)).map(({ body }) => body)).toEqual(['one', 'two']);
  });

  test.each<[string, (text: string) => string]>([
    ['is empty', () => ''],
    ['is cut', (text) => text.slice(0, -5)],
    ['lacks a member', (text) => text.replace('"body"', '"boby"')],
    ['is no object', () => 'null'],
    ['has bytes of zero', (text) => '\0'.repeat(text.length)],
  ])('sets a message aside whose file %s, and has the others', async (_name, damage) => {
    const options = { dir: temporaryFolder(), visibilityTimeout: 1000 };
    const queue = await MessageQueue.open(options);
    await queue.send('whole');
    const id = await queue.send('damaged', { label: '7-events' });
    const file = join(options.dir, `${id}.7-events.json`);
    await writeFile(file, damage(await readFile(file, 'utf8')));

    for (let opening = 0; opening < 2; opening++) {
      const again = await MessageQueue.open(options);
      expect((await again.receive(10)).map(({ body }) => body)).toEqual(['whole']);
    }
    expect((await readdir(options.dir)).filter((name) => name.startsWith(id))).toEqual([`${id}.7-events.json.damaged`]);
  });
});
