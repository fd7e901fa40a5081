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

/** Parameters of functions that take any number of them: two to ten. */
const PARAMETERS = [2, 3, 4, 5, 6, 7, 8, 9, 10].map((count) =>
  Array.from({ length: count }, (_, index) => `p${index + 1}`),
);

/** DuckDB's own skip nulls. */
function nullIfAny(name: string): string[] {
  return PARAMETERS.map((names) => {
    const list = names.join(', ');
    const isNull = names.map((each) => `${each} IS NULL`).join(' OR ');
    return `${name}(${list}) AS CASE WHEN ${isNull} THEN NULL ELSE system.main.${name}(${list}) END`;
  });
}

function replacing(text: string, pairs: readonly (readonly [string, string])[]): string {
  return pairs.reduce((inner, [from, to]) => `system.main.replace(${inner}, '${from}', '${to}')`, text);
}

/**
 * Athena's functions that DuckDB lacks or understands otherwise, as macros in DuckDB's SQL: a name with its parameters, and
 * its meaning. Each does what Trino does, which test/local/athena/trino-answers.txt has from Trino itself.
 * https://trino.io/docs/current/functions.html
 *
 * A macro hides DuckDB's own function of its name, in other macros too: these name it `system.main.…`.
 */
const MACROS: readonly string[] = [
  // Numbers.
  ...nullIfAny('greatest'),
  ...nullIfAny('least'),
  'truncate(number) AS trunc(number)',
  'e() AS exp(1)',
  "nan() AS CAST('NaN' AS DOUBLE)",
  "infinity() AS CAST('Infinity' AS DOUBLE)",
  'is_nan(number) AS isnan(number)',
  'is_finite(number) AS isfinite(number)',
  'is_infinite(number) AS isinf(number)',
  'to_base(number, radix) AS lower(system.main.to_base(number, radix))',
  'bitwise_and(a, b) AS a & b',
  'bitwise_or(a, b) AS a | b',
  'bitwise_xor(a, b) AS xor(a, b)',

  // Times.
  'from_unixtime(seconds) AS to_timestamp(seconds)',
  'to_unixtime(moment) AS epoch(moment)',
  'at_timezone(moment, zone) AS timezone(zone, CAST(moment AS TIMESTAMPTZ))',
  'with_timezone(moment, zone) AS timezone(zone, CAST(moment AS TIMESTAMP))',
  'from_iso8601_timestamp(text) AS CAST(text AS TIMESTAMPTZ)',
  'from_iso8601_date(text) AS CAST(text AS DATE)',
  'day_of_month(moment) AS day(moment)',
  'day_of_week(moment) AS isodow(moment)',
  'dow(moment) AS isodow(moment)',
  'day_of_year(moment) AS dayofyear(moment)',
  'doy(moment) AS dayofyear(moment)',
  'week_of_year(moment) AS week(moment)',
  'year_of_week(moment) AS isoyear(moment)',
  'yow(moment) AS isoyear(moment)',
  'millisecond(moment) AS system.main.millisecond(moment) % 1000',
  'last_day_of_month(moment) AS last_day(moment)',
  // EXTRACT. A week begins with Sunday in DuckDB.
  `date_part(part, moment) AS CASE
     WHEN lower(part) IN ('dow', 'day_of_week') THEN isodow(moment) ELSE system.main.date_part(part, moment) END`,
  // DuckDB's own counts the ends of units between the two times, Athena whole units.
  'date_diff(unit, begin_, end_) AS date_sub(unit, begin_, end_)',
  `date_add(unit, count, moment) AS moment + CASE lower(unit)
     WHEN 'millisecond' THEN to_milliseconds(count) WHEN 'second' THEN to_seconds(count)
     WHEN 'minute' THEN to_minutes(count) WHEN 'hour' THEN to_hours(count) WHEN 'day' THEN to_days(count)
     WHEN 'week' THEN to_weeks(count) WHEN 'month' THEN to_months(count)
     WHEN 'quarter' THEN to_months(3 * count) WHEN 'year' THEN to_years(count)
     ELSE error('date_add: ' || unit || ' is no unit') END`,
  // DuckDB checks a macro when it is created. The format is not known then, and strptime refuses that: the macro is
  // created over a placeholder. When the macro is used, the format is a constant.
  'date_parse(text, format) AS constant_strptime(text, mysql_time_format(format))',
  // %f has six digits, of which Trino fills three.
  "date_format(moment, format) AS strftime(date_trunc('milliseconds', moment), mysql_time_format(format))",

  // Aggregates. Exact: the error of DuckDB's own estimate of distinct values is ten times Trino's 2.3 %.
  'approx_distinct(value) AS count(DISTINCT value)',
  'approx_percentile(value, fraction) AS quantile_disc(value, fraction)',
  // Of no rows, or of nulls alone, DuckDB's own is null.
  'count_if(condition) AS count(CASE WHEN condition THEN 1 END)',
  'every(condition) AS bool_and(condition)',
  'map_agg(key, value) AS map(list(key), list(value))',
  'bitwise_and_agg(value) AS bit_and(value)',
  'bitwise_or_agg(value) AS bit_or(value)',

  // Texts.
  ...PARAMETERS.map((names) => `concat(${names.join(', ')}) AS ${names.join(' || ')}`),
  // There is no character before the first one.
  ...['substr', 'substring'].flatMap((name) => [
    `${name}(text, first) AS CASE
       WHEN first = 0 OR first < -length(text) THEN '' ELSE system.main.substr(text, first) END`,
    `${name}(text, first, count) AS CASE
       WHEN first = 0 OR first < -length(text) THEN '' ELSE system.main.substr(text, first, count) END`,
  ]),
  `split_part(text, delimiter, part) AS CASE
     WHEN part <= len(string_split(text, delimiter)) THEN system.main.split_part(text, delimiter, part) END`,
  "replace(text, search) AS system.main.replace(text, search, '')",
  'replace(text, search, replacement) AS system.main.replace(text, search, replacement)',
  'codepoint(letter) AS unicode(letter)',
  'levenshtein_distance(a, b) AS levenshtein(a, b)',
  'hamming_distance(a, b) AS hamming(a, b)',
  'to_utf8(text) AS encode(text)',
  'from_utf8(bytes) AS decode(bytes)',
  'md5(bytes) AS unhex(system.main.md5(bytes))',
  'sha1(bytes) AS unhex(system.main.sha1(bytes))',
  'sha256(bytes) AS unhex(system.main.sha256(bytes))',

  // Regular expressions.
  'regexp_like(text, pattern) AS regexp_matches(text, pattern)',
  `regexp_extract(text, pattern) AS CASE
     WHEN regexp_matches(text, pattern) THEN system.main.regexp_extract(text, pattern) END`,
  `regexp_extract(text, pattern, part) AS CASE
     WHEN regexp_matches(text, pattern) THEN system.main.regexp_extract(text, pattern, part) END`,
  "regexp_replace(text, pattern) AS system.main.regexp_replace(text, pattern, '', 'g')",
  // Parts of what was found are $1 in Athena and \1 in DuckDB.
  `regexp_replace(text, pattern, replacement) AS system.main.regexp_replace(text, pattern,
     system.main.regexp_replace(replacement, '\\$(\\d)', '\\\\\\1', 'g'), 'g')`,
  'regexp_count(text, pattern) AS len(regexp_extract_all(text, pattern))',
  'regexp_split(text, pattern) AS regexp_split_to_array(text, pattern)',

  // Times of tables have milliseconds in Athena; texts have no length here, as in tables.
  `typeof(value) AS CASE system.main.typeof(value)
     WHEN 'TIMESTAMP' THEN 'timestamp(3)' ELSE lower(system.main.typeof(value)) END`,

  // Arrays and maps.
  'element_at(container, key) AS container[key]',
  'array_join(elements, delimiter) AS array_to_string(elements, delimiter)',
  `array_join(elements, delimiter, null_text) AS
     array_to_string([coalesce(CAST(each AS VARCHAR), null_text) for each in elements], delimiter)`,
  // A null among the elements makes the answer one, as it may be any value.
  'array_max(elements) AS CASE WHEN list_count(elements) = len(elements) THEN list_max(elements) END',
  'array_min(elements) AS CASE WHEN list_count(elements) = len(elements) THEN list_min(elements) END',
  `contains(elements, element) AS CASE
     WHEN list_contains(elements, element) THEN true WHEN list_count(elements) = len(elements) THEN false END`,
  'cardinality(elements) AS len(elements)',
  'array_position(elements, element) AS coalesce(list_position(elements, element), 0)',
  'array_remove(elements, element) AS [each for each in elements if each <> element]',
  'arrays_overlap(a, b) AS list_has_any(a, b)',
  'slice(elements, first, count) AS list_slice(elements, first, first + count - 1)',
  'sequence(first, last) AS generate_series(first, last, CASE WHEN last < first THEN -1 ELSE 1 END)',
  'sequence(first, last, step) AS generate_series(first, last, step)',

  // JSON. Trino writes a key in brackets and quotes, DuckDB after a dot. A value that is not a scalar, or text that is not
  // JSON, is null.
  `json_extract_scalar(json, path) AS CASE
     WHEN NOT json_valid(json) THEN NULL
     WHEN json_type(json, json_path(path)) IN ('OBJECT', 'ARRAY') THEN NULL
     ELSE json_extract_string(json, json_path(path)) END`,
  'json_extract(json, path) AS system.main.json_extract(json, json_path(path))',
  "json_array_length(json) AS CASE WHEN json_type(json) = 'ARRAY' THEN system.main.json_array_length(json) END",
  'json_parse(text) AS CAST(text AS JSON)',
  'json_format(json) AS CAST(json AS VARCHAR)',

  // Addresses. Like java.net.URI: a text with a character that is invalid in a URI has no parts at all.
  `url_extract_protocol(url) AS system.main.regexp_extract(url_or_null(url), '^([A-Za-z][A-Za-z0-9+.-]*):', 1)`,
  // Like java.net.URI too: what stands in place of a host and is none, such as a name with _ or a port that is no number,
  // is neither.
  `url_extract_host(url) AS system.main.regexp_extract(url_or_null(url), '${SERVER}', 1)`,
  `url_extract_port(url) AS TRY_CAST(system.main.regexp_extract(url_or_null(url), '${SERVER}', 2) AS BIGINT)`,
  // If no slash follows the scheme, as in mailto:, the rest is not a path.
  `url_extract_path(url) AS CASE
     WHEN regexp_matches(url_or_null(url), '^[A-Za-z][A-Za-z0-9+.-]*:[^/]') THEN ''
     ELSE system.main.url_decode(
       system.main.regexp_extract(url_or_null(url), '^(?:[^:/?#]+:)?(?://[^/?#]*)?([^?#]*)', 1)) END`,
  `url_extract_query(url) AS system.main.url_decode(
     CASE WHEN url_or_null(url) IS NULL THEN NULL ELSE coalesce(url_raw_query(url), '') END)`,
  `url_extract_parameter(url, name) AS url_decode(system.main.substr(
     list_filter(string_split(url_raw_query(url), '&'), lambda pair: string_split(pair, '=')[1] = name)[1],
     length(name) + 2))`,
  "url_decode(text) AS system.main.url_decode(replace(text, '+', ' '))",
  // As java.net.URLEncoder does, which is the encoding of forms.
  `url_encode(text) AS ${replacing('system.main.url_encode(text)', [
    ['%20', '+'],
    ['%2A', '*'],
    ['~', '%7E'],
  ])}`,
];

