import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { gettext, interpolate, ngettext } from "../../static/js/core/words.js";

describe("gettext", () => {
  it("says a message that no catalogue has in English", () => assert.equal(gettext("Hold still."), "Hold still."));
});

describe("interpolate", () => {
  it("puts values at their names", () => assert.equal(interpolate("%(name)s is %(what)s", { name: "Zoë", what: "in" }), "Zoë is in"));
  it("leaves a place without a value", () => assert.equal(interpolate("%(name)s", {}), "%(name)s"));
});

describe("ngettext", () => {
  it("has English's two forms without a catalogue", () => {
    assert.equal(ngettext("one face", "many faces", 1), "one face");
    assert.equal(ngettext("one face", "many faces", 0), "many faces");
  });
  it("has French's one form for none", () => {
    const words = { "one face": ["un visage", "des visages"] };
    assert.equal(ngettext("one face", "many faces", 0, { words, lang: "fr" }), "un visage");
    assert.equal(ngettext("one face", "many faces", 1_000_000, { words, lang: "fr" }), "des visages");
  });
  it("has all six of Arabic's", () => {
    const words = { "one face": ["0", "1", "2", "3-10", "11-99", "100"] };
    const said = [0, 1, 2, 7, 40, 100].map((count) => ngettext("one face", "many faces", count, { words, lang: "ar" }));
    assert.deepEqual(said, words["one face"]);
  });
});
