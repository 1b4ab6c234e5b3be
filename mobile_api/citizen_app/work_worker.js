/** Beside the screen: look for the counter that solves a puzzle (docs/mobile-api.md). */

import { digestWords } from "./sha256.js";

const REPORT = 4096;

/** The first counter from 0 whose digest begins with so many zero bits. */
export function search(challenge, difficulty, onCount) {
  for (let counter = 0; ; counter += 1) {
    if (Math.clz32(digestWords(`${challenge}.${counter}`)[0]) >= difficulty) return counter;
    if (counter % REPORT === REPORT - 1) onCount(counter + 1);
  }
}

if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) {
  addEventListener("message", ({ data: { challenge, difficulty } }) => {
    const found = search(challenge, difficulty, (count) => postMessage({ count }));
    postMessage({ found });
  });
}
