// The list of people follows what is asked for above it. Without scripts, the form has a button.

import { find, replaceContent, setText } from "./dom.js";

const PAUSE_MS = 250;
const form = find("form[role=search]");
const list = find("[data-found]");
const count = find("[data-count]");
let timer = null;
let request = null;

async function search() {
  request?.abort();
  request = new AbortController();
  const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  const address = `${location.pathname}${asked.size ? `?${asked}` : ""}`;
  const answer = await fetch(address, { signal: request.signal, redirect: "manual" });
  if (answer.status !== 200) return; // signed out, or the server is away: the button says so
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-found]");
  if (!fresh) return;
  replaceContent(list, ...fresh.childNodes);
  setText(count, page.querySelector("[data-count]").textContent);
  history.replaceState(null, "", address);
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => search().catch(() => {}), PAUSE_MS); // another letter ended it
});
