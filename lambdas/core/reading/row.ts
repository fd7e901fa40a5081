import { type ColumnSpecs, numbered, OWN } from '../tables/table.ts';
import { type Converted, toBigint, toDouble, toInt } from './conversions.ts';
import { isoTime, rowTime } from './times.ts';

/** Which rows keep the line they came from in `raw`. */
export type KeepRaw = 'never' | 'on-error' | 'always';

/**
 * The row that a format writes: JSON by column key, without nulls, in the order written. One instance serves a whole
 * input (an S3 object or a CloudWatch subscription payload); `begin` starts the row of the next line.
 *
 * A value that does not convert leaves its column null and adds an entry to `errors`.
 */
export class Row {
  /** Number of values set in declared columns, of field errors and of unknown fields in the current row. */
  values = 0;
  fieldErrors = 0;
  unknownFields = 0;
  /** Milliseconds since the epoch of the row's event, if a timestamp column has been set. */
  eventTime: number | undefined;

  /** The beginning of each column's value in the JSON, by column name. */
  readonly #keys: ReadonlyMap<string, string>;
  /** The values shared by the rows, as JSON, which follow the position. */
  #shared: string;
  /** Lines before the first event of the payload that is read, in an object of payloads. */
  #beforePayload: number | undefined;
  #loggedAt = '';
  #json = '';
  /** In the order of the line, as `extra` is: an object of JavaScript would have keys like `404` before all others. */
  #errors: Map<string, { value: string; reason: string }> | undefined;
  #extra: Map<string, string> | undefined;

  /**
   * @param specs the format's columns
   * @param shared values shared by every row of an input, by the name of an own or a declared column
   */
  constructor(specs: ColumnSpecs, shared: ReadonlyMap<string, string> = new Map()) {
    this.#keys = new Map([...Object.values(OWN), ...numbered(specs)].map(({ name, key }) => [name, `,"${key}":`]));
    this.#shared = this.#sharedJson(shared);
  }

  /** What follows the position, before what each row has of its own. */
  get shared(): string {
    return this.#shared;
  }

  /**
   * Begins a payload, in an object of payloads.
   *
   * @param shared values shared by the rows of its events
   * @param before lines of the object before its first event
   */
  beginPayload(shared: ReadonlyMap<string, string>, before: number): void {
    this.#shared = `${this.#sharedJson(shared)}${this.keyOf(OWN.payloadPosition.name)}`;
    this.#beforePayload = before;
  }

  /** @param timestamp value of the column `logged_at`, in milliseconds since the epoch; undefined if it is null */
  begin(timestamp?: number): void {
    this.#loggedAt = timestamp === undefined ? '' : loggedAt(timestamp);
    this.values = 0;
    this.fieldErrors = 0;
    this.unknownFields = 0;
    this.eventTime = undefined;
    this.#json = '';
    this.#errors = undefined;
    this.#extra = undefined;
  }

  text(name: string, value: string): void {
    this.set(name, quote(value));
  }

  /** @param written the value as logged, if `value` is another form of it */
  int(name: string, value: string, written = value): void {
    this.#convert(name, toInt(value), written);
  }

  /** @param written the value as logged, if `value` is another form of it */
  bigint(name: string, value: string, written = value): void {
    this.#convert(name, toBigint(value), written);
  }

  double(name: string, value: string): void {
    this.#convert(name, toDouble(value), value);
  }

  boolean(name: string, value: boolean): void {
    this.set(name, String(value));
  }

  /** `value` must be `yyyy-MM-ddTHH:mm:ss[.fraction][Z]` in UTC; it is kept to the microsecond. */
  timestamp(name: string, value: string): void {
    const time = rowTime(value);
    if (!time) {
      this.error(name, value, 'not a timestamp');
      return;
    }
    this.set(name, JSON.stringify(time.value));
    this.eventTime ??= time.millis;
  }

  /** Keeps a value that did not convert; its column stays null. Repeated names get a number appended. */
  error(name: string, value: string, reason: string): void {
    this.#errors ??= new Map();
    this.fieldErrors++;
    this.#errors.set(freeName(this.#errors, name, this.fieldErrors), { value: value.toWellFormed(), reason });
  }

  /** Keeps a value that the line has beyond the declared columns. Repeated names get a number appended. */
  extra(name: string, value: string): void {
    this.#extra ??= new Map();
    this.unknownFields++;
    this.#extra.set(freeName(this.#extra, name, this.unknownFields), value.toWellFormed());
  }

  /** The finished row as one JSON object on one line. */
  json(origin: string, position: number, raw: string, keepRaw: KeepRaw): string {
    const inPayload = this.#beforePayload === undefined ? '' : position - this.#beforePayload;
    let json = `${rowHead(origin)}${position}${this.#shared}${inPayload}${this.#loggedAt}${this.#json}`;
    if (this.#extra) json += `,"${OWN.extra.key}":${quote(objectText(this.#extra))}`;
    if (this.#errors) json += `,"${OWN.errors.key}":${quote(objectText(this.#errors))}`;
    if (keepRaw === 'always' || (keepRaw === 'on-error' && this.#errors)) json += `,"${OWN.raw.key}":${quote(raw)}`;
    return `${json}}`;
  }

  #sharedJson(shared: ReadonlyMap<string, string>): string {
    return [...shared].map(([name, value]) => this.keyOf(name) + quote(value)).join('');
  }

  #convert(name: string, converted: Converted, written: string): void {
    if (converted.json === undefined) this.error(name, written, converted.reason);
    else this.set(name, converted.json);
  }

  protected set(name: string, json: string): void {
    this.#json += this.keyOf(name) + json;
    this.values++;
  }

  /** The beginning of the column's value in the row: `,"key":`. */
  protected keyOf(name: string): string {
    const key = this.#keys.get(name);
    if (!key) throw new Error(`row: no column ${name} in this format's table`);
    return key;
  }
}

/** What precedes the value of the column `logged_at` in a row. */
export const LOGGED_AT_KEY = `,"${OWN.loggedAt.key}":`;

function loggedAt(timestamp: number): string {
  const time = rowTime(isoTime(timestamp) ?? '');
  return time ? `${LOGGED_AT_KEY}${JSON.stringify(time.value)}` : '';
}

/** The beginning of a row, up to its position. */
export function rowHead(origin: string): string {
  return `{"${OWN.origin.key}":"${origin}","${OWN.position.key}":`;
}

/**
 * Returns `name` if it is free, else the name with a number. The number doubles with each try, so that no choice of
 * names makes the search long.
 */
function freeName(taken: ReadonlyMap<string, unknown>, name: string, count: number): string {
  const wellFormed = name.toWellFormed();
  let free = wellFormed;
  for (let number = count; taken.has(free); number *= 2) free = `${wellFormed}#${number}`;
  return free;
}

/** The JSON text of an object with these members, in their order. */
function objectText(members: ReadonlyMap<string, unknown>): string {
  return `{${Array.from(members, ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}

/** Text that JSON represents unchanged: printable ASCII without the quote and the backslash. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** The JSON string for a text. Lone surrogates, which UTF-8 cannot represent, become U+FFFD. */
function quote(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  return JSON.stringify(value.isWellFormed() ? value : value.toWellFormed());
}
