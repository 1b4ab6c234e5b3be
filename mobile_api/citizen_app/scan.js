/** The scan screen: the camera finds a code, or the person pastes its text. */

import { useCamera } from "./capture.js";
import { explain, t } from "./i18n.js";
import { parseScanned } from "./links.js";
import { Button, Field, Form, Notice, Screen, useAction } from "./ui.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

/** `onClaim(link)` claims and moves on, or throws a Problem; `back` is a button. */
export function Scan({ phone, onClaim, back }) {
  const [ready, setReady] = useState(false);
  const [pasting, setPasting] = useState(false);
  const claim = useAction(async (text) => {
    const link = parseScanned(text.trim(), phone.configuration.app);
    if (!link) throw t("scan.not_ours");
    await onClaim(link);
  });
  // A code lives five seconds: have the nonce before the camera sees one.
  useEffect(() => {
    phone.api.nonce().then(() => setReady(true), (problem) => (claim.fail(problem), setReady(true)));
  }, []);
  const props = { claim, back };
  if (pasting) return html`<${Paste} ...${props} onCamera=${() => setPasting(false)} />`;
  return html`<${Live} ...${props} ready=${ready} onPaste=${() => setPasting(true)} />`;
}

function Live({ claim, back, ready, onPaste }) {
  const [problem, setProblem] = useState(null);
  const actions = html`<${Button} kind=${problem ? "primary" : "quiet"} testid="scan-paste" onClick=${onPaste}>${t("scan.paste")}<//>${back}`;
  return html`<${Screen} title=${t("scan.title")} lead=${t("scan.lead")} error=${claim.error} actions=${actions}>
    ${problem && html`<${Notice} kind="warning" testid="camera-problem" title=${explain(problem)}>${t("scan.no_camera")}<//>`}
    ${!problem && html`<div class="viewfinder qr">
      ${ready && html`<${Finder} onRead=${claim.run} onProblem=${setProblem} />`}
      <div class="guide" aria-hidden="true"></div>
    </div>`}
    <p class="hint">${t("scan.warning")}</p>
  <//>`;
}

function Finder({ onRead, onProblem }) {
  const video = useRef(null);
  const { state, problem } = useCamera(video, "environment");
  useEffect(() => void (problem && onProblem(problem)), [problem]);
  useEffect(() => {
    if (state !== "live") return undefined;
    let stop = () => {};
    let gone = false;
    import("./scanner.js").then(
      ({ watch }) => gone || (stop = watch(video.current, onRead)),
      () => onProblem({ code: "offline" }),
    );
    return () => {
      gone = true;
      stop();
    };
  }, [state]);
  return html`<video ref=${video} autoplay playsinline muted data-testid="scan-video" aria-label=${t("scan.video")}></video>`;
}

function Paste({ claim, back, onCamera }) {
  const [text, setText] = useState("");
  return html`<${Form} onSubmit=${() => claim.run(text)}><${Screen} title=${t("scan.paste_title")} lead=${t("scan.paste_lead")} error=${claim.error}
    actions=${html`
      <${Button} type="submit" testid="scan-paste-submit" busy=${claim.busy}>${t("next")}<//>
      <${Button} kind="quiet" testid="scan-camera" onClick=${onCamera}>${t("scan.camera")}<//>${back}`}>
    <${Field} name="scan-text" testid="scan-text" label=${t("scan.text")} value=${text} onValue=${setText} autocomplete="off" spellcheck=${false} inputmode="url" lang="en" />
    <p class="hint">${t("scan.warning")}</p>
  <//><//>`;
}
