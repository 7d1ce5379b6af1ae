// Where the browser's clock differs from the site's, the page says so once, and every time of day has its own as a hint.

import { gettext, interpolate } from "./core/words.js";
import { difference, ownMoment } from "./core/zone.js";

const site = document.body.dataset.zone;
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const words = site && own ? difference(site, own, Date.now()) : "";
const times = [...document.querySelectorAll('time[datetime*="T"]')];
if (words && times.length) {
  for (const time of times) time.title = ownMoment(own, Date.parse(time.dateTime));
  const note = document.querySelector("[data-zone-note]");
  const sentence = gettext("Times are those of this site (%(site)s). Your device's clock (%(own)s) is %(difference)s.");
  note.textContent = interpolate(sentence, { site, own, difference: words });
  note.hidden = false;
}
