/**
 * A recovery as the old phone sees it: who asks, yes with the two digits, or no.
 *
 * Works while the app is locked: both answers are signed with the PIN or biometric.
 */

import { decide } from "./assertions.js";
import { Confirm } from "./confirm.js";
import { duration, instant, t } from "./i18n.js";
import { Digits, Notice, Screen, useSecondsLeft } from "./ui.js";
import { html, useState } from "./vendor/preact.js";

const TYP = "camdigikey-recovery+jwt";
// The new phone takes over, or comes beside the others: what is signed, and where it goes.
const ANSWERS = {
  yes: { action: "approve", verb: "approval" },
  add: { action: "add", verb: "addition" },
};

/** `path` is what follows `recovery`: `<id>`, `<id>/yes`, `<id>/add`, `<id>/no`. */
export function RecoveryAsked({ path, ...props }) {
  const [id, act] = path;
  return html`<${One} key=${id} ...${props} id=${id} act=${act} />`;
}

function One({ phone, id, act, recoveries, onAnswered }) {
  const [end, setEnd] = useState("");
  const one = recoveries.find((recovery) => recovery.id === id);
  if (end) return html`<${Answered} end=${end} />`;
  if (!one) return html`<${Over} />`;
  const answer = (said) => {
    setEnd(said);
    onAnswered();
  };
  if (ANSWERS[act] && one.state === "open") return html`<${Yes} phone=${phone} one=${one} act=${act} onEnd=${answer} />`;
  if (act === "no") return html`<${No} phone=${phone} one=${one} onEnd=${answer} />`;
  return html`<${Asked} phone=${phone} one=${one} />`;
}

function Asked({ phone, one }) {
  const left = useSecondsLeft(phone.api, one.ready_at);
  const open = one.state === "open";
  return html`<${Screen} title=${t("asked.title")} lead=${t("asked.lead", { at: instant(one.started_at) })}
    actions=${html`
      <a class="button danger" href=${`#/recovery/${one.id}/no`} data-testid="recovery-no">${t("asked.no")}</a>
      ${open && ["yes", "add"].map((act) => html`<a key=${act} class="button second" href=${`#/recovery/${one.id}/${act}`} data-testid=${`recovery-${act}`}>${t(`asked.${act}`)}</a>`)}
      <a class="button quiet" href="#/home" data-testid="recovery-later">${t("asked.later")}</a>`}>
    <p data-testid="recovery-state">${t(`asked.state_${one.state}`)}</p>
    ${one.ready_at && html`<p data-testid="recovery-ready">${t("asked.ready", { at: instant(one.ready_at) })} ${left > 0 && t("wait.left", { time: duration(left) })}</p>`}
    <${Notice} kind="caution">${t("asked.warning")}<//>
  <//>`;
}

function Yes({ phone, one, act, onEnd }) {
  const [code, setCode] = useState("");
  const { action, verb } = ANSWERS[act];
  const approve = async (verification) => {
    if (code.length < 2) throw t("asked.code_short");
    const what = { path: `/recoveries/${one.id}/${verb}`, typ: TYP, action, target: one.id };
    const { state } = await decide(phone, { ...what, body: { binding_code: code }, verification });
    onEnd(state === "approved" && act === "add" ? "added" : state);
  };
  return html`<${Confirm} phone=${phone} title=${t(`asked.${act}_title`)} lead=${t("asked.yes_lead")} yes=${t("asked.yes_do")}
    onConfirm=${approve} back=${`recovery/${one.id}`}>
    <${Notice} kind="caution">${t("asked.yes_warning")}<//>
    <${Digits} name="binding-code" count=${2} label=${t("asked.code")} hint=${t("asked.code_hint")} value=${code} onValue=${setCode} />
  <//>`;
}

function No({ phone, one, onEnd }) {
  const object = async (verification) => {
    const what = { path: `/recoveries/${one.id}/objection`, typ: TYP, action: "object", target: one.id };
    await decide(phone, { ...what, verification });
    onEnd("objected");
  };
  return html`<${Confirm} phone=${phone} title=${t("asked.no_title")} yes=${t("asked.no_do")} kind="danger"
    follows=${["ends", "told"].map((key) => t(`asked.no_${key}`))} onConfirm=${object} back=${`recovery/${one.id}`} />`;
}

/** `end` is `approved`, `added`, `ended` (wrong digits) or `objected`. */
function Answered({ end }) {
  const picture = end === "ended" ? "cross" : "tick";
  return html`<${Screen} title=${t(`asked.end_${end}`)} lead=${t(`asked.end_${end}_lead`)}
    actions=${html`<a class="button primary" href="#/home" data-testid=${`recovery-${end}`}>${t("next")}</a>`}>
    <div class=${`picture ${picture}`} aria-hidden="true"></div>
  <//>`;
}

function Over() {
  return html`<${Screen} title=${t("asked.over")} lead=${t("asked.over_lead")}
    actions=${html`<a class="button primary" href="#/home" data-testid="recovery-over">${t("next")}</a>`} />`;
}
