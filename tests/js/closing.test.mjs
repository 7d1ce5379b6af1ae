import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { explainClose } from "../../static/js/core/closing.js";

describe("explainClose", () => {
  it("goes to the login page when the operator is logged out", () => assert.equal(explainClose(4401).action, "login"));

  it("comes back after a restart of the server", () => {
    assert.equal(explainClose(1012).action, "retry");
    assert.match(explainClose(1012).text, /restarting/);
  });

  it("waits longer when there was too much", () => {
    assert.equal(explainClose(4429).action, "retry");
    assert.ok(explainClose(4429).wait >= 5000);
    assert.match(explainClose(4429).text, /other tabs/);
  });

  it("rests after idleness instead of holding a connection open", () => assert.equal(explainClose(4408).action, "idle"));

  it("stops where trying again cannot help", () => {
    assert.equal(explainClose(4400).action, "stop");
    assert.equal(explainClose(4403).action, "stop");
  });

  it("tries again after any other end, and says what to check once it keeps failing", () => {
    assert.deepEqual(explainClose(1006, 0).action, "retry");
    assert.match(explainClose(1006, 0).text, /was lost/);
    assert.equal(explainClose(1006, 1).text, null, "a restarting server is still restarting");
    assert.match(explainClose(1006, 3).text, /cannot be reached/);
  });
});
