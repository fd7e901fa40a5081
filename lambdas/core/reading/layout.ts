/**
 * How the lines of a format mostly look: what a format tells the kernel, so that it can read them without
 * knowing the format. The format's reader knows all lines; the kernel must give the same row or leave the line to it.
 */

import type { ColumnType } from '../tables/table.ts';

/** What becomes of a field's text. Names are those of lambdas/kernel/program.ts. */
export type LayoutOp =
  | 'skip'
  /** Kept as it is. */
  | 'text'
  | 'int'
  | 'bigint'
  | 'double'
  | 'time'
  | 'boolean'
  /** A duration, for which -1 stands where there was none. */
  | 'seconds'
  /** `address:port`; columns: address, port. */
  | 'address'
  /** `METHOD URL PROTOCOL`; columns: one of each. */
  | 'request'
  /** The client's address: the first of a list. */
  | 'client'
  /** `METHOD URL?QUERY HTTP/version`; columns: method, URL, query, version. */
  | 'nginx-request'
  /** `URL?QUERY`; columns: URL, query. */
  | 'url'
  /** `HTTP/version`. */
  | 'version'
  /** A host, and the project it belongs to; columns: host, project. */
  | 'host'
  /** One of several parts. */
  | 'part';

/** What becomes of a column's value, by the column's type. */
export const OP_OF_TYPE = {
  string: 'text',
  int: 'int',
  bigint: 'bigint',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'time',
} as const satisfies Record<ColumnType, LayoutOp>;

/** nginx's ways to escape values, by its names. https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format */
export const ESCAPES = ['default', 'json', 'none'] as const;
export type Escape = (typeof ESCAPES)[number];

/** One field of a line, or one key of a JSON object. */
export interface LayoutField {
  readonly op: LayoutOp;
  /** The columns it fills, in the op's order; undefined where it does not. */
  readonly columns: readonly (string | undefined)[];
  /** Always in quotes. */
  readonly quoted?: boolean;
  /** Without quotes around it, or separated as nginx does, a list's items look like fields of their own. */
  readonly list?: boolean;
  /** What follows a space is not the value's. */
  readonly token?: boolean;
  /** A status code, whose three digits mark a line of the format. */
  readonly status?: boolean;
  /** Op `part`: what separates the parts, one character, and which of them is the column's, from 0. */
  readonly part?: readonly [separator: string, index: number];
  /** The text between it and the next field. */
  readonly after?: string;
}

/** Fields separated by spaces, some in quotes. */
export interface DelimitedLayout {
  readonly kind: 'delimited';
  readonly fields: readonly LayoutField[];
  readonly minFields: number;
  readonly maxFields: number;
}

/** What a container's envelope or a client's address can have left out of a gateway's lines. */
export interface GatewayFilters {
  /** Lines of another output stream than stdout, where an envelope tells. */
  readonly notStdout: boolean;
  /** Lines without a client's address, and of the machine itself. */
  readonly noClient: boolean;
  readonly localClient: boolean;
}

/** Lines of a gateway, in a container's envelope or without. */
interface GatewayLayout extends GatewayFilters {
  /** Column of the output stream that an envelope tells. */
  readonly stream: string;
}

/** Fields with text between them, as an nginx log_format says. */
export interface LogFormatLayout extends GatewayLayout {
  readonly kind: 'log-format';
  readonly fields: readonly LayoutField[];
  /** The text before the first field. */
  readonly start: string;
  /** As many fields must be there before a line may end. */
  readonly neededFields: number;
  /** How nginx escapes values. */
  readonly escape: Escape;
  /** Lines of the format without HTTP/ are left out. */
  readonly noHttp: boolean;
  /** Lines of the gateway's error log are left out: those that quote no request, and those that quote one. */
  readonly errorLogNoHttp: boolean;
  readonly errorLogNoClient: boolean;
  /** A line without a status, an address or a time where they belong is of another format. */
  readonly marked: boolean;
  /** Text around fields may be part of `\xHH`, which a byte that is no UTF-8 is to the reader. */
  readonly inEscape: boolean;
}

/** JSON objects in which each column has its place: a key, or one within others' objects. */
export interface JsonRecordLayout extends GatewayLayout {
  readonly kind: 'json-record';
  readonly fields: readonly (LayoutField & { readonly path: readonly string[] })[];
}

/** JSON objects: each key is a column. */
export interface JsonLayout {
  readonly kind: 'json';
  readonly fields: readonly LayoutField[];
}

export type Layout = DelimitedLayout | LogFormatLayout | JsonLayout | JsonRecordLayout;
