/**
 * A living person: told what to do, filmed doing it, and what came of it.
 *
 *     prepare → place → [count → film] → send → (the view moves on)
 *                 ^______________________ again (advice; what was not counted)
 *
 * For any journey that has `…/liveness` and `…/face`: it gets the two calls, and knows
 * nothing else of registrations or recoveries. Nothing is kept: a page that is loaded
 * again begins at `prepare`, and what was not sent cost no try.
 */

import { packClip } from "./clip.js";
import { STAGES } from "./film.js";
import { digits, explain, t } from "./i18n.js";
import { DevelopmentFilm } from "./liveness_development.js";
import { Stage } from "./liveness_stage.js";
import { Pictogram } from "./pictograms.js";
import { Advice, Button, Screen } from "./ui.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

const SHOWN = ["turn_left", "blink", "smile"];
const OVER = "liveness-over";

/**
 * `ask()` answers what to do (POST …/liveness); `send(clip, onProgress)` posts the clip
 * and takes the view that comes back. `left` is how many tries there are.
 */
export function Liveness({ phone, ask, send, left, step, back }) {
  const [now, setNow] = useState({ at: "prepare" });
  const alive = useRef(true);
  const stage = useRef(0);
  useEffect(() => () => (alive.current = false), []);
  const go = (next) => alive.current && setNow(next);
  const deliver = async (clip) => {
    go({ at: "send", share: 0 });
    try {
      await send(clip, (share) => go({ at: "send", share }));
    } catch (problem) {
      // Too slow a network for the minute that a session lasts: smaller pictures.
      if (problem.advice?.includes(OVER)) stage.current = Math.min(stage.current + 1, STAGES.length - 1);
      go({ at: "again", problem, clip: isSent(problem) ? null : clip });
    }
  };
  const filmed = ({ told, frames, mirrored }) => deliver(packClip({ session: told.session, mirrored, frames }));
  const failed = (problem) => go({ at: "again", problem });
  const place = () => go({ at: "place" });
  const shared = { step, back, left };
  if (now.at === "place") return html`<${Stage} ...${shared} stage=${stage} ask=${ask} onFilm=${filmed} onProblem=${failed} onLeave=${() => go({ at: "prepare" })} />`;
  if (now.at === "send") return html`<${Sending} share=${now.share} step=${step} />`;
  if (now.at === "again") return html`<${Again} ...${shared} ...${now} onAgain=${place} onSend=${() => deliver(now.clip)} />`;
  const puppet = phone.configuration.development_film;
  return html`<${Prepare} ...${shared} onNext=${place}>
    ${puppet && html`<${DevelopmentFilm} phone=${phone} path=${puppet} ask=${ask} onClip=${deliver} onProblem=${failed} />`}
  <//>`;
}

/** Whether the server had the clip; then it is spent. */
const isSent = ({ status }) => status > 0 && status < 500;

function Prepare({ step, back, left, onNext, children }) {
  return html`<${Screen} title=${t("liveness.title")} lead=${t("liveness.lead")} step=${step}
    actions=${html`<${Button} testid="liveness-open" onClick=${onNext}>${t("liveness.open")}<//>${back}`}>
    <div class="pictograms">${SHOWN.map((action) => html`<${Pictogram} key=${action} action=${action} />`)}</div>
    <ul class="tips">
      ${["1", "2", "3", "4"].map((n) => html`<li key=${n}>${t(`liveness.tip${n}`)}</li>`)}
    </ul>
    <${Left} left=${left} />
    ${children}
  <//>`;
}

const Left = ({ left }) =>
  left !== undefined && html`<p class="hint" data-testid="liveness-left">${t("liveness.left", { n: digits(left) })}</p>`;

function Sending({ share, step }) {
  const percent = Math.floor(100 * share);
  const said = share < 1 ? t("liveness.sending", { n: digits(percent) }) : t("liveness.checking");
  return html`<${Screen} title=${t("liveness.sending_title")} lead=${t("liveness.sending_lead")} step=${step}>
    <progress class="share" max="100" value=${share < 1 ? percent : undefined} aria-label=${t("liveness.sending_title")} data-testid="liveness-sending"></progress>
    <p class="lead" role="status">${said}</p>
  <//>`;
}

/** What was wrong and what to do; a film that never arrived can be sent once more. */
function Again({ step, back, left, problem, clip, onAgain, onSend }) {
  const advice = problem.advice ?? [];
  const isJudged = problem.code === "evidence-insufficient" && !advice.includes(OVER);
  const again = html`<${Button} testid="liveness-again" kind=${clip ? "quiet" : "primary"} onClick=${onAgain}>${t("liveness.again")}<//>`;
  const send = clip && html`<${Button} testid="liveness-send" onClick=${onSend}>${t("liveness.send_again")}<//>`;
  return html`<${Screen} title=${t(isJudged ? "liveness.again_title" : "liveness.broken_title")}
    lead=${t(isJudged ? "liveness.again_lead" : "liveness.broken_lead")} step=${step}
    error=${isJudged || advice.length ? null : explain(problem)}
    actions=${html`${send}${again}${back}`}>
    <${Advice} codes=${advice} other="advice.not-live" />
    ${!isJudged && html`<p class="hint" data-testid="liveness-uncounted">${t("liveness.uncounted")}</p>`}
    <${Left} left=${left} />
  <//>`;
}
