import type { IncomingMessage, ServerResponse } from 'node:http';

/** A refusal; `code` is S3's own. */
export class S3Error extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Statuses of refusals by their codes; 400 for others. */
const STATUS: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  PreconditionFailed: 412,
  InvalidRange: 416,
  NotImplemented: 501,
};

/** Answers with a document: the fields within S3's root element. */
export function answerXml(response: ServerResponse, root: string, fields: string): void {
  response.setHeader('content-type', 'application/xml');
  response.end(`${XML}<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${fields}</${root}>`);
}

export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { code, message }: { readonly code: string; readonly message: string },
): void {
  // The rest of a refused upload would be read as the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(STATUS[code] ?? 400, { 'content-type': 'application/xml' });
  response.end(
    request.method === 'HEAD' ? undefined : `${XML}<Error>${tags({ Code: code, Message: message })}</Error>`,
  );
}

/** Elements by their names, in order, with escaped text; those that are undefined are left out. */
export function tags(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join('');
}

const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';

function escapeXml(text: string): string {
  return text.replace(/[<>&"'\u0000-\u001f]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** The texts of all elements of a name that contain no others, in order. */
export function elementsOf(xml: string, name: string): string[] {
  const [, ...rest] = xml.split(`<${name}>`);
  return rest.map((text) => unescapeXml(text.split(`</${name}>`, 1)[0] ?? ''));
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g, (_all, decimal, hex, name) =>
    name === undefined ? String.fromCodePoint(Number(decimal ?? `0x${hex}`)) : (ENTITIES[name] ?? ''),
  );
}

/** How keys are written in listings: as they are, or percent-encoded if the request asks for it. */
export function keyText(query: URLSearchParams): (key: string) => string {
  return query.get('encoding-type') === 'url' ? encodeURIComponent : (key) => key;
}
