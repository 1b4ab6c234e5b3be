/**
 * Registration, step by step, as the server's view says where it is.
 *
 *     phone → phone_code → document → details → register → face → device → done
 */

import { Capture } from "./capture.js";
import { countries, internationalNumber } from "./countries.js";
import { asciiDigits, countdown, currentLanguage, digits, t } from "./i18n.js";
import { mark, phonePins } from "./pin_rules.js";
import { Details } from "./registration_details.js";
import { ChoosePin } from "./registration_device.js";
import { drafts } from "./store.js";
import { Button, Field, Form, Notice, Screen, SixDigits, useAction, useSecondsLeft } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";

const POLL = 2000;
const ORDER = ["phone", "phone_code", "document", "details", "face", "device"];
const STEPS = { phone: Phone, phone_code: Code, document: Card, details: Details, register: Waiting, face: Selfie, device: ChoosePin, stopped: Stopped };

/** `phone` is the phone's services, `view` the server's answer or null. */
export function Registration({ phone, view, onView, onLeave, other }) {
  const state = view?.state ?? "phone";
  const Step = STEPS[state] ?? Stopped;
  const at = ORDER.indexOf(state === "register" ? "details" : state) + 1;
  const step = at ? { at, of: ORDER.length } : null;
  const back = html`${other}<${Leave} phone=${phone} view=${view} onLeave=${onLeave} />`;
  const take = (sending) => viewAfter(phone, sending, onView);
  const post = (name, body) => take(phone.api.post(`/registrations/${view.id}/${name}`, body));
  const upload = (name, picture) => take(phone.api.upload(`/registrations/${view.id}/${name}`, picture));
  return html`<${Step} key=${state} ...${{ phone, view, onView, step, back, post, upload, onLeave }} />`;
}

/** The view that a step answers; a refusal may have moved it too (tries, stopped). */
async function viewAfter(phone, sending, onView) {
  try {
    await onView(await sending);
  } catch (problem) {
    if (problem.status > 0) await phone.api.get("/registrations/current").then(onView, () => {});
    throw problem;
  }
}

const LEAVING = { recovery: "recover", renewal: "renewal" };

/** Stop it; asks once more, because nothing is kept. */
export function Leave({ phone, view, onLeave }) {
  const [asked, setAsked] = useState(false);
  const words = LEAVING[view?.purpose] ?? "register";
  const leave = useAction(async () => {
    if (view) await phone.api.post(`/registrations/${view.id}/cancellation`);
    await onLeave();
  });
  if (!view) return html`<${Button} kind="quiet" testid="register-back" onClick=${leave.run}>${t("back")}<//>`;
  if (!asked) {
    return html`<${Button} kind="link" testid="register-cancel" onClick=${() => setAsked(true)}>${t(`${words}.cancel`)}<//>`;
  }
  return html`<div class="confirm">
    <p>${t(`${words}.cancel_sure`)}</p>
    <${Button} kind="danger" testid="register-cancel-yes" busy=${leave.busy} onClick=${leave.run}>${t("register.cancel_yes")}<//>
    <${Button} kind="quiet" testid="register-cancel-no" onClick=${() => setAsked(false)}>${t("register.cancel_no")}<//>
  </div>`;
}

