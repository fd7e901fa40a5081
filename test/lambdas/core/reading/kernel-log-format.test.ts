import { describe, expect, test } from 'vitest';
import { compiled } from '../../../helpers/compiled.ts';
import { counted, loaded, withoutKernel } from '../../../helpers/kernel.ts';
import { recordsOf } from '../../../helpers/records.ts';

/** A line of Kong's access log with other values. */
function line({
  client = '203.0.113.7',
  time = '29/Nov/2024:11:41:46 +0000',
  request = 'GET /a?b=c HTTP/1.1',
  status = '200',
  bytes = '12',
  agent = 'curl/8.7.1',
  rest = '',
} = {}): string {
  return `${client} - - [${time}] "${request}" ${status} ${bytes} "-" "${agent}" kong_request_id: "b9d8"${rest}`;
}

const docker = (log: string, more: object = {}) =>
  JSON.stringify({ log: `${log}\n`, stream: 'stdout', time: '2024-11-29T11:41:46.1Z', ...more });
const UNFILTERED = { no_http: false, no_client_address: false, local_client: false, not_stdout: false };

describe.each([
  ['filtered', compiled('kong')],
  ['unfiltered', compiled('kong', { filters: UNFILTERED })],
])("lines of Kong's access log that would cost many times as much in the reader, %s", (_, format) => {
  test.each([
    ['a status that is no number', line({ status: 'abc' })],
    ['a status of other digits', `${line({ status: '99' })}\n${line({ status: '1000' })}`],
    ['a status that is no number and a request without HTTP', line({ status: '4x4', request: 'hello' })],
    ['a size that is no number', line({ bytes: '12 kB' })],
    ['a size of too many digits', line({ bytes: '123456789012345678901' })],
    ['a time that is none', line({ time: 'yesterday' })],
    ['a size of bytes that are no UTF-8', line({ bytes: '\xe9\xff' })],
    ['several values that do not convert', line({ status: '20', bytes: 'x', time: 'now', request: 'HTTP/' })],
    ['text after its end', line({ rest: ' and more' })],
    ['text directly after its end', line({ rest: '"x"\\ \x01\xff\t.' })],
    ['white space after its end', line({ rest: ' \t \v\f' })],
    ['text after its end that has HTTP', line({ rest: ' HTTP/1.1', request: '-' })],
    ['the handshake of TLS as the request', line({ request: '\\x16\\x03\\x01\\x02\\x00\\x01' })],
    ['the handshake of TLS with a space', line({ request: '\\x16\\x03 \\x01' })],
    ['a method that is none', line({ request: 'G!T / HTTP/1.1' })],
    ['no request', `${line({ request: '-' })}\n${line({ request: '' })}`],
    ['a request of one word', `${line({ request: 'HTTP/1.1' })}\n${line({ request: 'hello' })}`],
    ['a request without a version', `${line({ request: 'GET /a b?c d' })}\n${line({ request: 'GET /' })}`],
    ['a request whose version is its path', line({ request: 'GET HTTP/1.1' })],
    ['a request without HTTP, but a user agent with it', line({ request: 'GET /', agent: 'a HTTP/ b' })],
    ['a request with spaces around it', line({ request: '  GET /a?b HTTP/1.1 ' })],
    ['spaces around no request', line({ request: ' hello  ' })],
    ['a version that is empty', `${line({ request: 'GET / HTTP/' })}\n${line({ request: 'GET HTTP/' })}`],
    ['a client that is an IPv4 address on an IPv6 socket', line({ client: '::ffff:192.0.2.7' })],
    ['a client that is its own machine on an IPv6 socket', line({ client: '::ffff:127.0.0.1' })],
    ['a client that is a Unix socket', line({ client: 'unix:' })],
    ['a client that is a Unix socket, and no request', line({ client: 'unix:', request: '-' })],
    ['a client that is a host', line({ client: 'host-1.example.com' })],
    ['a client of which a part is masked', line({ client: '192.0.2.x' })],
    ['a client and a request that are none', line({ client: 'unknown', request: '-' })],
    ['such values from Kubernetes', `2024-11-29T11:41:46Z stdout F ${line({ status: 'abc', rest: ' more' })}`],
    ['such values from Docker', docker(line({ status: 'abc', rest: ' more' }))],
  ])('a line with %s is read by the kernel', (what, odd) => {
    const rounds = Buffer.from(
      `${line()}\n${`${odd}\n`.repeat(3)}`,
      what === 'such values from Docker' ? 'utf8' : 'latin1',
    );
    const { format: fast, read } = counted(format);
    for (const keepRaw of ['never', 'on-error', 'always'] as const) {
      expect(loaded(fast, [rounds], { keepRaw })).toEqual(loaded(withoutKernel(format), [rounds], { keepRaw }));
    }
    for (const recordKey of [undefined, ['status_code', 'log_time'], ['request_method', 'client_ip']]) {
      expect(recordsOf(fast, [rounds], recordKey)).toEqual(recordsOf(withoutKernel(format), [rounds], recordKey));
    }
    // The first line of an object is the reader's, and so is the first of Docker's records.
    expect(read()).toBe(what === 'such values from Docker' ? 12 : 6);
  });
});

