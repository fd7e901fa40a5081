/**
 * Layouts describe the ordinary lines of a format to the kernel. The kernel knows no formats: kernel-program.ts
 * compiles a layout into the program with which the kernel reads lines. For each line the kernel must write the same
 * row as the format's TypeScript reader, or leave the line to that reader.
 */

import type { ColumnType } from '../tables/table.ts';
import type { LocalZone } from './local-zone.ts';

/** How a field's text is converted. lambdas/kernel/program.ts uses the same names. */
export type LayoutOp =
  /** The field fills no column. */
  | 'skip'
  /** The text is kept unchanged. */
  | 'text'
  | 'int'
  | 'bigint'
  | 'double'
  | 'time'
  | 'boolean'
  /** A duration; -1 means that there was none. */
  | 'seconds'
  /** `address:port`; columns: address, port. */
  | 'address'
  /** `METHOD URL PROTOCOL`; columns: method, URL, protocol. */
  | 'request'
  /** The client's address, which is the first of a list of addresses. */
  | 'client'
  /** `METHOD URL?QUERY HTTP/version`; columns: method, URL, query, version. */
  | 'nginx-request'
  /** `URL?QUERY`; columns: URL, query. */
  | 'url'
  /** `HTTP/version`. */
  | 'version'
  /** A host, and the project that the host belongs to; columns: host, project. */
  | 'host'
  /** One of several parts of the text, chosen by `LayoutField.part`. */
  | 'part'
  /** Seconds, one number for each try; columns: the text, and one or two for the sum. */
  | 'seconds-list'
  /** Status codes, one for each try; columns: the text, the last status. */
  | 'status-list'
  /** The value of an earlier field again, which `LayoutField.first` names. */
  | 'repeated';

/** How a value is converted, by the type of its column. */
export const OP_OF_TYPE = {
  string: 'text',
  int: 'int',
  bigint: 'bigint',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'time',
} as const satisfies Record<ColumnType, LayoutOp>;

/**
 * The ways in which nginx can escape values, by nginx's names.
 * https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
 */
export const ESCAPES = ['default', 'json', 'none'] as const;
export type Escape = (typeof ESCAPES)[number];

/** One field of a line, or one key of a JSON object. */
export interface LayoutField {
  readonly op: LayoutOp;
  /** The columns that the field fills, in the order of the op; undefined for a value that fills no column. */
  readonly columns: readonly (string | undefined)[];
  /** Field flag: the value is always in quotes. */
  readonly quoted?: boolean;
  /**
   * Field flag: the value is a list. Without quotes, or with nginx's separators, its items look like separate fields.
   */
  readonly list?: boolean;
  /** Field flag: the value ends at a space. */
  readonly token?: boolean;
  /** Field flag: the value is a status code. Its three digits are a sign that the line is of the format. */
  readonly status?: boolean;
  /** For the op `part`: the character that separates the parts, and the index (from 0) of the part that is used. */
  readonly part?: readonly [separator: string, index: number];
  /** For the op `repeated`: the index of the earlier field, which has the flag `remembered`. */
  readonly first?: number;
  /** Field flag: a later field repeats this one. */
  readonly remembered?: boolean;
  /**
   * The name under which `errors` keeps a value that does not convert.
   *
   * @default - the last column
   */
  readonly errorName?: string;
  /** The literal between this field and the next one. */
  readonly after?: string;
  /** Field flag: the next value begins with the literal. */
  readonly joined?: boolean;
  /** Field flag: only a value of letters, digits, `_`, `-` and dots surely ends at the literal. */
  readonly plain?: boolean;
}

/** Lines of fields separated by spaces, some in quotes. */
export interface DelimitedLayout {
  readonly kind: 'delimited';
  readonly fields: readonly LayoutField[];
  readonly minFields: number;
  readonly maxFields: number;
  /** Numbers of fields with which the last value is whole without quotes around it. */
  readonly lengths: readonly number[];
}

/** The active filters of a gateway format that look at the container envelope or at the client's address. */
export interface GatewayFilters {
  /** Leaves out lines whose container envelope names an output stream other than stdout. */
  readonly notStdout: boolean;
  /** Leaves out lines without a client's address. */
  readonly noClient: boolean;
  /** Leaves out requests from the machine itself. */
  readonly localClient: boolean;
}

/** Lines of a gateway, with or without a container envelope. */
interface GatewayLayout extends GatewayFilters {
  /** The column for the output stream that an envelope names. */
  readonly stream: string;
}

/** Lines of fields with literals between them, as in an nginx log_format. */
export interface LogFormatLayout extends GatewayLayout {
  readonly kind: 'log-format';
  readonly fields: readonly LayoutField[];
  /** The literal before the first field. */
  readonly start: string;
  /** Number of fields that a line must have before it may end. */
  readonly neededFields: number;
  /** How nginx escapes values. */
  readonly escape: Escape;
  /** Leaves out lines of the format without HTTP/. */
  readonly noHttp: boolean;
  /** Leaves out lines of the gateway's error log: those that quote no request, and those that quote one. */
  readonly errorLogNoHttp: boolean;
  readonly errorLogNoClient: boolean;
  /** If set, a line must have a status code, an address or a time at its place, or it is not of the format. */
  readonly marked: boolean;
  /**
   * If set, a literal of the format could match inside a `\xHH` escape, which is how the TypeScript reader represents
   * invalid UTF-8 bytes.
   */
  readonly inEscape: boolean;
  /** The zone of times without a zone. */
  readonly zone: LocalZone;
}

/** Lines of one JSON object each. The value of a column is at a fixed path of keys, possibly in nested objects. */
export interface JsonRecordLayout extends GatewayLayout {
  readonly kind: 'json-record';
  readonly fields: readonly (LayoutField & { readonly path: readonly string[] })[];
}

/** Lines of one JSON object each. The value of a column is at a path: see json-paths.ts. */
export interface JsonLayout {
  readonly kind: 'json';
  readonly fields: readonly (LayoutField & { readonly path: string })[];
  /** The zone of times without a zone. */
  readonly zone: LocalZone;
}

export type Layout = DelimitedLayout | LogFormatLayout | JsonLayout | JsonRecordLayout;
