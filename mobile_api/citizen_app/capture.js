/** One screen that ends in one picture: live camera, or a file; look, then use. */

import { closeCamera, facesAway, guideArea, openCamera, readFile, shoot } from "./camera.js";
import { explain, t } from "./i18n.js";
import { Advice, Button, Notice, Screen, useAction } from "./ui.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

const KINDS = {
  // An ID-1 card (ISO/IEC 7810) with room around it.
  card: { facing: "environment", guide: { ratio: 1.45, share: 0.98 } },
};

/** `kind` is of KINDS; `onPicture(blob)` uploads and may refuse. */
export function Capture({ kind, step, onPicture, note, back }) {
  const [picture, setPicture] = useState(null);
  const use = useAction(async () => onPicture(picture.blob));
  const open = useAction(async (file) => setPicture(await readFile(file)));
  const retake = () => {
    use.fail(null);
    setPicture(null);
  };
  const props = { kind, step, note, back, use, open, picture, retake };
  return picture
    ? html`<${Preview} ...${props} />`
    : html`<${Viewfinder} ...${props} onPicture=${setPicture} />`;
}

function Viewfinder({ kind, step, note, back, open, onPicture }) {
  const video = useRef(null);
  const { state, problem } = useCamera(video, KINDS[kind].facing);
  const take = async () => {
    const { guide } = KINDS[kind];
    onPicture(await shoot(video.current, guideArea(video.current, guide)));
  };
  const denied = problem && html`<${Notice} kind="warning" testid="camera-problem">
    ${explain(problem)}
  <//>`;
  return html`<${Screen}
    title=${t(`${kind}.title`)}
    lead=${t(`${kind}.lead`)}
    step=${step}
    error=${open.error}
    actions=${html`
      ${!problem && html`<${Button} testid=${`${kind}-shoot`} disabled=${state !== "live"} onClick=${take}>
        ${t(`${kind}.shoot`)}
      <//>`}
      <${FileButton} kind=${kind} primary=${problem} onFile=${open.run} />
      ${back}
    `}
  >
    ${note} ${denied}
    ${!problem && html`
      <div class=${`viewfinder ${kind}`}>
        <video ref=${video} autoplay playsinline muted data-testid=${`${kind}-video`} aria-label=${t(`${kind}.video`)}></video>
        <div class="guide" aria-hidden="true"></div>
      </div>`}
    <ul class="tips">
      ${["1", "2", "3"].map((n) => html`<li key=${n}>${t(`${kind}.tip${n}`)}</li>`)}
    </ul>
  <//>`;
}

function FileButton({ kind, primary, onFile }) {
  const choose = (event) => {
    const [file] = event.currentTarget.files;
    event.currentTarget.value = "";
    if (file) onFile(file);
  };
  return html`<label class=${`button file ${primary ? "primary" : "quiet"}`}>
    ${t("picture.choose")}
    <input type="file" accept="image/*" data-testid=${`${kind}-file`} onChange=${choose} />
  </label>`;
}

function Preview({ kind, step, use, picture, retake }) {
  const url = useObjectUrl(picture.blob);
  const doubtful = picture.faults.length > 0 || use.error;
  const upload = html`<${Button} testid=${`${kind}-use`} kind=${doubtful ? "quiet" : "primary"} busy=${use.busy} onClick=${use.run}>
    ${t(use.busy ? "picture.sending" : "picture.use")}
  <//>`;
  const again = html`<${Button} testid=${`${kind}-again`} kind=${doubtful ? "primary" : "quiet"} disabled=${use.busy} onClick=${retake}>
    ${t("picture.again")}
  <//>`;
  return html`<${Screen}
    title=${t(`${kind}.look`)}
    lead=${t(`${kind}.look_lead`)}
    step=${step}
    error=${use.error}
    actions=${doubtful ? [again, upload] : [upload, again]}
  >
    <${Advice} codes=${use.error?.advice ?? (use.error ? [] : picture.faults)} />
    <img class=${`preview ${kind}`} src=${url} alt=${t(`${kind}.picture`)} />
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
