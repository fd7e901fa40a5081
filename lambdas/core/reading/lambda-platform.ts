/**
 * Lines of plain text that Lambda itself writes into a function's log group, beside the function's own: the start, end
 * and report of each invocation, and the like. A function whose log format is JSON has records of Lambda in their place,
 * which are rows.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */

/** What follows the request's id in the lines of an invocation. */
const AFTER_ID: Readonly<Record<string, string>> = { START: 'Version: ', END: '', REPORT: 'Duration: ' };
const INVOCATION = /^(START|END|REPORT) RequestId: ([\da-z-]+)[\t ]*(Version: |Duration: |$)/;
/** Lengths of the parts of a request's id. The documentation has ids with letters beyond f (`xmpl`). */
const ID_PARTS = '8,4,4,4,12';

const OTHERS: readonly RegExp[] = [
  /^(?:INIT|RESTORE)_START Runtime Version: [^\t ]+[\t ]+Runtime Version ARN: arn:/,
  /^(?:INIT_REPORT Init|RESTORE_REPORT Restore) Duration: [\d.]+ ms/,
  /^XRAY TraceId: 1-[\da-f]+-[\da-f]+[\t ]+SegmentId: [\da-f]+/,
  /^(?:EXTENSION|TELEMETRY|LOGS)[\t ]+Name: [^\t ]+[\t ]+State: /,
];

/** True if the text is recognizably a line of Lambda's own. */
export function isLambdaPlatformLine(text: string): boolean {
  const [, what = '', id = '', after] = INVOCATION.exec(text) ?? [];
  if (after !== undefined)
    return after === AFTER_ID[what] && String(id.split('-').map(({ length }) => length)) === ID_PARTS;
  return OTHERS.some((form) => form.test(text));
}
