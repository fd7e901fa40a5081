/**
 * Custom prefixes of Firehose's S3 objects, compiled once and expanded per object.
 * https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
 */

/** The values of one object that a prefix can contain. */
export interface ObjectFacts {
  /** Arrival of the oldest record in the object, milliseconds since the epoch. */
  readonly arrival: number;
  /** The value of !{firehose:random-string}. */
  readonly random: string;
}

/** Returns the prefix of one object. */
export type Prefix = (facts: ObjectFacts) => string;

/** The folder that Firehose adds for objects whose prefix has no time. */
const DEFAULT_TIME = 'yyyy/MM/dd/HH';

/** The value of !{firehose:error-output-type} for a record that does not fit the table. */
const CONVERSION_FAILED = 'format-conversion-failed';

/**
 * Compiles a stream's Prefix.
 *
 * @param timeZone IANA name, the stream's CustomTimeZone
 * @throws Error naming the expression that cannot be used, and why.
 */
export function dataPrefix(expression: string, timeZone: string): Prefix {
  const parts = compile(expression, timeZone, { allowErrorType: false });
  if (!hasTime(expression)) parts.push(timestamp(DEFAULT_TIME, timeZone, expression), () => '/');
  return joined(parts);
}

/**
 * Compiles a stream's ErrorOutputPrefix, for records that do not fit the table. If it has no expression, the error type
 * and the time are appended, as in Firehose's default.
 *
 * @throws Error naming the expression that cannot be used, and why.
 */
export function errorPrefix(expression: string, timeZone: string): Prefix {
  const parts = compile(expression, timeZone, { allowErrorType: true });
  if (!expression.includes('!{')) {
    parts.push(
      () => `${CONVERSION_FAILED}/`,
      timestamp(DEFAULT_TIME, timeZone, expression),
      () => '/',
    );
  } else if (!expression.includes('!{firehose:error-output-type}')) {
    throw new Error(`error output prefix "${expression}": expected !{firehose:error-output-type}, as Firehose does`);
  }
  return joined(parts);
}

/**
 * Compiles a pattern of Java's DateTimeFormatter, as far as prefixes use it: the numbers y M d H m s, repeated to the
 * desired width, and 'quoted' text.
 *
 * @throws Error naming the letter that is not supported.
 */
export function timestamp(pattern: string, timeZone: string, expression: string = pattern): Prefix {
  const fields = fieldsIn(timeZone, expression);
  const parts = (pattern.match(PATTERN_PARTS) ?? []).map((part): ((values: Fields) => string) => {
    if (part === "''") return () => "'";
    if (part.startsWith("'") && part.length > 1) return () => part.slice(1, -1).replaceAll("''", "'");
    if (!/[A-Za-z']/.test(part)) return () => part;
    const field = FIELD_OF[part[0] as string];
    if (!field || part.length > (field === 'year' ? 4 : 2)) {
      throw new Error(`prefix "${expression}": expected yyyy, yy, MM, dd, HH, mm, ss or 'text' in a time, got ${part}`);
    }
    if (part === 'yy') return (values) => values.year.slice(-2);
    return (values) => values[field].padStart(part.length, '0');
  });
  return ({ arrival }) => {
    const values = fields(arrival);
    return parts.map((part) => part(values)).join('');
  };
}

const PATTERN_PARTS = /'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']+|'/g;

type FieldName = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second';
type Fields = Readonly<Record<FieldName, string>>;

const FIELD_OF: Readonly<Record<string, FieldName>> = {
  y: 'year',
  M: 'month',
  d: 'day',
  H: 'hour',
  m: 'minute',
  s: 'second',
};

function compile(expression: string, timeZone: string, { allowErrorType }: { allowErrorType: boolean }): Prefix[] {
  const refuse = (value: string): never => {
    throw new Error(`prefix "${expression}": !{${value}} is not supported here`);
  };
  return expression.split(/(!\{[^}]*\})/).map((part) => {
    if (!part.startsWith('!{')) return part.includes('!{') ? refuse(part.slice(2)) : () => part;
    const value = part.slice(2, -1);
    if (value.startsWith('timestamp:')) return timestamp(value.slice('timestamp:'.length), timeZone, expression);
    if (value === 'firehose:random-string') return ({ random }) => random;
    if (value === 'firehose:error-output-type' && allowErrorType) return () => CONVERSION_FAILED;
    return refuse(value);
  });
}

function hasTime(expression: string): boolean {
  return expression.includes('!{timestamp:');
}

function joined(parts: readonly Prefix[]): Prefix {
  return (facts) => parts.map((part) => part(facts)).join('');
}

function fieldsIn(timeZone: string, expression: string): (time: number) => Fields {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new Error(`prefix "${expression}": expected an IANA time zone, got ${timeZone}`);
  }
  return (time) => {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]));
    // Intl pads some numbers even with the option `numeric`.
    const field = (name: FieldName) => String(Number(parts.get(name)));
    return {
      year: field('year'),
      month: field('month'),
      day: field('day'),
      hour: field('hour'),
      minute: field('minute'),
      second: field('second'),
    };
  };
}
