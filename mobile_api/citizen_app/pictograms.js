/** What to do before the camera, drawn: a face as in a mirror, and an arrow. */

import { html } from "./vendor/preact.js";

const ARROWS = {
  turn_left: "M30 60H8m0 0 11-11M8 60l11 11",
  turn_right: "M90 60h22m0 0-11-11m11 11-11 11",
  nod: "M60 100v15m0 0-8-8m8 8 8-8",
};
// Where the nose and the eyes go when the head turns, on a face 56 wide.
const SHIFT = { turn_left: -11, turn_right: 11 };

/** `action` is one of the API's; anything else looks straight ahead. */
export function Pictogram({ action }) {
  const shift = SHIFT[action] ?? 0;
  const drop = action === "nod" ? 6 : 0;
  const eye = (x) =>
    action === "blink"
      ? html`<path d=${`M${x - 6} ${52 + drop}q6 6 12 0`} />`
      : html`<circle class="full" cx=${x} cy=${52 + drop} r="3.6" />`;
  const mouth = action === "smile" ? "M44 70q16 18 32 0" : `M${52 + shift} ${75 + drop}h16`;
  return html`<svg class=${`pictogram ${action || "straight"}`} viewBox="0 0 120 120" aria-hidden="true" focusable="false">
    <ellipse cx="60" cy="58" rx="30" ry="38" />
    <g class="features">${eye(49 + shift)}${eye(71 + shift)}<path d=${`M${60 + shift} ${56 + drop}v8`} /><path d=${mouth} /></g>
    ${ARROWS[action] && html`<path class="arrow" d=${ARROWS[action]} />`}
  </svg>`;
}
