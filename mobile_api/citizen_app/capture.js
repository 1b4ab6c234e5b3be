/** One screen that ends in one picture of a document: live camera, or a file; look, then use. */

import { closeCamera, facesAway, guideArea, openCamera, readFile, shoot } from "./camera.js";
import { digits, explain, has, t } from "./i18n.js";
import { Advice, Button, Notice, Screen, useAction } from "./ui.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

const KINDS = {
  // An ID-1 card, and a passport's page (ISO/IEC 7810), with room around them.
  card: { ratio: 1.45, share: 0.98 },
  passport: { ratio: 1.3, share: 0.98 },
};

/** The words of a kind; where it has none of its own, those of the card. */
const say = (kind, key) => t(has(`${kind}.${key}`) ? `${kind}.${key}` : `card.${key}`);

/**
 * `kind` is of KINDS, `onKind` where it may be chosen; `onPicture(blob)` uploads and may
 * refuse. `pictures` is how many the server has joined so far.
 */
export function Capture({ kind, onKind, pictures, step, onPicture, back }) {
  const [picture, setPicture] = useState(null);
  const use = useAction(async () => onPicture(picture.blob));
  const open = useAction(async (file) => setPicture(await readFile(file)));
  const retake = () => {
    use.fail(null);
    setPicture(null);
  };
  const note = pictures > 0 && html`<${Notice} testid="pictures">${t("picture.kept", { n: digits(pictures) })}<//>`;
  const props = { kind, onKind, step, note, back, use, open, picture, retake };
  return picture
    ? html`<${Preview} ...${props} />`
    : html`<${Viewfinder} ...${props} onPicture=${setPicture} />`;
}

function Viewfinder({ kind, onKind, step, note, back, open, onPicture }) {
  const video = useRef(null);
  const { state, problem } = useCamera(video, "environment");
  const take = async () => onPicture(await shoot(video.current, guideArea(video.current, KINDS[kind])));
  return html`<${Screen}
    title=${say(kind, "title")}
    lead=${say(kind, "lead")}
    step=${step}
    error=${open.error}
    actions=${html`
      ${!problem && html`<${Button} testid="card-shoot" disabled=${state !== "live"} onClick=${take}>
        ${t("card.shoot")}
      <//>`}
      <${FileButton} primary=${problem} onFile=${open.run} />
      ${back}
    `}
  >
    ${onKind && html`<${Kinds} kind=${kind} onKind=${onKind} />`}
    ${note}
    ${problem && html`<${Notice} kind="warning" testid="camera-problem">${explain(problem)}<//>`}
    ${!problem && html`
      <div class=${`viewfinder ${kind}`}>
        <video ref=${video} autoplay playsinline muted data-testid="card-video" aria-label=${say(kind, "video")}></video>
        <div class="guide" aria-hidden="true"></div>
      </div>`}
    <ul class="tips">
      ${["1", "2", "3"].map((n) => html`<li key=${n}>${say(kind, `tip${n}`)}</li>`)}
    </ul>
  <//>`;
}

function Kinds({ kind, onKind }) {
  return html`<div class="languages" role="group" aria-label=${t("picture.kind")}>
    ${Object.keys(KINDS).map((one) => html`<button key=${one} type="button" data-testid=${`kind-${one}`} aria-pressed=${one === kind ? "true" : "false"} onClick=${() => onKind(one)}>${t(`${one}.name`)}</button>`)}
  </div>`;
}

function FileButton({ primary, onFile }) {
  const choose = (event) => {
    const [file] = event.currentTarget.files;
    event.currentTarget.value = "";
    if (file) onFile(file);
  };
  return html`<label class=${`button file ${primary ? "primary" : "quiet"}`}>
    ${t("picture.choose")}
    <input type="file" accept="image/*" data-testid="card-file" onChange=${choose} />
  </label>`;
}

/** Whether the server has looked at the picture: the same one tells it nothing new. */
const isJudged = (error) => error?.code === "evidence-insufficient";

function Preview({ kind, step, note, use, picture, retake }) {
  const url = useObjectUrl(picture.blob);
  const doubtful = picture.faults.length > 0 || use.error;
  const upload = !isJudged(use.error) && html`<${Button} testid="card-use" kind=${doubtful ? "quiet" : "primary"} busy=${use.busy} onClick=${use.run}>
    ${t(use.busy ? "picture.sending" : "picture.use")}
  <//>`;
  const again = html`<${Button} testid="card-again" kind=${doubtful ? "primary" : "quiet"} disabled=${use.busy} onClick=${retake}>
    ${t("picture.again")}
  <//>`;
  return html`<${Screen}
    title=${isJudged(use.error) ? t("picture.unsure") : say(kind, "look")}
    lead=${!isJudged(use.error) && say(kind, "look_lead")}
    step=${step}
    error=${isJudged(use.error) && use.error.advice.length ? null : use.error}
    actions=${doubtful ? [again, upload] : [upload, again]}
  >
    <${Advice} codes=${use.error?.advice ?? (use.error ? [] : picture.faults)} />
    ${isJudged(use.error) && note}
    <img class="preview" src=${url} alt=${say(kind, "picture")} />
  <//>`;
}

/** What the person can do about a camera that cannot be used. */
export const cameraWords = ({ code }) => t(code === "camera-denied" ? "camera.allow" : "camera.other");

/** Run a camera into a <video> while the screen is there. */
export function useCamera(video, facing, size) {
  const [now, setNow] = useState({ state: "opening", problem: null, facesAway: false });
  useEffect(() => {
    let stream = null;
    let gone = false;
    (async () => {
      try {
        stream = await openCamera(facing, size);
        if (gone) return closeCamera(stream);
        video.current.srcObject = stream;
        await video.current.play();
        if (!gone) setNow({ state: "live", problem: null, facesAway: facesAway(stream) });
      } catch (problem) {
        if (!gone) setNow({ state: "closed", problem: problem.code ? problem : { code: "camera-missing", fields: [] } });
      }
    })();
    return () => {
      gone = true;
      closeCamera(stream);
    };
  }, [facing]);
  return now;
}

function useObjectUrl(blob) {
  const [url, setUrl] = useState(null);
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}
