// getUserMedia's failures, one by one, as sentences that say what to do.

import { gettext } from "./words.js";

const TEXTS = {
  insecure: {
    title: gettext("The camera needs a secure address"),
    text: gettext("Browsers give the camera only to pages on https:// or on localhost. Open this page with https://, or ask the administrator to set up a certificate."),
  },
  unsupported: {
    title: gettext("This browser cannot use a camera"),
    text: gettext("Use a current version of Chrome, Edge, Firefox or Safari."),
  },
  canvas_noise: {
    title: gettext("The browser hides the camera's pictures"),
    text: gettext("It gives this page noise instead. In Firefox the setting privacy.resistFingerprinting does that: allow this site to extract canvas data (the symbol beside the address), or set it to false in about:config. Then reload the page."),
  },
  NotAllowedError: {
    title: gettext("The camera is blocked"),
    text: gettext("Allow the camera for this site: click the camera or lock symbol beside the address, allow it, then try again. If it is allowed there, allow it for the browser in the system's privacy settings too."),
  },
  NotFoundError: {
    title: gettext("No camera was found"),
    text: gettext("Plug a camera in, or switch on the one that is built in, then try again."),
  },
  NotReadableError: {
    title: gettext("The camera does not start"),
    text: gettext("Another program is probably using it. Close video calls and other tabs that show the camera, then try again."),
  },
  OverconstrainedError: {
    title: gettext("The chosen camera is not there any more"),
    text: gettext("Choose another camera, or plug it in again, then try again."),
  },
  AbortError: {
    title: gettext("The camera stopped while starting"),
    text: gettext("Try again. If it happens again, unplug the camera and plug it in."),
  },
  waiting: {
    title: gettext("Waiting for the camera"),
    text: gettext("Is the browser asking for permission? Allow the camera there. If nothing asks, unplug the camera and plug it in, or restart the browser."),
  },
  ended: {
    title: gettext("The camera is gone"),
    text: gettext("It was unplugged, or its permission was taken back. Plug it in, then try again."),
  },
  unknown: {
    title: gettext("The camera does not work"),
    text: gettext("Try again. If it still fails, restart the browser."),
  },
};
const SAME = {
  PermissionDeniedError: "NotAllowedError",
  SecurityError: "NotAllowedError",
  DevicesNotFoundError: "NotFoundError",
  TrackStartError: "NotReadableError",
  ConstraintNotSatisfiedError: "OverconstrainedError",
};

/** @param {string} name a DOMException's name, or "insecure", "unsupported", "canvas_noise", "waiting", "ended". */
export function explainCamera(name) {
  const code = SAME[name] ?? name;
  return Object.hasOwn(TEXTS, code) ? { code, ...TEXTS[code] } : { code: "unknown", ...TEXTS.unknown };
}

/** Why the camera cannot even be asked for; null when it can. */
export function cameraObstacle({ secure, hasApi, readsPixels = true }) {
  if (hasApi) return readsPixels ? null : explainCamera("canvas_noise");
  return explainCamera(secure ? "unsupported" : "insecure");
}
