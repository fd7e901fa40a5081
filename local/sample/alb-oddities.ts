import type { Random } from './random.ts';
import type { Fate } from './sample-line.ts';

/** An odd line that occurs in real access logs, made of the fields of an everyday line. */
export interface AlbOddity extends Fate {
  readonly oddity: string;
  line(fields: string[], random: Random): string;
}

/** Indexes of fields in a line, from 0. */
const AT = {
  client: 3,
  elbStatus: 8,
  received: 10,
  request: 12,
  userAgent: 13,
  certificate: 19,
  targetList: 25,
} as const;

/** UTF-8 text as a byte string. */
const bytesOf = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

const row = (oddity: string, line: AlbOddity['line'], fieldErrors = 0, unknownFields = 0): AlbOddity => ({
  oddity,
  outcome: 'row',
  fieldErrors,
  unknownFields,
  line,
});

const noRow = (oddity: string, line: AlbOddity['line']): AlbOddity => ({
  oddity,
  outcome: 'rejected',
  fieldErrors: 0,
  unknownFields: 0,
  line,
});

/** A row in which one field has another text. */
const withField = (oddity: string, at: number, text: string, fieldErrors = 0): AlbOddity =>
  row(oddity, (fields) => fields.with(at, text).join(' '), fieldErrors);

/** A row of a load balancer that writes fewer fields. */
const cutTo = (count: number): AlbOddity => row(`${count} fields`, (fields) => fields.slice(0, count).join(' '));

/** Every kind of odd line, rows first. */
export const ALB_ODDITIES: readonly AlbOddity[] = [
  cutTo(29),
  cutTo(30),
  cutTo(33),
  row('35 fields, the last announced by a hyphen', (fields) => [...fields, '-'].join(' ')),
  row('35 fields, the last not documented', (fields, random) => [...fields, `"v${random.int(1, 9)}"`].join(' '), 0, 1),
  withField('quote escaped as \\x22', AT.request, '"GET https://shop.example.com:443/search?q=\\x22oak\\x22 HTTP/1.1"'),
  withField('space in the URL', AT.request, '"GET https://shop.example.com:443/search?q=oak table HTTP/1.1"'),
  withField('space after the request', AT.request, '"GET https://shop.example.com:443/about HTTP/1.1 "'),
  withField('non-ASCII URL', AT.request, bytesOf('"GET https://shop.example.com:443/möbel/čaj HTTP/1.1"')),
  withField('byte that is no UTF-8', AT.userAgent, '"Caf\xe9Browser/1.0"'),
  withField('control character', AT.userAgent, '"bot\x1b[31m/\x07 1.0"'),
  withField('empty user agent', AT.userAgent, '""'),
  withField('escaped quotes in the user agent', AT.userAgent, '"Mozilla/5.0 (\\"beta\\")"'),
  withField('IPv6 client in brackets', AT.client, '[2001:db8:0:7::1f]:40112'),
  withField('several targets', AT.targetList, '"203.0.113.11:8080 203.0.113.12:8080"'),
  withField('session reused', AT.certificate, '"session-reused"'),
  row('malformed request', (fields) =>
    fields.with(AT.elbStatus, '400').with(AT.request, '"- http://shop.example.com:80- -"').join(' '),
  ),
  row('carriage return before the line end', (fields) => `${fields.join(' ')}\r`),
  withField('count that does not convert', AT.received, '12x', 1),
  withField('status that does not convert', AT.elbStatus, 'OK', 1),
  noRow('broken off', (fields) => fields.slice(0, AT.request).join(' ')),
  noRow('quote not closed', (fields) => fields.slice(0, AT.userAgent).join(' ').slice(0, -1)),
  // With random parts, because equal lines would be unplanned duplicates.
  noRow('stack trace', (_fields, random) => `java.lang.IllegalStateException: connection ${random.hex8()} shut down`),
  noRow('another format', (_fields, random) => `{"level":"INFO","message":"job ${random.hex8()} done"}`),
];
