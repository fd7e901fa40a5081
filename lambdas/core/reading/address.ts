const IPV4 = /^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const IPV6_LETTERS = /^[0-9a-fA-F:.]{2,45}$/;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/** True if `text` is an IPv4 or IPv6 address without port or brackets. */
export function isAddress(text: string): boolean {
  if (!text.includes(':')) return text.length <= 15 && IPV4.test(text);
  // The URL parser knows every form of IPv6 (RFC 4291). A zone (`fe80::1%eth0`) is not part of the address.
  const zone = text.indexOf('%');
  const address = zone < 0 ? text : text.slice(0, zone);
  return IPV6_LETTERS.test(address) && URL.canParse(`http://[${address}]`);
}

/** True if the address is a loopback address, so the client is the machine itself. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.has(address);
}
