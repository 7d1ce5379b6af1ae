// From pixels of the picture that the server saw to CSS pixels of the preview, as object-fit and the mirror place it.

/**
 * Where a picture lies inside an element.
 * @returns {{scale: number, left: number, top: number}}
 */
export function placePicture(picture, element, fit = "cover") {
  const [width, height] = picture;
  const across = element.width / width;
  const down = element.height / height;
  const scale = fit === "cover" ? Math.max(across, down) : Math.min(across, down);
  return { scale, left: (element.width - width * scale) / 2, top: (element.height - height * scale) / 2 };
}

/** box_xyxy -> {x, y, width, height} in the element. A mirrored preview moves boxes to the other side, never text. */
export function mapBox(box, picture, element, { fit = "cover", mirrored = false } = {}) {
  const { scale, left, top } = placePicture(picture, element, fit);
  const [x1, y1, x2, y2] = box;
  const width = (x2 - x1) * scale;
  const x = left + x1 * scale;
  return { x: mirrored ? element.width - x - width : x, y: top + y1 * scale, width, height: (y2 - y1) * scale };
}

/** The stage's width over its height: the whole picture shows, but a phone's upright one is cut to a square. */
export function stageShape(width, height) {
  return Math.min(Math.max(width / height, 1), 16 / 9);
}

/**
 * Whether a picture that was sent has the shape that the camera has now. A phone that is turned changes it, and boxes in
 * an answer to an older frame would lie beside the face.
 */
export function isOfShape([width, height], { videoWidth, videoHeight }) {
  return Math.abs(width * videoHeight - height * videoWidth) <= 0.02 * width * videoHeight;
}

/** Where a label goes: above the box when there is room, else below it, else inside at its top. Never over the edge. */
export function placeLabel(box, label, element, gap = 6) {
  const above = box.y - label.height - gap;
  const below = box.y + box.height + gap;
  let y = Math.max(box.y, 0) + gap;
  if (above >= 0) y = above;
  else if (below + label.height <= element.height) y = below;
  const x = Math.min(Math.max(box.x, gap), Math.max(gap, element.width - label.width - gap));
  return { x, y: Math.min(Math.max(y, gap), Math.max(gap, element.height - label.height - gap)) };
}
