// Keeps the list of those who are in up to date: asks every few seconds whether anybody came or went.

import { find } from "./dom.js";

const EVERY_MS = 5000;

const list = find("[data-inside]");
const asOf = find("[data-inside-as-of]");
const count = find("[data-inside-count]");
const stale = find("[data-inside-stale]");
let version = `"${list.dataset.version}"`;

/** One question. A page that nobody looks at asks nothing. */
async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(list.dataset.inside, { headers: { "If-None-Match": version }, credentials: "same-origin" });
    const moment = answer.headers.get("X-As-Of"); // the page to sign in has none
    if (!moment || (!answer.ok && answer.status !== 304)) throw new Error(`answered ${answer.status}`);
    if (answer.status === 200) {
      show(await answer.text());
      version = answer.headers.get("ETag");
      count.textContent = decodeURIComponent(answer.headers.get("X-Count"));
    }
    asOf.textContent = decodeURIComponent(moment);
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
}

/** The new list; whoever was on a link of the old one is on the same link again. */
function show(html) {
  const was = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  list.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  if (was !== null) ([...list.querySelectorAll("a")].find((link) => link.getAttribute("href") === was) ?? list.querySelector("a"))?.focus();
}

const print = find("[data-print]");
print.hidden = false;
print.addEventListener("click", () => window.print());

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
window.addEventListener("online", refresh);
