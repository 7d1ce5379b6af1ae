// One binary frame of the socket protocol: uint32 BE sequence number, float64 BE capture time, then the picture.

export const HEADER_BYTES = 12;
const MAX_UINT32 = 0xffffffff;

/** @param {ArrayBuffer} image a JPEG or WebP file. @param {number} capturedAt ms since the epoch. @returns {ArrayBuffer} */
export function packFrame(seq, capturedAt, image) {
  if (!Number.isInteger(seq) || seq < 0 || seq > MAX_UINT32) throw new RangeError(`sequence number ${seq} is no uint32`);
  const frame = new Uint8Array(HEADER_BYTES + image.byteLength);
  const header = new DataView(frame.buffer);
  header.setUint32(0, seq, false);
  header.setFloat64(4, capturedAt, false);
  frame.set(new Uint8Array(image), HEADER_BYTES);
  return frame.buffer;
}

/** The size to send: shrunk (never enlarged) until the longer side is at most `longest`, in whole pixels. */
export function fitInside(width, height, longest = 640) {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
