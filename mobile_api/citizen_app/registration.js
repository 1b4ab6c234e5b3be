/**
 * Registration, step by step, as the server's view says where it is.
 *
 *     phone → phone_code → document → details → register → face → [review] → device → done
 *                                                 stopped, refused: the way that is left
 */

import { HELPABLE, HelpButton, Helped, isHelped } from "./assistance.js";
import { Capture } from "./capture.js";
import { countries, internationalNumber } from "./countries.js";
import { asciiDigits, countdown, currentLanguage, digits, t } from "./i18n.js";
import { Liveness } from "./liveness.js";
import { mark, phonePins } from "./pin_rules.js";
import { Details } from "./registration_details.js";
import { ChoosePin } from "./registration_device.js";
import { Asking, Moved, Refused, Reviewed, Stopped } from "./registration_waits.js";
import { drafts } from "./store.js";
import { Button, Field, Form, Notice, Screen, SixDigits, useAction, useSecondsLeft, useShown } from "./ui.js";
import { useWork, Working } from "./work.js";
import { html, useState } from "./vendor/preact.js";

const ORDER = ["phone", "phone_code", "document", "details", "face", "device"];
const RENEWING = ["document", "details", "face"];
const BESIDE = { register: "details", review: "face" };
const STEPS = { phone: Phone, phone_code: Code, document: Card, details: Details, register: Asking, face: Face, review: Reviewed, device: ChoosePin, refused: Refused, stopped: Stopped };

/**
 * `phone` is the phone's services, `view` the server's answer or null; `onChange(route)`
 * leaves for another journey. `other` is one more way out of each step.
 */
export function Registration({ phone, view, onView, onLeave, onChange, other }) {
  const [moved, setMoved] = useState(null);
  const state = view?.state ?? "phone";
  const Step = STEPS[state] ?? Stopped;
  const order = view?.purpose === "renewal" ? RENEWING : ORDER;
  const at = order.indexOf(BESIDE[state] ?? state) + 1;
  const step = at ? { at, of: order.length } : null;
  const [helped, setHelped] = useState(isHelped);
  const canBeHelped = HELPABLE.includes(state);
  const help = canBeHelped && html`<${HelpButton} onHelp=${() => setHelped(true)} />`;
  const back = html`${other}${help}<${Leave} phone=${phone} view=${view} onLeave=${onLeave} />`;
  /** What was asked for; a refusal may have moved the view (tries, stopped). */
  const asked = async (sending) => {
    try {
      const answer = await sending;
      setMoved(null);
      return answer;
    } catch (problem) {
      if (problem.code === "already-registered") drafts.put("stopped", { code: problem.code });
      const follow = async (next) => {
        setMoved({ problem, from: state, to: next.state });
        await onView(next);
      };
      if (problem.status > 0) await phone.api.get("/registrations/current").then(follow, () => {});
      throw problem;
    }
  };
  const take = async (sending) => onView(await asked(sending));
  if (canBeHelped && helped) return html`<${Helped} ...${{ phone, view, onView, step }} onAlone=${() => setHelped(false)} />`;
  const path = `/registrations/${view?.id}`;
  const post = (name, body) => take(phone.api.post(`${path}/${name}`, body));
  const upload = (name, picture, onProgress) => take(phone.api.upload(`${path}/${name}`, picture, onProgress));
  const ask = () => asked(phone.api.post(`${path}/liveness`));
  // Who has an account already is told so by the screen itself, and after a reload too.
  const isKnown = moved?.problem.code === "already-registered" && view?.purpose === "registration";
  const isTold = moved?.to === state && moved.from !== state && !isKnown;
  return html`${isTold && html`<${Moved} problem=${moved.problem} onChange=${onChange} />`}
    <${Step} key=${state} ...${{ phone, view, onView, step, back, post, upload, ask, onLeave }} />`;
}

const LEAVING = { recovery: "recover", renewal: "renewal" };

/** Stop it; asks once more, because nothing is kept. */
export function Leave({ phone, view, onLeave }) {
  const [asked, setAsked] = useState(false);
  const question = useShown(asked);
  const words = LEAVING[view?.purpose] ?? "register";
  const leave = useAction(async () => {
    if (view) await phone.api.post(`/registrations/${view.id}/cancellation`);
    await onLeave();
  });
  if (!view) return html`<${Button} kind="quiet" testid="register-back" onClick=${leave.run}>${t("back")}<//>`;
  if (!asked) {
    return html`<${Button} kind="link" testid="register-cancel" onClick=${() => setAsked(true)}>${t(`${words}.cancel`)}<//>`;
  }
  return html`<div class="confirm" ref=${question}>
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
  const work = useWork(phone.api);
  const send = useAction(async () => {
    const full = internationalNumber(country, number);
    if (!full) throw t("phone.missing");
    await phone.store.put("refused-pins", await mark(phone.authenticator.secret, phonePins(full)));
    const view = await work.post("/registrations", { phone: full, locale: currentLanguage() });
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
    <${Working} share=${work.share} />
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

function Card({ view, step, back, upload }) {
  const [kind, setKind] = useState(drafts.get("document").kind ?? "card");
  const choose = (chosen) => {
    drafts.put("document", { kind: chosen });
    setKind(chosen);
  };
  const send = (picture) => upload("document", picture);
  return html`<${Capture} key=${kind} kind=${kind} onKind=${choose} pictures=${view.pictures} step=${step} back=${back} onPicture=${send} />`;
}

function Face({ phone, view, step, back, upload, ask }) {
  const send = (clip, onProgress) => upload("face", clip, onProgress);
  return html`<${Liveness} ...${{ phone, ask, send, step, back }} left=${view.face?.attempts_left} />`;
}
