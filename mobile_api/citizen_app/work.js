/**
 * A little work before the first text message, when many ask (docs/mobile-api.md).
 *
 *     post → 428 → a worker looks for the counter → post with it
 */

import { t } from "./i18n.js";
import { Problem } from "./problem.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

const MOST_BITS = 24;
const TRIES = 2;
const REQUIRED = "work-required";

/** `{share, post}`: posts as the API does, works when asked to; share 0 to 1, or null. */
export function useWork(api) {
  const [share, setShare] = useState(null);
  const ends = useRef(new AbortController());
  useEffect(() => () => ends.current.abort(), []);
  const post = async (path, body) => {
    try {
      return await postWithWork(api, path, body, { onShare: setShare, signal: ends.current.signal });
    } finally {
      setShare(null);
    }
  };
  return { share, post };
}

/** A puzzle is good for two minutes: who was too slow for one gets another. */
async function postWithWork(api, path, body, how) {
  let sent = body;
  for (let tries = 0; ; tries += 1) {
    try {
      return await api.post(path, sent);
    } catch (problem) {
      if (problem.code !== REQUIRED || tries === TRIES) throw problem;
      const { challenge, difficulty } = problem;
      sent = { ...body, work: { challenge, counter: await solve(challenge, difficulty, how) } };
    }
  }
}

function solve(challenge, difficulty, { onShare, signal }) {
  if (!(difficulty <= MOST_BITS)) throw new Problem({ code: "unavailable" });
  const worker = new Worker("/work_worker.js", { type: "module" });
  const half = 2 ** difficulty;
  onShare(0);
  return new Promise((done, fail) => {
    const end = (how, what) => {
      worker.terminate();
      how(what);
    };
    worker.onmessage = ({ data: { count, found } }) => {
      if (found !== undefined) end(done, found);
      else onShare(1 - Math.exp(-count / half));
    };
    worker.onerror = () => end(fail, new Problem({ code: "unknown" }));
    signal.addEventListener("abort", () => end(fail, new Problem({ code: "unknown" })));
    worker.postMessage({ challenge, difficulty });
  });
}

/** Why it takes a moment, and how far it is. */
export function Working({ share }) {
  if (share === null) return null;
  return html`<div class="notice info" data-testid="working" role="status">
    <div>${t("work.text")}</div>
    <progress class="share" max="1" value=${share} aria-label=${t("work.label")}></progress>
  </div>`;
}
