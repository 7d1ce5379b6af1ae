// The dashboard follows the day: the upper part is asked for again while somebody looks, and changes only when it must.

import { find, replaceContent } from "./dom.js";

const EVERY_MS = 15_000;
const region = find("[data-today]");
let mark = "";

async function look() {
  if (document.hidden) return;
  const answer = await fetch(region.dataset.url, { headers: mark ? { "If-None-Match": mark } : {}, cache: "no-store", redirect: "manual" });
  if (answer.status !== 200) return; // 304: nothing new; signed out, or the server is away: what is there stays
  mark = answer.headers.get("ETag") ?? "";
  show(await answer.text());
}

/** Folds that somebody opened stay open. */
function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").body;
  for (const fold of region.querySelectorAll("details[data-keep][open]")) {
    fresh.querySelector(`details[data-keep="${fold.dataset.keep}"]`)?.setAttribute("open", "");
  }
  replaceContent(region, ...fresh.childNodes);
}

const tryToLook = () => look().catch(() => {});
setInterval(tryToLook, EVERY_MS);
document.addEventListener("visibilitychange", tryToLook);
