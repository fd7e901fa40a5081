/** What `lake prove` proves. Each claim answers one of the questions in the README that only an AWS account can. */

/** The claims, each with what it settles, as the README says it. */
export const CLAIMS = {
  every_column:
    'that Firehose reads rows without a separator between them, JSON keys that are signs, and times in each of the forms that rows have',
  types: 'that Athena gives every column the type that the table declares, and finds the day of the rows',
  bad_row: 'how much of a record one bad row fails, and with which code',
  input: 'that an object, or a log event, becomes rows, a rejected line and a row of `loads`',
  errors: 'that Firehose converts everything else: nothing new is under `errors/`',
  encryption: 'that the files of the tables are encrypted',
  metrics: 'that CloudWatch makes metrics of what the functions log',
} as const;

export type Claim = keyof typeof CLAIMS;

/** The outcome of one proof. */
export interface Proof {
  readonly claim: Claim;
  readonly source: string;
  /** `not_tried`: this lake or this source cannot be asked; `detail` says why. */
  readonly outcome: 'proved' | 'failed' | 'not_tried';
  /** What was found. */
  readonly detail: string;
}
