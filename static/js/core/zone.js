// The site's time zone against the browser's. Pages print times by the site's clocks.

import { locale } from "./format.js";
import { gettext, interpolate, ngettext } from "./words.js";

/** Minutes by which clocks in `zone` (an IANA name) are ahead of UTC at a moment. */
export function offsetMinutes(zone, at) {
  const options = { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-US", options).formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
  return Math.round((wall - at) / 60000);
}

/** "6 hours behind", "30 minutes ahead"; empty where both clocks show the same. */
export function difference(siteZone, ownZone, at) {
  const minutes = offsetMinutes(ownZone, at) - offsetMinutes(siteZone, at);
  if (minutes === 0) return "";
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  return interpolate(minutes < 0 ? gettext("%(duration)s behind") : gettext("%(duration)s ahead"), { duration: duration(hours, rest) });
}

function duration(hours, minutes) {
  const words = {
    hours: interpolate(ngettext("%(count)s hour", "%(count)s hours", hours), { count: hours }),
    minutes: interpolate(ngettext("%(count)s minute", "%(count)s minutes", minutes), { count: minutes }),
  };
  if (hours && minutes) return interpolate(gettext("%(hours)s and %(minutes)s"), words);
  return hours ? words.hours : words.minutes;
}

/** A time of the day by a zone's clocks, "18:05:09". */
export function timeIn(zone, at) {
  return new Date(at).toLocaleTimeString(locale(), { timeZone: zone || undefined, timeStyle: "medium", hourCycle: "h23" });
}

/** A moment by the browser's own clocks, with the zone's name, for a hint beside the site's time. */
export function ownMoment(ownZone, at) {
  const text = new Date(at).toLocaleString(locale(), { timeZone: ownZone, dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
  return `${text} (${ownZone})`;
}
