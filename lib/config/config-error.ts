/**
 * A context param that cannot be used; synth stops. The message is one line: the param, the value given, what is
 * allowed.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** The param as a path: `sources[0].from.bucket`. */
  readonly param: string;

  constructor(param: string, message: string) {
    super(`${param}: ${message}`);
    this.param = param;
  }

  /** `got` is shown as JSON, shortened if long; `allowed` completes the sentence "allowed: ". */
  static notAllowed(param: string, got: unknown, allowed: string): ConfigError {
    return new ConfigError(param, `got ${shown(got)}, allowed: ${allowed}`);
  }
}

/** A value as shown in a message: JSON on one line, at most 80 characters. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const json = JSON.stringify(value);
  return json.length > 80 ? `${json.slice(0, 79)}…` : json;
}
