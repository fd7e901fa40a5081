import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addSchema } from '../../../bin/commands/schema.ts';

/** What `lake schema` is to show. */
function asked(...args: string[]): unknown[] {
  const program = new Command();
  addSchema(program);
  const seen: unknown[] = [];
  const schema = program.commands.find((command) => command.name() === 'schema');
  schema?.action((argument: string | undefined, { source }: { source?: string }) => void seen.push([argument, source]));
  for (const command of schema?.commands ?? []) command.action(() => void seen.push(command.name()));
  program.parse(['schema', ...args], { from: 'user' });
  return seen;
}

test('sources of the names of its commands are shown, too', () => {
  expect(asked('web')).toEqual([['web', undefined]]);
  expect(asked('pull')).toEqual(['pull']);
  expect(asked('--source', 'pull')).toEqual([[undefined, 'pull']]);
  expect(asked('--source', 'add')).toEqual([[undefined, 'add']]);
  expect(asked('add', 'add', 'tenant', 'string')).toEqual(['add']);
});
