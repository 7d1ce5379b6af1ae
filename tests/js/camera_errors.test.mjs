import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { cameraObstacle, explainCamera } from "../../static/js/core/camera_errors.js";

describe("explainCamera", () => {
  it("explains every failure in words of its own that say what to do", () => {
    const names = [
      "NotAllowedError",
      "NotFoundError",
      "NotReadableError",
      "OverconstrainedError",
      "AbortError",
      "insecure",
      "unsupported",
      "waiting",
      "ended",
    ];
    const texts = names.map((name) => explainCamera(name).text);
    assert.equal(new Set(texts).size, names.length);
    names.forEach((name) => assert.equal(explainCamera(name).code, name));
  });

  it("knows the names that older browsers use", () => {
    assert.equal(explainCamera("PermissionDeniedError").code, "NotAllowedError");
    assert.equal(explainCamera("TrackStartError").code, "NotReadableError");
  });

  it("has an answer to anything else", () => {
    assert.equal(explainCamera("SomethingNewError").code, "unknown");
    assert.equal(explainCamera("toString").code, "unknown");
  });
});

describe("cameraObstacle", () => {
  it("sees none where the browser offers cameras", () => assert.equal(cameraObstacle({ secure: true, hasApi: true }), null));
  it("tells an insecure address from an old browser", () => {
    assert.equal(cameraObstacle({ secure: false, hasApi: false }).code, "insecure");
    assert.equal(cameraObstacle({ secure: true, hasApi: false }).code, "unsupported");
  });
});
