/** A context param that cannot be used; stops synth. Its message is one line: the param, what came, what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** The param, as a path: `sources[0].from.bucket`. */
  readonly param: string;

  constructor(param: string, message: string) {
    super(`${param}: ${message}`);
    this.param = param;
  }

  /** `got` is shown as JSON, cut short; `allowed` completes "allowed: ". */
  static notAllowed(param: string, got: unknown, allowed: string): ConfigError {
    return new ConfigError(param, `got ${shown(got)}, allowed: ${allowed}`);
  }
}

/** A value as it is shown in a message: JSON on one line, at most 80 characters. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const json = JSON.stringify(value);
  return json.length > 80 ? `${json.slice(0, 79)}…` : json;
}
