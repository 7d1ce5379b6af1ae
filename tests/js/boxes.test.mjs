import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isOfShape, mapBox, placeLabel, placePicture, stageShape } from "../../static/js/core/boxes.js";

describe("placePicture", () => {
  it("covers: the shorter direction fills, the longer is cut on both sides", () => {
    assert.deepEqual(placePicture([640, 480], { width: 400, height: 400 }, "cover"), {
      scale: 400 / 480,
      left: (400 - 640 * (400 / 480)) / 2,
      top: 0,
    });
  });

  it("contains: the whole picture shows, with bars", () => {
    assert.deepEqual(placePicture([640, 480], { width: 640, height: 640 }, "contain"), { scale: 1, left: 0, top: 80 });
  });
});

describe("mapBox", () => {
  const element = { width: 320, height: 240 };

  it("scales a box to the preview", () => {
    assert.deepEqual(mapBox([100, 80, 300, 280], [640, 480], element), { x: 50, y: 40, width: 100, height: 100 });
  });

  it("mirrors left and right and nothing else", () => {
    const mirrored = mapBox([100, 80, 300, 280], [640, 480], element, { mirrored: true });
    assert.deepEqual(mirrored, { x: 320 - 50 - 100, y: 40, width: 100, height: 100 });
  });

  it("brings a mirrored box back when mirrored twice", () => {
    const once = mapBox([10, 20, 110, 220], [640, 480], { width: 640, height: 480 }, { mirrored: true });
    const asBox = [once.x, once.y, once.x + once.width, once.y + once.height];
    assert.deepEqual(mapBox(asBox, [640, 480], { width: 640, height: 480 }, { mirrored: true }).x, 10);
  });

  it("takes the cut sides into account", () => {
    const box = mapBox([320, 0, 320, 480], [640, 480], { width: 400, height: 400 });
    assert.equal(Math.round(box.x), 200, "the middle of the picture is the middle of the preview");
  });
});

describe("placeLabel", () => {
  const element = { width: 320, height: 240 };
  const label = { width: 100, height: 20 };

  it("goes above the box", () => {
    assert.deepEqual(placeLabel({ x: 50, y: 100, width: 80, height: 80 }, label, element), { x: 50, y: 74 });
  });
  it("goes below when there is no room above", () => {
    assert.deepEqual(placeLabel({ x: 50, y: 5, width: 80, height: 80 }, label, element), { x: 50, y: 91 });
  });
  it("goes inside when the face fills the picture", () => {
    assert.deepEqual(placeLabel({ x: 0, y: -10, width: 320, height: 260 }, label, element), { x: 6, y: 6 });
  });
  it("never leaves the preview on the right", () => {
    assert.equal(placeLabel({ x: 300, y: 100, width: 40, height: 40 }, label, element).x, 320 - 100 - 6);
  });
});

describe("stageShape", () => {
  it("is that of the picture, between a square and 16 to 9", () => {
    assert.equal(stageShape(640, 480), 4 / 3);
    assert.equal(stageShape(1280, 720), 16 / 9);
    assert.equal(stageShape(1280, 320), 16 / 9);
    assert.equal(stageShape(480, 640), 1, "a phone's upright picture is cut");
  });
});

describe("isOfShape", () => {
  it("takes a picture that was shrunk and rounded for one of the camera's shape", () => {
    assert.ok(isOfShape([640, 480], { videoWidth: 640, videoHeight: 480 }));
    assert.ok(isOfShape([640, 361], { videoWidth: 1280, videoHeight: 720 }));
  });

  it("knows the answer to a frame from before the phone was turned", () => {
    assert.ok(!isOfShape([640, 480], { videoWidth: 480, videoHeight: 640 }));
    assert.ok(!isOfShape([480, 640], { videoWidth: 640, videoHeight: 480 }));
  });
});
