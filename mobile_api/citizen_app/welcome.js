/** The screens before there is an account, and when the account is gone. */

import { LostPhoneLink } from "./help.js";
import { t } from "./i18n.js";
import { Languages } from "./languages.js";
import { Button, Notice, Screen, useAction } from "./ui.js";
import { html } from "./vendor/preact.js";

export function Welcome({ phone, onLanguage, onRegister, onRecover, linked }) {
  const begin = useAction((start) => start());
  const start = (testid, kind, act, text) =>
    html`<${Button} testid=${testid} kind=${kind} busy=${begin.busy} onClick=${() => begin.run(act)}>${text}<//>`;
  return html`<${Screen} title=${t("welcome.title")} lead=${t("welcome.lead")} error=${begin.error}
    actions=${html`
      ${start("start-register", "primary", onRegister, t("welcome.register"))}
      ${start("start-recover", "second", onRecover, t("welcome.recover"))}
      <${LostPhoneLink} phone=${phone} />
      <a class="button quiet" href="#/about" data-testid="about">${t("welcome.about")}</a>`}>
    <div class="brandmark"><img src="/icons/icon.svg" alt="" width="104" height="104" />${t("app.name")}</div>
    <${Languages} onLanguage=${onLanguage} />
    ${linked && html`<${Notice} kind="warning" testid="register-first">${t("welcome.register_first")}<//>`}
  <//>`;
}

export function About({ onBack }) {
  return html`<${Screen} title=${t("about.title")}
    actions=${html`<${Button} testid="about-back" onClick=${onBack}>${t("back")}<//>`}>
    ${["what", "need", "data", "safe"].map((part) => html`<section key=${part}><h2>${t(`about.${part}`)}</h2><p>${t(`about.${part}_text`)}</p></section>`)}
  <//>`;
}

/** A QR link opened by the system: it claims nothing, only the scanner does. */
export function QrOpened({ registered, onNext }) {
  const next = registered ? "qr.scan" : "welcome.register";
  return html`<${Screen} title=${t("qr.title")} lead=${t(registered ? "qr.lead" : "qr.lead_new")}
    actions=${html`<${Button} testid=${registered ? "scan" : "start-register"} onClick=${onNext}>${t(next)}<//>`}>
    <${Notice} kind="caution">${t("request.never")}<//>
  <//>`;
}

/** The server no longer knows this phone. `onForget(route)` starts over there. */
export function Lost({ onForget }) {
  return html`<${Screen} title=${t("lost.title")} lead=${t("lost.lead")}
    actions=${html`<${Button} testid="lost-start" onClick=${() => onForget("")}>${t("lost.start")}<//>
      <${Button} kind="second" testid="lost-recover" onClick=${() => onForget("recover")}>${t("lost.recover")}<//>`}>
    <${Notice} testid="lost">${t("lost.note")}<//>
  <//>`;
}
