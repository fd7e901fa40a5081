/** Parts of a host's name: a label, and the last of several, which begins with a letter. */
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const LAST_LABEL = '[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const BYTE = '0*(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const HOST = `\\[[^\\]]*\\]|(?:${BYTE}\\.){3}${BYTE}|(?:(?:${LABEL}\\.)+${LAST_LABEL}|${LABEL})\\.?`;

/**
 * Pattern of a URL up to its server, in RE2's syntax: host and port are the groups.
 * https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/net/URI.html (server-based authority)
 */
const SERVER = `^(?:[^:/?#]+:)?//(?:[^/?#@]*@)?(${HOST})(?::(0*\\d{0,9}))?(?:[/?#]|$)`;

/**
 * Athena's functions that DuckDB lacks, as macros in DuckDB's SQL. Each does what Trino documents:
 * https://trino.io/docs/current/functions.html
 *
 * Known differences: `t AT TIME ZONE z` on a timestamp without a zone takes it for local time of z in DuckDB and
 * converts it from UTC in Athena (at_timezone also converts here); patterns are RE2's, without look-around; values that
 * Athena estimates are exact here. docs/local-lake.md lists them.
 */
export const ATHENA_FUNCTIONS: readonly string[] = [
  'from_unixtime(seconds) AS to_timestamp(seconds)',
  'to_unixtime(moment) AS epoch(moment)',
  'at_timezone(moment, zone) AS timezone(zone, CAST(moment AS TIMESTAMPTZ))',

  // In MySQL's formats %M is the name of the month and %i the minute, in DuckDB's %B and %M: so %M is replaced first.
  // chr(1) temporarily replaces a doubled percent sign.
  `mysql_time_format(format) AS ${replacing("replace(format, '%%', chr(1))", [
    ['%M', '%B'],
    ['%i', '%M'],
    ['%W', '%A'],
    ['%s', '%S'],
    ['%h', '%I'],
    ['%l', '%-I'],
    ['%k', '%-H'],
    ['%e', '%-d'],
    ['%c', '%-m'],
    ['%v', '%V'],
    ['%x', '%G'],
    ['%T', '%H:%M:%S'],
    ['%r', '%I:%M:%S %p'],
  ])}`,
  // DuckDB checks a macro when it is created. The format is not known then, and strptime refuses that: the macro is
  // created over a placeholder. When the macro is used, the format is a constant.
  'constant_strptime(text, format) AS CAST(NULL AS TIMESTAMP)',
  'date_parse(text, format) AS constant_strptime(text, mysql_time_format(format))',
  'constant_strptime(text, format) AS strptime(text, format)',

  // %f has six digits, of which Trino fills three.
  "date_format(moment, format) AS strftime(date_trunc('milliseconds', moment), mysql_time_format(format))",

  // Exact: the error of DuckDB's own estimate of distinct values is ten times Trino's 2.3 %.
  'approx_distinct(value) AS count(DISTINCT value)',
  'approx_percentile(value, fraction) AS quantile_disc(value, fraction)',

  // Of no rows, or of nulls alone, DuckDB's own is null.
  'count_if(condition) AS count(CASE WHEN condition THEN 1 END)',

  'regexp_like(text, pattern) AS regexp_matches(text, pattern)',
  'element_at(container, key) AS container[key]',

  // Trino writes a key in brackets and quotes, DuckDB after a dot. A value that is not a scalar, or text that is not
  // JSON, is null.
  `json_path(path) AS regexp_replace(path, '\\["([^"]*)"\\]', '."\\1"', 'g')`,
  `json_extract_scalar(json, path) AS CASE
     WHEN NOT json_valid(json) THEN NULL
     WHEN json_type(json, json_path(path)) IN ('OBJECT', 'ARRAY') THEN NULL
     ELSE json_extract_string(json, json_path(path)) END`,

  // Like java.net.URI: a text with a character that is invalid in a URI has no parts at all.
  `url_or_null(url) AS CASE
     WHEN regexp_matches(regexp_replace(url, '%[0-9A-Fa-f]{2}', '', 'g'), '[\\x00-\\x20"<>\\\\^\`{|}%\\x7f]') THEN NULL
     ELSE url END`,
  `url_extract_protocol(url) AS regexp_extract(url_or_null(url), '^([A-Za-z][A-Za-z0-9+.-]*):', 1)`,
  // Like java.net.URI too: what stands in place of a host and is none, such as a name with _ or a port that is no number,
  // is neither.
  `url_extract_host(url) AS regexp_extract(url_or_null(url), '${SERVER}', 1)`,
  `url_extract_port(url) AS TRY_CAST(regexp_extract(url_or_null(url), '${SERVER}', 2) AS BIGINT)`,
  // If no slash follows the scheme, as in mailto:, the rest is not a path.
  `url_extract_path(url) AS CASE
     WHEN regexp_matches(url_or_null(url), '^[A-Za-z][A-Za-z0-9+.-]*:[^/]') THEN ''
     ELSE url_decode(regexp_extract(url_or_null(url), '^(?:[^:/?#]+:)?(?://[^/?#]*)?([^?#]*)', 1)) END`,
  `url_raw_query(url) AS
     CASE WHEN regexp_matches(url, '^[^?#]*\\?') THEN regexp_extract(url_or_null(url), '^[^?#]*\\?([^#]*)', 1) END`,
  `url_extract_query(url) AS url_decode(CASE WHEN url_or_null(url) IS NULL THEN NULL ELSE coalesce(url_raw_query(url), '') END)`,
  `url_extract_parameter(url, name) AS url_decode(replace(substr(
     list_filter(string_split(url_raw_query(url), '&'), lambda pair: string_split(pair, '=')[1] = name)[1],
     length(name) + 2), '+', ' '))`,
];

function replacing(text: string, pairs: readonly (readonly [string, string])[]): string {
  const replaced = pairs.reduce((inner, [from, to]) => `replace(${inner}, '${from}', '${to}')`, text);
  return `replace(${replaced}, chr(1), '%%')`;
}