test.each([
  ['a value that begins with a quote', docker(line({ bytes: '"x' }))],
  ['text after the end that ends with no ASCII', docker(line({ rest: ' é' }))],
  ['text after the end beside other members', docker(line({ rest: ' more' }), { a: 1 })],
  ['bytes that are no UTF-8 in a request', line({ request: '\xe9\xff', status: '1' })],
  ['an escape in a value that does not convert', line({ bytes: 'x\\x41' })],
  ['a request with a space before it', line({ request: ' GET / HTTP/1.1' })],
  ['a request with a space that is no ASCII before it', line({ request: '\xa0G!T / HTTP/1.1' })],
  ['a request without a version', line({ request: 'GET / HTTP/' })],
  ['zeros as the status', line({ status: '000' })],
  ['nothing but spaces as the request', line({ request: '   ' })],
  ['an address with zeros before a number', line({ client: '::ffff:192.0.02.7' })],
  ['an address that is too long', line({ client: '::ffff:192.0.2.7.8' })],
  ['a mapped address that is none', line({ client: '::ffff:256.0.2.7' })],
  ['a mapped address without numbers', line({ client: '::ffff:' })],
  ['the path of a Unix socket', line({ client: 'unix:/run/a' })],
  ['spaces of another alphabet around a request', line({ request: '\u3000 GET / HTTP/1.1 \u3000' })],
])('a line with %s is read alike', (_, odd) => {
  for (const filters of [{}, UNFILTERED]) {
    const format = compiled('kong', { filters });
    for (const encoding of ['latin1', 'utf8'] as const) {
      const bytes = Buffer.from(`${line()}\n${odd}\n${odd}\n`, encoding);
      expect(loaded(format, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
      expect(recordsOf(format, [bytes])).toEqual(recordsOf(withoutKernel(format), [bytes]));
    }
  }
});

test('values that do not convert are in errors with the name of their column', () => {
  const bytes = Buffer.from(
    `${line()}\n${line({ client: 'a.b', status: '20', bytes: 'x', request: '-a', rest: ' "end"' })}\n`,
  );
  const { format, read } = counted(compiled('kong', { filters: UNFILTERED }));
  const { rows } = loaded(format, [bytes]);
  const texts = Object.values(JSON.parse(rows[1] ?? '{}') as Record<string, unknown>);
  expect(read()).toBe(1);
  expect(texts).toContain('{"rest":"\\"end\\""}');
  expect(texts).toContain(
    JSON.stringify({
      client_ip: { value: 'a.b', reason: 'not an address' },
      request_url: { value: '-a', reason: 'not METHOD URL HTTP/version' },
      status_code: { value: '20', reason: 'not a status code of three digits' },
      bytes_sent: { value: 'x', reason: 'not a whole number' },
    }),
  );
});

test.each(['""', '"-"', '"-a.b"', '"a\\"b"', '"é"'])(
  'a record of Kong with the host %s is read by the kernel',
  (host) => {
    const { format, read } = counted(compiled('kong-json'));
    const bytes = Buffer.from(`{"client_ip":"192.0.2.7","request":{"headers":{"host":${host}}}}\n`.repeat(3));
    expect(loaded(format, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
    expect(recordsOf(format, [bytes], ['host_domain', 'project_name'])).toEqual(
      recordsOf(withoutKernel(format), [bytes], ['host_domain', 'project_name']),
    );
    // The first line of an object is the reader's, and it alone has read what the kernel is compared with.
    expect(read()).toBe(2 * (1 + 3));
  },
);

test.each([
  ['a latency that is no number', '"latencies":{"kong":"x\\u00e9"}'],
  ['a latency that is true', '"latencies":{"kong":true}'],
  ['a size with a fraction', '"request":{"size":1.5}'],
  ['a status that is text', '"response":{"status":"OK \\"x\\""}'],
  ['a status of many digits', '"response":{"status":123456789012}'],
  ['a time that is none', '"started_at":"soon"'],
  ['several of them', '"response":{"status":"OK","size":"x"},"started_at":{"a":[1]}'],
  ['times in lists', '"started_at":[1732880506],"response":{"size":[5]}'],
])('a record of Kong with %s is read alike', (_, members) => {
  const format = compiled('kong-json');
  const record = `{"client_ip":"192.0.2.7",${members},"other":[1]}`;
  const bytes = Buffer.from(`${record}\n${record}\n${docker(record)}\n`);
  for (const keepRaw of ['never', 'on-error', 'always'] as const) {
    expect(loaded(format, [bytes], { keepRaw })).toEqual(loaded(withoutKernel(format), [bytes], { keepRaw }));
  }
  for (const recordKey of [undefined, ['status_code', 'started_at']]) {
    expect(recordsOf(format, [bytes], recordKey)).toEqual(recordsOf(withoutKernel(format), [bytes], recordKey));
  }
});
