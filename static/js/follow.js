// A part of a page that follows what happens: it is asked for again while somebody looks, and changes only when it must.
// <div data-follow="ADDRESS" data-every="MS">; with data-until-done only while it holds something [data-running], and
// then the whole page is loaded anew, since its end changes more than that part.

import { replaceContent } from "./dom.js";

function follow(region) {
  const { follow: address, every, untilDone } = region.dataset;
  let mark = "";

  async function look() {
    if (document.hidden) return;
    const headers = mark ? { "If-None-Match": mark } : {};
    const answer = await fetch(address, { headers, cache: "no-store", redirect: "manual" });
    if (answer.status !== 200) return; // 304: nothing new; signed out, or the server is away: what is there stays
    mark = answer.headers.get("ETag") ?? "";
    show(new DOMParser().parseFromString(await answer.text(), "text/html").body);
  }

  /** Folds that somebody opened stay open. */
  function show(fresh) {
    for (const fold of region.querySelectorAll("details[data-keep][open]")) {
      fresh.querySelector(`details[data-keep="${fold.dataset.keep}"]`)?.setAttribute("open", "");
    }
    if (untilDone !== undefined && !fresh.querySelector("[data-running]")) return location.reload();
    replaceContent(region, ...fresh.childNodes);
  }

  const tryToLook = () => look().catch(() => {});
  setInterval(tryToLook, Number(every));
  document.addEventListener("visibilitychange", tryToLook);
}

for (const region of document.querySelectorAll("[data-follow]")) {
  if (region.dataset.every) follow(region);
}
