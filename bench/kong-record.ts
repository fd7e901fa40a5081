/** Records of Kong's http-log and file-log plugins. https://developer.konghq.com/plugins/http-log/ */
import { answer, clientAddress, pickEndpoint, userAgent } from '../local/sample/endpoints.ts';
import type { Random } from '../local/sample/random.ts';

/** One record. Slashes are escaped, as Kong's JSON library does, and keys are in no order, as in a Lua table. */
export function kongRecord(random: Random, time: number, uri: string): string {
  const endpoint = pickEndpoint(random);
  const { status, seconds, bytes } = answer(endpoint, random);
  const id = hex(random, 4);
  const took = Math.round(seconds * 1000);
  const name = endpoint.host.split('.')[0];
  const [path = ''] = uri.split('?');
  const record = {
    response: {
      size: bytes + 310,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-length': String(bytes),
        connection: 'close',
        via: '1.1 kong/3.9.0',
        server: 'gunicorn/19.9.0',
        'x-kong-upstream-latency': String(took),
        'x-kong-proxy-latency': '1',
        'x-kong-request-id': id,
      },
      status,
    },
    route: {
      updated_at: 1_726_782_477,
      tags: [],
      response_buffering: true,
      path_handling: 'v0',
      protocols: ['http', 'https'],
      service: { id: 'fb4eecf8-dec2-40ef-b779-16de7e2384c7' },
      https_redirect_status_code: 426,
      name: `${name}-route`,
      id: '0f1a4101-3327-4274-b1e4-484a4ab0c030',
      strip_path: true,
      preserve_host: false,
      paths: [`/${path.split('/')[1] ?? ''}`],
    },
    workspace: 'f381e34e-5c25-4e65-b91b-3c0a86cfc393',
    workspace_name: 'default',
    tries: [
      {
        balancer_start: time + 1,
        balancer_start_ns: (time + 1) * 1e6,
        ip: `10.0.${random.int(0, 3)}.${random.int(1, 254)}`,
        balancer_latency: 0,
        port: 8080,
        balancer_latency_ns: random.int(9_000, 90_000),
      },
    ],
    client_ip: clientAddress(random),
    request: {
      id,
      headers: {
        accept: '*/*',
        'user-agent': userAgent(random),
        host: endpoint.host,
        connection: 'keep-alive',
        'accept-encoding': 'gzip, deflate',
        'x-forwarded-for': clientAddress(random),
        traceparent: `00-${hex(random, 4)}-${hex(random, 2)}-01`,
      },
      uri,
      size: random.int(80, 2_000),
      method: endpoint.verb,
      querystring: {},
      url: `https://${endpoint.host}:8443${uri}`,
    },
    upstream_uri: path,
    started_at: time,
    source: 'upstream',
    upstream_status: String(status),
    latencies: { kong: random.int(0, 4), proxy: took, request: took + random.int(1, 6), receive: random.int(0, 3) },
    service: {
      host: `${name}.internal`,
      name,
      id: 'fb4eecf8-dec2-40ef-b779-16de7e2384c7',
      port: 8080,
      protocol: 'http',
      enabled: true,
      connect_timeout: 60_000,
      retries: 5,
    },
  };
  return JSON.stringify(record).replaceAll('/', '\\/');
}

function hex(random: Random, words: number): string {
  return Array.from({ length: words }, () => random.hex8()).join('');
}
