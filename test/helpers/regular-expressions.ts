/** The regular expressions in source files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vitest/node';

const ROOT = join(import.meta.dirname, '../..');

export interface RegularExpression {
  readonly file: string;
  readonly pattern: string;
  readonly flags: string;
}

/**
 * The regular expressions of the TypeScript files in some folders, each once for a file. The kernel's folder has none, as it is
 * another language.
 *
 * @throws Error if a file makes a regular expression from text, which could not be checked without running it
 */
export function regularExpressionsIn(folders: readonly string[]): RegularExpression[] {
  const found = new Map<string, RegularExpression>();
  for (const file of folders.flatMap(filesIn)) {
    const add = ({ pattern, flags }: Omit<RegularExpression, 'file'>) => {
      found.set(`${file} /${pattern}/${flags}`, { file, pattern, flags });
    };
    visit(parseAst(readFileSync(join(ROOT, file), 'utf8'), { lang: 'ts' }), (node) => {
      if ('regex' in node) add(node.regex as Omit<RegularExpression, 'file'>);
      if (node.name === 'RegExp' && node.type === 'Identifier' && !TYPES.has(`${node.parent}`)) {
        throw new Error(`${file}: expected only literals, got a regular expression that is made from text`);
      }
    });
  }
  return [...found.values()];
}

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file}`)
    .filter((file) => file.endsWith('.ts') && !file.startsWith('lambdas/kernel/'));
}

/** Kinds of nodes in which the name RegExp is a type. */
const TYPES: ReadonlySet<string> = new Set(['TSTypeReference']);

type Node = Readonly<Record<string, unknown>>;

/** Calls `see` with each node of the tree, and with the kind of the node around it. */
function visit(tree: unknown, see: (node: Node) => void, parent?: unknown): void {
  if (typeof tree !== 'object' || tree === null) return;
  const node = tree as Node;
  const kind = Array.isArray(tree) ? parent : node.type;
  if (!Array.isArray(tree)) see({ ...node, parent });
  for (const child of Object.values(node)) visit(child, see, kind);
}
