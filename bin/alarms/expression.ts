/**
 * The part of CloudWatch's metric math that the stack's alarms use, evaluated for one period at a time.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */

/** The value of a metric in the period, by its id; undefined if it has no data. */
export type Values = (id: string) => number | undefined;

/** An expression that was read. A result is undefined where CloudWatch has no data point. */
export type Expression = (values: Values) => number | undefined;

/** @throws Error naming what is not understood, and where */
export function parseExpression(text: string): Expression {
  const tokens = tokensOf(text);
  let at = 0;
  const next = (): string | undefined => tokens[at];
  const take = (token: string): boolean => {
    if (next() !== token) return false;
    at++;
    return true;
  };
  const expect = (token: string): void => {
    if (!take(token)) throw unknown(`${token} expected, got ${next() ?? 'the end'}`, text);
  };

  /** Operators of one precedence, from left to right. */
  const chain = (operand: () => Expression, operators: Readonly<Record<string, Operator>>) => (): Expression => {
    let left = operand();
    for (let operator = operators[next() ?? '']; operator; operator = operators[next() ?? '']) {
      at++;
      left = both(operator, left, operand());
    }
    return left;
  };

  const list = (close: string): Expression[] => {
    const items: Expression[] = [];
    do items.push(or());
    while (take(','));
    expect(close);
    return items;
  };

  const primary = (): Expression => {
    const token = next();
    if (token === undefined) throw unknown('a value expected, got the end', text);
    at++;
    if (token === '(') {
      const inner = or();
      expect(')');
      return inner;
    }
    if (/^[\d.]/.test(token)) return () => Number(token);
    if (!/^[A-Za-z]/.test(token)) throw unknown(`a value expected, got ${token}`, text);
    if (!take('(')) return (values) => values(token);
    const call = FUNCTIONS[token];
    if (!call) throw unknown(`the function ${token} is not known here`, text);
    return call(take('[') ? closed(list(']')) : list(')'));
  };
  const closed = (items: Expression[]): Expression[] => {
    expect(')');
    return items;
  };

  const times = chain(primary, { '*': (a, b) => a * b, '/': divided });
  const plus = chain(times, { '+': (a, b) => a + b, '-': (a, b) => a - b });
  const compared = chain(plus, {
    '>': (a, b) => bit(a > b),
    '>=': (a, b) => bit(a >= b),
    '<': (a, b) => bit(a < b),
    '<=': (a, b) => bit(a <= b),
    '==': (a, b) => bit(a === b),
  });
  const and = chain(compared, { AND: (a, b) => bit(a !== 0 && b !== 0) });
  const or = chain(and, { OR: (a, b) => bit(a !== 0 || b !== 0) });

  const whole = or();
  if (next() !== undefined) throw unknown(`${next()} is too much`, text);
  return whole;
}

type Operator = (left: number, right: number) => number | undefined;

/** A data point is missing where one of the two is missing. */
function both(operator: Operator, left: Expression, right: Expression): Expression {
  return (values) => {
    const [a, b] = [left(values), right(values)];
    return a === undefined || b === undefined ? undefined : operator(a, b);
  };
}

/** CloudWatch has no data point where the divisor is 0. */
function divided(dividend: number, divisor: number): number | undefined {
  return divisor === 0 ? undefined : dividend / divisor;
}

function bit(holds: boolean): number {
  return holds ? 1 : 0;
}

const FUNCTIONS: Readonly<Record<string, (given: readonly Expression[]) => Expression>> = {
  IF: (given) => (values) => {
    const condition = given[0]?.(values);
    return condition === undefined ? undefined : given[condition === 0 ? 2 : 1]?.(values);
  },
  FILL: (given) => (values) => given[0]?.(values) ?? given[1]?.(values),
  MAX: (given) => (values) => present(given, values)?.reduce((most, value) => Math.max(most, value)),
  SUM: (given) => (values) => present(given, values)?.reduce((sum, value) => sum + value),
};

/** The values of a list that are not missing, or undefined if all of them are. */
function present(given: readonly Expression[], values: Values): number[] | undefined {
  const found = given.flatMap((each) => each(values) ?? []);
  return found.length === 0 ? undefined : found;
}

const TOKEN = /\s*(\d+(?:\.\d+)?|[A-Za-z]\w*|>=|<=|==|[-+*/<>()[\],])/y;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (let at = 0; text.slice(at).trim() !== ''; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const [, token] = TOKEN.exec(text) ?? [];
    if (token === undefined) throw unknown(`${text.slice(at, at + 10)} is not known here`, text);
    tokens.push(token);
  }
  return tokens;
}

function unknown(what: string, expression: string): Error {
  return new Error(`metric math: ${what}: ${expression}`);
}
