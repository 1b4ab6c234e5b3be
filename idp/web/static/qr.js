/** Draw a text as a QR code into an SVG: one path, the shape of idp/web/qr.py. */

import { encode } from "./vendor/qr.js";

const QUIET = 4;

/** Return `{size, path}` for a text. */
export function draw(text) {
  const rows = encode(text, { ecc: "M" });
  const strokes = rows.flatMap((row, y) => runs(row).map(
    ([x, width]) => `M${x + QUIET} ${y + QUIET}h${width}v1h-${width}z`,
  ));
  return { size: rows.length + 2 * QUIET, path: strokes.join("") };
}

/** Return `[start, length]` of each run of dark modules. */
function runs(row) {
  const found = [];
  row.forEach((dark, x) => {
    if (!dark) return;
    if (x > 0 && row[x - 1]) found[found.length - 1][1] += 1;
    else found.push([x, 1]);
  });
  return found;
}
