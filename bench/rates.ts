/** Writes the rates of a run in the form that `lake plan` reads. */
import { type FormatRates, type Rates, ratesOf } from '../bin/plan/rates.ts';
import type { BilledBytes } from './billed-bytes.ts';
import type { ParquetBytes } from './codecs.ts';
import type { DirectTimes } from './direct.ts';
import type { Handled } from './handler.ts';
import type { Input } from './input.ts';
import type { LogGroupTimes } from './log-groups.ts';
import type { Setting } from './report.ts';

/** Measured values of one format. */
export interface FormatMeasured {
  readonly input: Input;
  readonly handled: Handled;
  readonly trackerNsPerByte: number;
  readonly logGroup: LogGroupTimes;
  readonly billed: BilledBytes;
  /** CPU nanoseconds per raw byte of the usual way, including sending. */
  readonly usualNsPerByte: number;
  readonly parquet: ParquetBytes;
  readonly direct: DirectTimes;
}

/** The text of bench/rates.json. @param formats at least one @throws CommandError if a rate is not above 0 */
export function ratesFile(setting: Setting, formats: readonly FormatMeasured[]): string {
  const { handled } = formats[0] as FormatMeasured;
  const rates: Rates = {
    date: setting.date,
    command: setting.command,
    machine: `${setting.machine}; ${setting.node}`,
    formats: Object.fromEntries(formats.map((measured) => [measured.input.name, ratesOfFormat(measured)])),
    loadsRowBytes: handled.loadsRowBytes,
    logBytesPerInvocation: handled.logBytes,
  };
  const json = `${JSON.stringify(rates, undefined, 2)}\n`;
  ratesOf(json, 'measured rates');
  return json;
}

function ratesOfFormat({
  input,
  handled,
  trackerNsPerByte,
  logGroup,
  billed,
  usualNsPerByte,
  parquet,
  direct,
}: FormatMeasured): FormatRates {
  return {
    bytesPerLine: rounded(input.bytes / input.lines),
    gzipRatio: rounded(input.bytes / input.gzip.length),
    loadNsPerByte: rounded(handled.nsPerByte),
    trackNsPerByte: rounded(trackerNsPerByte),
    events: {
      loadNsPerByte: rounded(handled.nsPerByte + logGroup.moreToLoad),
      trackNsPerByte: rounded(trackerNsPerByte + logGroup.moreToCheck),
    },
    sentBytesPerByte: rounded(billed.sent),
    icebergBytesPerByte: rounded(billed.iceberg),
    usualNsPerByte: rounded(usualNsPerByte),
    usualSentBytesPerByte: rounded(billed.usualSent),
    direct: { nsPerByte: rounded(direct.nsPerByte), fileBytesPerByte: rounded(direct.sizeRatio) },
    parquetBytesPerByte: {
      SNAPPY: rounded(parquet.SNAPPY),
      GZIP: rounded(parquet.GZIP),
      UNCOMPRESSED: rounded(parquet.UNCOMPRESSED),
      ZSTD: rounded(parquet.ZSTD),
    },
  };
}

/** Four significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