function Phone({ phone, onView, step, back }) {
  const draft = drafts.get("phone");
  const [country, setCountry] = useState(draft.country ?? "855");
  const [number, setNumber] = useState(draft.number ?? "");
  const type = (typed) => {
    drafts.put("phone", { country, number, ...typed });
    if ("country" in typed) setCountry(typed.country);
    else setNumber(typed.number);
  };
  const send = useAction(async () => {
    const full = internationalNumber(country, number);
    if (!full) throw t("phone.missing");
    await phone.store.put("refused-pins", await mark(phone.authenticator.secret, phonePins(full)));
    const view = await phone.api.post("/registrations", { phone: full, locale: currentLanguage() });
    drafts.remove("phone");
    onView(view);
  });
  return html`<${Form} onSubmit=${send.run}><${Screen}
    title=${t("phone.title")}
    lead=${t("phone.lead")}
    step=${step}
    error=${send.error}
    actions=${html`<${Button} type="submit" testid="phone-next" busy=${send.busy}>${t("phone.next")}<//>${back}`}
  >
    <${Field} name="phone-country" label=${t("phone.country")}>
      <select id="in-phone-country" data-testid="phone-country" value=${country} onChange=${(event) => type({ country: event.currentTarget.value })}>
        ${countries().map(({ code, label }) => html`<option key=${code} value=${code} selected=${code === country}>${label}</option>`)}
      </select>
    <//>
    <${Field}
      name="phone"
      testid="phone"
      label=${t("phone.number")}
      hint=${t(country ? "phone.hint" : "phone.hint_other")}
      type="tel"
      inputmode="tel"
      autocomplete="tel-national"
      value=${number}
      onValue=${(text) => type({ number: asciiDigits(text) })}
    />
  <//><//>`;
}

function Code({ phone, view, step, back, post }) {
  const [code, setCode] = useState("");
  const left = useSecondsLeft(phone.api, view.code?.expires_at);
  const wait = useSecondsLeft(phone.api, view.code?.resend_at);
  const send = useAction(async () => {
    if (code.length < 6) throw t("code.missing");
    await post("phone-code", { code });
  });
  const resend = useAction(async () => {
    setCode("");
    await post("phone-code/resend");
  });
  const again = wait > 0 ? t("code.resend_in", { time: countdown(wait) }) : t("code.resend");
  return html`<${Form} onSubmit=${send.run}><${Screen}
    title=${t("code.title")}
    lead=${t("code.lead", { phone: digits(view.phone_hint ?? "") })}
    step=${step}
    error=${send.error ?? resend.error}
    actions=${html`
      <${Button} type="submit" testid="code-next" busy=${send.busy}>${t("next")}<//>
      <${Button} kind="quiet" testid="code-resend" disabled=${wait > 0} busy=${resend.busy} onClick=${resend.run}>${again}<//>
      ${back}`}
  >
    <${SixDigits} name="code" label=${t("code.label")} value=${code} onValue=${setCode} autofill="one-time-code" />
    <p class="hint" data-testid="code-time">
      ${left > 0 ? t("code.valid", { time: countdown(left) }) : t("code.over")}
    </p>
    <${Notice}>${t("code.secret")}<//>
  <//><//>`;
}

function Card({ step, back, upload }) {
  return html`<${Capture} kind="card" step=${step} back=${back} onPicture=${(picture) => upload("document", picture)} />`;
}

function Selfie({ view, step, back, upload }) {
  const left = view.face?.attempts_left;
  const note = left !== undefined && left < 3 && html`<${Notice}>${t("selfie.left", { n: digits(left) })}<//>`;
  return html`<${Capture} kind="selfie" step=${step} back=${back} note=${note} onPicture=${(picture) => upload("face", picture)} />`;
}

/** The national register has been asked; nothing to do but wait. */
function Waiting({ phone, onView, step }) {
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    let timer = null;
    let gone = false;
    const ask = async () => {
      try {
        const view = await phone.api.get("/registrations/current");
        if (gone) return;
        setProblem(null);
        onView(view);
      } catch (raised) {
        if (!gone) setProblem(raised);
      }
      if (!gone) timer = setTimeout(ask, POLL);
    };
    timer = setTimeout(ask, POLL);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);
  return html`<${Screen} title=${t("waiting.title")} lead=${t("waiting.lead")} step=${step} error=${problem}>
    <div class="waiting" role="status" data-testid="waiting"><span class="dots" aria-hidden="true"><i></i><i></i><i></i></span><span>${t("waiting.status")}</span></div>
    <${Notice}>${t("waiting.close")}<//>
  <//>`;
}

function Stopped({ onLeave }) {
  return html`<${Screen}
    title=${t("stopped.title")}
    lead=${t("stopped.lead")}
    actions=${html`<${Button} testid="stopped-home" onClick=${onLeave}>${t("stopped.home")}<//>`}
  >
    <${Notice} testid="stopped">${t("stopped.where")}<//>
  <//>`;
}
