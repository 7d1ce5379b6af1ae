// getUserMedia's failures, one by one, as sentences that say what to do.

const TEXTS = {
  insecure: {
    title: "The camera needs a secure address",
    text: "Browsers give the camera only to pages on https:// or on localhost. Open this page with https://, or ask the administrator to set up a certificate.",
  },
  unsupported: {
    title: "This browser cannot use a camera",
    text: "Use a current version of Chrome, Edge, Firefox or Safari.",
  },
  canvas_noise: {
    title: "The browser hides the camera's pictures",
    text: "It gives this page noise instead. In Firefox the setting privacy.resistFingerprinting does that: allow this site to extract canvas data (the symbol beside the address), or set it to false in about:config. Then reload the page.",
  },
  NotAllowedError: {
    title: "The camera is blocked",
    text: "Allow the camera for this site: click the camera or lock symbol beside the address, allow it, then try again. If it is allowed there, allow it for the browser in the system's privacy settings too.",
  },
  NotFoundError: {
    title: "No camera was found",
    text: "Plug a camera in, or switch on the one that is built in, then try again.",
  },
  NotReadableError: {
    title: "The camera does not start",
    text: "Another program is probably using it. Close video calls and other tabs that show the camera, then try again.",
  },
  OverconstrainedError: {
    title: "The chosen camera is not there any more",
    text: "Choose another camera, or plug it in again, then try again.",
  },
  AbortError: {
    title: "The camera stopped while starting",
    text: "Try again. If it happens again, unplug the camera and plug it in.",
  },
  waiting: {
    title: "Waiting for the camera",
    text: "Is the browser asking for permission? Allow the camera there. If nothing asks, unplug the camera and plug it in, or restart the browser.",
  },
  ended: {
    title: "The camera is gone",
    text: "It was unplugged, or its permission was taken back. Plug it in, then try again.",
  },
  unknown: {
    title: "The camera does not work",
    text: "Try again. If it still fails, restart the browser.",
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
