// What a closed socket means for the person in front of it, and what the page does next.
// action: "retry" (again by itself), "login", "idle" (again when it is needed), "stop" (only after a reload).

import { gettext } from "./words.js";

const RESTARTING = gettext("The server is restarting. Connecting again…");
const LOST = gettext("The connection was lost. Connecting again…");
const UNREACHABLE = gettext(
  "The server cannot be reached. Check the network and that the server runs; behind a proxy, that it lets WebSockets through. Trying again…",
);

const CODES = {
  1001: { action: "retry", text: RESTARTING },
  1012: { action: "retry", text: RESTARTING },
  1011: { action: "retry", text: gettext("Something went wrong on the server. Connecting again…"), wait: 3000 },
  1013: { action: "retry", text: gettext("The server is not ready. Trying again…"), wait: 5000 },
  4400: { action: "stop", text: gettext("This page and the server do not speak the same version. Reload the page.") },
  4401: { action: "login", text: gettext("You are no longer logged in. Taking you to the login page…") },
  4403: { action: "stop", text: gettext("Your account may not use this page. Ask an administrator.") },
  4408: { action: "idle", text: gettext("The connection rested because nothing happened. Start the camera to go on.") },
  4413: { action: "retry", text: gettext("A picture was too large for the server. Connecting again…") },
  4429: {
    action: "retry",
    text: gettext("Too many connections or pictures at once. Close other tabs of this page. Trying again…"),
    wait: 5000,
  },
};

/**
 * @param {number} failures connections that closed in a row before this one; one that lasted starts the count anew.
 * @returns {{action: string, wait: number, text: string|null}} text null: the last text still holds.
 */
export function explainClose(code, failures = 0) {
  const known = CODES[code];
  if (known) return { wait: 0, ...known };
  if (failures >= 3) return { action: "retry", wait: 0, text: UNREACHABLE };
  return { action: "retry", wait: 0, text: failures === 0 ? LOST : null };
}