/** What only other macros use. Each may use those before it. */
const HELPERS: readonly string[] = [
  // In MySQL's formats %M is the name of the month and %i the minute, in DuckDB's %B and %M: so %M is replaced first.
  // chr(1) temporarily replaces a doubled percent sign.
  `mysql_time_format(format) AS system.main.replace(${replacing("system.main.replace(format, '%%', chr(1))", [
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
  ])}, chr(1), '%%')`,
  'constant_strptime(text, format) AS CAST(NULL AS TIMESTAMP)',
  `json_path(path) AS system.main.regexp_replace(path, '\\["([^"]*)"\\]', '."\\1"', 'g')`,
  `url_or_null(url) AS CASE
     WHEN regexp_matches(system.main.regexp_replace(url, '%[0-9A-Fa-f]{2}', '', 'g'), '[\\x00-\\x20"<>\\\\^\`{|}%\\x7f]')
     THEN NULL ELSE url END`,
  `url_raw_query(url) AS CASE
     WHEN regexp_matches(url, '^[^?#]*\\?') THEN system.main.regexp_extract(url_or_null(url), '^[^?#]*\\?([^#]*)', 1) END`,
];

/** Functions of DuckDB that do what Athena's of their names do. */
const SAME: readonly string[] = [
  ...['abs', 'acos', 'asin', 'atan', 'atan2', 'cbrt', 'ceil', 'ceiling', 'cos', 'degrees', 'exp', 'floor', 'ln', 'log'],
  ...['log10', 'log2', 'mod', 'pi', 'pow', 'power', 'radians', 'random', 'round', 'sign', 'sin', 'sqrt', 'tan'],
  ...['chr', 'concat_ws', 'from_base64', 'from_hex', 'length', 'lower', 'lpad', 'ltrim', 'position', 'reverse', 'rpad'],
  ...['rtrim', 'split', 'starts_with', 'strpos', 'to_base64', 'to_hex', 'translate', 'trim', 'upper'],
  ...['regexp_extract_all', 'coalesce', 'if', 'nullif', 'try', 'uuid'],
  ...['date', 'date_trunc', 'day', 'hour', 'minute', 'month', 'now', 'quarter', 'second', 'week', 'year'],
  ...['array_intersect', 'array_sort', 'flatten', 'map', 'map_keys', 'map_values'],
  ...['any_value', 'arbitrary', 'array_agg', 'avg', 'bool_and', 'bool_or', 'corr', 'count', 'covar_pop', 'covar_samp'],
  ...['geometric_mean', 'histogram', 'kurtosis', 'max', 'max_by', 'min', 'min_by', 'regr_intercept', 'regr_slope'],
  ...['stddev', 'stddev_pop', 'stddev_samp', 'sum', 'var_pop', 'var_samp', 'variance'],
  ...['cume_dist', 'dense_rank', 'first_value', 'lag', 'last_value', 'lead', 'nth_value', 'ntile', 'percent_rank'],
  ...['rank', 'row_number', 'unnest'],
];

/** Statements that make the macros, in this order. */
export const MACRO_STATEMENTS: readonly string[] = [
  ...[...HELPERS, ...overloads(MACROS)].map((macro) => `CREATE OR REPLACE MACRO ${macro}`),
  // Its format is a constant only where it is used: see date_parse.
  'CREATE OR REPLACE MACRO constant_strptime(text, format) AS strptime(text, format)',
];

/** Names of Athena's functions that can be used here, in alphabetical order. */
export const ATHENA_FUNCTIONS: readonly string[] = [
  ...new Set([...MACROS.map(nameOf), ...SAME].filter((name) => name !== 'date_part')),
].sort();

function nameOf(macro: string): string {
  return macro.slice(0, macro.indexOf('('));
}

/** Macros of one name are made together: `name(a) AS …, (a, b) AS …`. */
function overloads(macros: readonly string[]): string[] {
  return [...Map.groupBy(macros, nameOf)].map(
    ([name, all]) => `${name}${all.map((macro) => macro.slice(name.length)).join(', ')}`,
  );
}
