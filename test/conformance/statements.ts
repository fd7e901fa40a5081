/** Trino's own parser. Athena's engine version 3 is based on Trino; 435 is the last one that runs on Java 17. */
import { readFileSync } from 'node:fs';
import { beside, type Checked, javaWith, run } from './check.ts';
import { templates } from './configurations.ts';

const TRINO_PARSER = 'io.trino:trino-parser:435';

/** Ends a statement on the way to the parser: no statement holds it. */
const END = '\0';

/** Parses every query that a stack saves, among them those that make its views. */
export function parseStatements(): Checked {
  const classPath = javaWith(TRINO_PARSER);
  const statements = [...templates().values()].flatMap(savedQueries);
  const unparsable = 'SELECT count(*) FROM "alb" WHERE';
  const answers = run(
    'java',
    ['-cp', classPath, beside('ParseStatements.java')],
    [...statements, unparsable].map((statement) => statement + END).join(''),
  ).split('\n');
  const problems = statements.flatMap((statement, index) => {
    const answer = answers[index];
    return answer === 'parsed' ? [] : [`${answer}: ${statement.slice(0, 200)}`];
  });
  if (answers[statements.length] === 'parsed')
    problems.push(`the parser took ${unparsable}: this check checks nothing`);
  return { measured: `${statements.length} statements`, problems };
}

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: { QueryString?: unknown } }>
  >;
}

function savedQueries(file: string): string[] {
  const { Resources } = JSON.parse(readFileSync(file, 'utf8')) as Template;
  return Object.values(Resources).flatMap(({ Type, Properties }) =>
    Type === 'AWS::Athena::NamedQuery' ? [textOf(Properties.QueryString)] : [],
  );
}

/** A template's text, in which references to other resources stand for names. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [, parts] = (value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
  return parts.map((part) => (typeof part === 'string' ? part : 'reference')).join('');
}
