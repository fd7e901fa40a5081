/**
 * Athena's functions that DuckDB lacks, as macros in DuckDB's SQL. Each does what Trino documents:
 * https://trino.io/docs/current/functions.html
 *
 * Known to differ: `t AT TIME ZONE z` on a timestamp without zone reads it as local time of z in
 * DuckDB and converts it from UTC in Athena (at_timezone converts here too); patterns are RE2's,
 * without look-around; what Athena estimates is exact here.
 */
export const ATHENA_FUNCTIONS: readonly string[] = [
  'from_unixtime(seconds) AS to_timestamp(seconds)',
  'to_unixtime(moment) AS epoch(moment)',
  'at_timezone(moment, zone) AS timezone(zone, CAST(moment AS TIMESTAMPTZ))',

  // %M is the month's name and %i the minute: DuckDB's %B and %M, so %M goes first. chr(1) stands for
  // a doubled percent sign meanwhile.
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
  // DuckDB tries a macro when it is made, with a format not known yet, which strptime refuses: the macro
  // is made over a stand-in. When it is used, the format is a constant.
  'constant_strptime(text, format) AS CAST(NULL AS TIMESTAMP)',
  'date_parse(text, format) AS constant_strptime(text, mysql_time_format(format))',
  'constant_strptime(text, format) AS strptime(text, format)',

  'date_format(moment, format) AS strftime(moment, mysql_time_format(format))',

  // Exact: DuckDB's own estimate of distinct values is ten times as far off as Trino's 2.3 %.
  'approx_distinct(value) AS count(DISTINCT value)',
  'approx_percentile(value, fraction) AS quantile_disc(value, fraction)',

  'regexp_like(text, pattern) AS regexp_matches(text, pattern)',
  'element_at(container, key) AS container[key]',

  // Trino writes a key in brackets and quotes, DuckDB after a dot; what is no scalar, or no JSON, is null.
  `json_path(path) AS regexp_replace(path, '\\["([^"]*)"\\]', '."\\1"', 'g')`,
  `json_extract_scalar(json, path) AS CASE
     WHEN NOT json_valid(json) THEN NULL
     WHEN json_type(json, json_path(path)) IN ('OBJECT', 'ARRAY') THEN NULL
     ELSE json_extract_string(json, json_path(path)) END`,

  // As java.net.URI reads it: a text with a character no URI may hold has no parts at all.
  `url_or_null(url) AS CASE
     WHEN regexp_matches(regexp_replace(url, '%[0-9A-Fa-f]{2}', '', 'g'), '[\\x00-\\x20"<>\\\\^\`{|}%\\x7f]') THEN NULL
     ELSE url END`,
  `url_extract_protocol(url) AS regexp_extract(url_or_null(url), '^([A-Za-z][A-Za-z0-9+.-]*):', 1)`,
  `url_extract_host(url) AS regexp_extract(url_or_null(url), '${authority('(\\[[^\\]]*\\]|[^/?#:]*)')}', 1)`,
  `url_extract_port(url) AS
     TRY_CAST(regexp_extract(url_or_null(url), '${authority('(?:\\[[^\\]]*\\]|[^/?#:]*):(\\d+)')}', 1) AS BIGINT)`,
  // What follows the scheme without a slash, as in mailto:, is no path.
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

/** A URL up to `host`, which may be followed by a port. */
function authority(host: string): string {
  return `^(?:[^:/?#]+:)?//(?:[^/?#@]*@)?${host}`;
}
