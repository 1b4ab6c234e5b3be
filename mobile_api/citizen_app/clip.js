/**
 * A clip as the mobile API takes it: the frames of a film and when each was taken.
 *
 *     4 bytes n (big-endian) | n bytes JSON | JPEG | JPEG | ...
 */

import { utf8 } from "./bytes.js";

export const CLIP_TYPE = "application/vnd.camdigikey.clip";

/** `frames` are `{at, step, picture}` in order, `at` in milliseconds; answers a Blob. */
export function packClip({ session, mirrored, frames }) {
  const entries = frames.map(({ at, step, picture }) => ({ at, step, size: picture.size }));
  const manifest = utf8(JSON.stringify({ session, mirrored, frames: entries }));
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, manifest.length);
  return new Blob([length.buffer, manifest, ...frames.map(({ picture }) => picture)], { type: CLIP_TYPE });
}
