/** Times in any form, for lines of the kernel's tests. */
import fc from 'fast-check';

/** A moment: whole seconds since the epoch, and the digits of a fraction. */
interface Moment {
  readonly seconds: number;
  readonly fraction: string;
}

/** The first second of the year 0, and the last of 9999. */
const [FIRST, LAST] = [-62_167_219_200, 253_402_300_799];
/** Seconds at which a row has another form of a time, or a number another length; and the ends of what is a time. */
const LIMITS = [FIRST, 0, 9, 1_000_000_000, 2_147_483_647, 9_999_999_999, LAST];
const FRACTIONS = ['', '0', '5', '12', '000', '001', '123000', '123456', '000001', '123000999', '000000001'];

export const moment: fc.Arbitrary<Moment> = fc.record({
  seconds: fc.oneof(
    fc.tuple(fc.constantFrom(...LIMITS), fc.integer({ min: -90, max: 90 })).map(([limit, by]) => limit + by),
    fc.integer({ min: 0, max: 2_147_483_647 }),
    fc.integer({ min: FIRST, max: LAST }),
  ),
  fraction: fc.oneof(
    fc.constantFrom(...FRACTIONS),
    fc
      .tuple(fc.nat(999_999_999), fc.nat(9))
      .map(([digits, length]) => String(digits).padStart(9, '0').slice(0, length)),
  ),
});

const dotted = (fraction: string) => fraction && `.${fraction}`;

function isoText({ seconds, fraction }: Moment, between = 'T'): string {
  const iso = new Date(seconds * 1000).toISOString();
  return `${iso.slice(0, 10)}${between}${iso.slice(11, 19)}${dotted(fraction)}`;
}

function localText({ seconds }: Moment): string {
  const [, , day, month, year, time] = /^(\w+), (\d\d) (\w+) (-?\d+) ([\d:]+)/.exec(
    new Date(seconds * 1000).toUTCString(),
  ) as RegExpExecArray;
  return `${day}/${month}/${year}:${time}`;
}

const millisText = ({ seconds, fraction }: Moment) => String(seconds * 1000 + Number(fraction.slice(0, 3)));

/** Forms of time that the kernel reads, or leaves to the TypeScript reader. */
const OTHER_FORMS: readonly ((at: Moment) => string)[] = [
  (at) => `${isoText(at).replace(/[-:]/g, '')}Z`,
  (at) => isoText(at).replace(/[-:]/g, ''),
  (at) => `${isoText(at).replace(/[-:]/g, '')}-0330`,
  (at) => `${isoText(at, ' ').replace('.', ',')}`,
  (at) => `${isoText(at, ' ')} +0200 CEST m=+0.000100000`,
  (at) => isoText(at, ' ').replaceAll('-', '/'),
  (at) => `${isoText(at)}+02:00[Europe/Berlin]`,
  (at) => isoText(at).replace(/T\d\d:\d\d:\d\d/, 'T24:00:00'),
  (at) => `${isoText(at).replace(/T\d\d:\d\d:\d\d/, 'T23:59:60')}Z`,
  (at) => `${localText(at)} +0000`,
  (at) => new Date(at.seconds * 1000).toUTCString(),
  (at) => new Date(at.seconds * 1000).toUTCString().replace('GMT', '+0200'),
];

export const timeJson = fc.oneof(
  fc
    .tuple(moment, fc.constantFrom('Z', '', '+09:00', '-0330', '-1800', '+18:01', '+0560', '+99:99'))
    .map(([at, zone]) => `"${isoText(at)}${zone}"`),
  moment.map((at) => `${at.seconds}${dotted(at.fraction)}`),
  moment.map(millisText),
  fc
    .tuple(
      moment,
      fc.constantFrom(...OTHER_FORMS),
      fc.nat(60),
      fc.constantFrom('', '', '', '0', 'T', '/', ' ', 'x', ':'),
    )
    .map(([at, write, place, put]) => {
      const text = write(at);
      return JSON.stringify(put === '' ? text : text.slice(0, place) + put + text.slice(place + (place % 2)));
    }),
);

/** Times in lines: what comes behind the seconds of ISO's and nginx's stays. */
const LINE_TIMES = [
  [/\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(?:\.\d+)?/g, (at: Moment, between: string) => isoText(at, between)],
  [/\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d/g, localText],
  [/\b1732880506\d{3}\b/g, millisText],
  [/\b1732880506(?:\.\d+)?\b/g, (at: Moment) => `${at.seconds}${dotted(at.fraction)}`],
] as const;

/** The line with other times, the moments in turn. */
export function retimed(line: string, moments: readonly Moment[]): string {
  let turn = 0;
  const next = () => moments[turn++ % moments.length] as Moment;
  return LINE_TIMES.reduce(
    (text, [time, write]) => text.replace(time, (_, between: unknown) => write(next(), String(between))),
    line,
  );
}

/** Lines that have times, with each of the seconds at the limits and next to them, and with each fraction. */
export function linesAtLimits(lines: readonly string[]): string[] {
  const seconds = LIMITS.flatMap((limit) => [limit - 1, limit, limit + 1]);
  const moments = seconds.flatMap((each) => FRACTIONS.map((fraction) => ({ seconds: each, fraction })));
  return moments.flatMap((at) => lines.map((line) => retimed(line, [at])).filter((line) => !lines.includes(line)));
}
