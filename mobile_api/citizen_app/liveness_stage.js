/** Before the camera: take the place, then do what is shown, large and one at a time. */

import { cameraWords, useCamera } from "./capture.js";
import { film, planOf, STAGES, warmUp } from "./film.js";
import { digits, explain, t } from "./i18n.js";
import { Pictogram } from "./pictograms.js";
import { Alert, Button, Notice, Screen, useAction } from "./ui.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

const COUNT_MS = 2400;
const COUNT = 3;
const PULSE = 90;
const STRAIGHT = [60, 80, 60];
const CAMERA = { width: 960, height: 720 };

/**
 * `ask()` answers what to do; `onFilm({told, frames, mirrored})` gets the film.
 *
 * `stage` is a reference to how fine the pictures are; what is learnt of the phone
 * stays in it. The camera is the same from the place to the last instruction.
 */
export function Stage({ step, back, stage, ask, onFilm, onProblem, onLeave }) {
  const video = useRef(null);
  const bar = useRef(null);
  const ends = useRef(null);
  const { state, problem, facesAway } = useCamera(video, "user", CAMERA);
  const [told, setTold] = useState(null);
  useEffect(() => () => ends.current?.abort(), []);
  const begin = useAction(async () => {
    ends.current = new AbortController();
    const show = (next) => setTold(next);
    try {
      const script = await ask();
      const frames = await perform({ video: video.current, script, stage, bar, show, signal: ends.current.signal });
      await onFilm({ told: script, frames, mirrored: false });
    } catch (raised) {
      setTold(null);
      if (ends.current.signal.aborted) return;
      if (!raised.code?.startsWith("film-")) throw raised;
      stage.current = Math.min(stage.current + 1, STAGES.length - 1);
      onProblem(raised);
    }
  });
  const stop = () => {
    ends.current?.abort();
    onLeave();
  };
  if (problem) return html`<${NoCamera} ...${{ step, back, problem, onLeave }} />`;
  // One tree for both, so that the running camera stays where it is.
  return html`<main class="screen stage">
    ${told ? html`<${Told} key="told" ...${told} />` : html`<${Place} key="place" error=${begin.error} />`}
    <div class="viewfinder face" key="view">
      <video ref=${video} class=${facesAway ? "" : "mirrored"} autoplay playsinline muted data-testid="liveness-video" aria-label=${t("liveness.video")}></video>
      <div class="guide" aria-hidden="true"></div>
    </div>
    ${told && html`<progress key="share" class="share" max="1" value="0" ref=${bar} aria-label=${t("liveness.following")}></progress>`}
    <div class="actions" key="actions">
      ${!told && html`<${Button} testid="liveness-start" disabled=${state !== "live"} busy=${begin.busy} onClick=${begin.run}>${t("liveness.start")}<//>`}
      <${Button} kind="quiet" testid="liveness-stop" onClick=${stop}>${t(told ? "liveness.stop" : "back")}<//>
    </div>
  </main>`;
}

function Place({ error }) {
  const heading = useRef(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return html`<h1 tabindex="-1" ref=${heading}>${t("liveness.place")}</h1>
    <p class="lead">${t("liveness.place_lead")}</p>
    <${Alert} problem=${error} />`;
}

/** Count down, learning what the phone can do; then film the plan. */
async function perform({ video, script, stage, bar, show, signal }) {
  const every = 1000 / script.frames_per_second;
  const of = script.steps.length;
  let counted = 0;
  const count = (left) => {
    const n = Math.max(1, Math.ceil((COUNT * left) / COUNT_MS));
    if (n !== counted) show({ action: "", count: (counted = n), of });
  };
  show({ action: "", count: COUNT, of });
  stage.current = await warmUp({ video, ms: COUNT_MS, every, stage: stage.current, onTime: count, signal });
  const frames = await film({
    video,
    plan: planOf(script),
    every,
    stage: stage.current,
    signal,
    onTime: (share) => bar.current && (bar.current.value = share),
    onBeat: ({ action, step }) => {
      feel(action);
      show({ action, at: step, of });
    },
  });
  navigator.vibrate?.(2 * PULSE);
  return frames;
}

/** Who does not see the screen, with eyes shut or turned away, feels what is next. */
const feel = (action) => navigator.vibrate?.(action ? PULSE : STRAIGHT);

/** One instruction: what to do, as near to the camera as can be. */
function Told({ action, count, at, of }) {
  const said = count ? t("told.ready", { n: digits(count) }) : t(`told.${action || "straight"}`);
  const part = at > 0 && at <= of && t("liveness.part", { at: digits(at), of: digits(of) });
  return html`<h1 class="unseen">${t("liveness.following")}</h1>
    <p class="hint part">${part || "\u00a0"}</p>
    <div class=${action ? "told doing" : "told"} data-testid="told" data-action=${count ? "ready" : action || "straight"}>
      <${Pictogram} action=${action} />
      <p aria-live="assertive" aria-atomic="true">${said}</p>
    </div>`;
}

/** A living face cannot be chosen from files: what to do instead. */
function NoCamera({ step, back, problem, onLeave }) {
  return html`<${Screen} title=${t("liveness.no_camera_title")} lead=${t("liveness.no_camera_lead")} step=${step}
    actions=${html`<${Button} testid="liveness-retry" onClick=${onLeave}>${t("liveness.again")}<//>${back}`}>
    <${Notice} kind="warning" testid="camera-problem">${explain(problem)}<//>
    <p>${cameraWords(problem)}</p>
    <${Notice} testid="liveness-counter">${t("liveness.counter")}<//>
  <//>`;
}
