// Encodes frames off the main thread. In: {seq, capturedAt, picture (VideoFrame or ImageBitmap), width, height,
// quality, limit}. Out: {seq, frame: ArrayBuffer} or {seq, failed: true}.

import { HEADER_BYTES, packFrame } from "./core/frame.js";

const canvas = new OffscreenCanvas(640, 480);
const context = canvas.getContext("2d", { alpha: false });

async function encode({ picture, width, height, quality, limit }) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.drawImage(picture, 0, 0, width, height);
  picture.close();
  for (const tried of [quality, quality / 2]) {
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: tried });
    if (blob.size + HEADER_BYTES <= limit) return blob.arrayBuffer();
  }
  return null;
}

addEventListener("message", async ({ data }) => {
  try {
    const image = await encode(data);
    if (!image) return postMessage({ seq: data.seq, failed: true });
    const frame = packFrame(data.seq, data.capturedAt, image);
    postMessage({ seq: data.seq, frame }, { transfer: [frame] });
  } catch {
    postMessage({ seq: data.seq, failed: true });
  }
});
