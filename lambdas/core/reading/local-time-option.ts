/** The option of formats whose times may be without a zone. */
import { type FormatOption, type FormatOptions, OptionError, textOption } from './format.ts';
import { isTimeZone, type LocalZone, localZone } from './local-zone.ts';

/** The source option that names the zone of times without a zone. */
export const LOCAL_TIME_ZONE_OPTION = 'localTimeZone';

/** Describes the option. @param rest options that the example needs beside it */
export function localTimeZoneOption(rest: FormatOptions): FormatOption {
  return {
    type: 'text',
    default: 'UTC',
    description:
      'The time zone of times that are written without one: `UTC`, or a name of the IANA database as `Region/City`. Times ' +
      'with a zone or an offset and epoch numbers are not touched. Of a time that clocks showed twice, because they were set ' +
      'back, the earlier one is meant; a time that they passed over is read as if they had not been set.',
    example: { ...rest, [LOCAL_TIME_ZONE_OPTION]: 'Europe/Berlin' },
  };
}

/**
 * The zone that a source has chosen.
 *
 * @throws OptionError for a zone that is not known
 */
export function localZoneOf(given: FormatOptions, option: FormatOption): LocalZone {
  const name = textOption(given, LOCAL_TIME_ZONE_OPTION, option) ?? 'UTC';
  if (isTimeZone(name)) return localZone(name);
  throw new OptionError(
    LOCAL_TIME_ZONE_OPTION,
    `${LOCAL_TIME_ZONE_OPTION}: expected UTC or an IANA time zone as Region/City, such as Europe/Berlin, got ${JSON.stringify(name)}`,
  );
}
