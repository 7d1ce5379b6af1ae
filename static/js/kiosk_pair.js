// The pairing page: a code that stands behind the # of the address (from the QR code) is filled in, and leaves the address.

import { find } from "./dom.js";

const input = find("[data-pair] input[name=code]");
const code = decodeURIComponent(location.hash.slice(1));
if (/^[\w-]{8,9}$/.test(code)) {
  input.value = code;
  history.replaceState(null, "", location.pathname);
  find("[data-pair] button").focus();
} else {
  input.focus();
}
