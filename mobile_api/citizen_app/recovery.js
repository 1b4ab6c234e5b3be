/**
 * Back to an account from a new phone: a registration with another beginning and end.
 *
 *     phone → phone_code → document ──────────────→ details → register → face → waiting → done
 *                           └─ the old phone says yes ─────────────────────┘
 */

import { internationalNumber } from "./countries.js";
import { currentLanguage, digits, duration, instant, t } from "./i18n.js";
import { NumberFields } from "./number_fields.js";
import { mark, phonePins } from "./pin_rules.js";
import { Leave, Registration } from "./registration.js";
import { ChoosePin } from "./registration_device.js";
import { Dots, useView } from "./registration_waits.js";
import { drafts } from "./store.js";
import { Button, Form, Notice, Screen, useAction, useSecondsLeft } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";
import { useWork, Working } from "./work.js";

const POLL = 2000;
// While it is not known yet which way the person goes.
const ASKING = ["phone_code", "document"];

/** `view` is the server's answer or null; `onChange(route)` leaves for another journey. */
export function Recovery(props) {
  return html`<${Journey} key=${props.view?.id} ...${props} />`;
}

function Journey({ phone, view, onView, onLeave, onChange }) {
  const [way, setWay] = useState(drafts.get("recovery").way);
  const choose = (chosen) => {
    drafts.put("recovery", { way: chosen });
    setWay(chosen);
  };
  useEffect(() => void (view && !ASKING.includes(view.state) && choose("card")), [view?.state]);
  const props = { phone, view, onView, onLeave, onChange };
  const back = html`<${Leave} ...${props} />`;
  if (!view) return html`<${Start} ...${props} />`;
  if (view.state === "stopped") return html`<${Stopped} onAgain=${() => onChange("recover")} onLeave=${onLeave} />`;
  if (view.state === "waiting") return html`<${Waiting} ...${props} back=${back} />`;
  const asks = view.state === "document" && view.binding_code;
  if (asks && way !== "card") return html`<${OldPhone} ...${props} onCard=${() => choose("card")} back=${back} />`;
  const other = asks && html`<${Button} kind="quiet" testid="recover-by-phone" onClick=${() => choose("phone")}>${t("recover.way_phone")}<//>`;
  return html`<${Registration} ...${props} other=${other} />`;
}

function Start({ phone, onView, onLeave }) {
  const [country, setCountry] = useState("855");
  const [number, setNumber] = useState("");
  const work = useWork(phone.api);
  const send = useAction(async () => {
    const full = internationalNumber(country, number);
    if (!full) throw t("phone.missing");
    await phone.store.put("refused-pins", await mark(phone.authenticator.secret, phonePins(full)));
    drafts.remove("recovery");
    await onView(await work.post("/recoveries", { phone: full, locale: currentLanguage() }));
  });
  return html`<${Form} onSubmit=${send.run}><${Screen} title=${t("recover.phone")} lead=${t("recover.phone_lead")} error=${send.error}
    actions=${html`<${Button} type="submit" testid="phone-next" busy=${send.busy}>${t("phone.next")}<//>
      <${Button} kind="quiet" testid="register-back" onClick=${onLeave}>${t("back")}<//>`}>
    <${NumberFields} ...${{ country, setCountry, number, setNumber }} />
    <${Working} share=${work.share} />
  <//><//>`;
}

/** The digits that the old phone asks for; its answer moves the view. */
function OldPhone({ phone, view, onView, onCard, back }) {
  const problem = useView(phone, onView, POLL);
  return html`<${Screen} title=${t("recover.way")} lead=${t("recover.way_lead")} error=${problem}
    actions=${html`<p class="hint">${t("recover.way_card_lead")}</p>
      <${Button} kind="second" testid="recover-by-card" onClick=${onCard}>${t("recover.way_card")}<//>${back}`}>
    <p class="pair" data-testid="recovery-digits">${digits(view.binding_code)}</p>
    <${Dots} testid="recovery-asking">${t("recover.way_status")}<//>
    <${Notice} kind="caution">${t("recover.way_secret")}<//>
  <//>`;
}

/** The owner's time to object; then the PIN of this phone. */
function Waiting({ phone, view, onView, back }) {
  const ready = view.waiting?.ready_at ?? 0;
  const left = useSecondsLeft(phone.api, ready);
  if (left === 0) return html`<${ChoosePin} ...${{ phone, view, onView, back }} />`;
  return html`<${Screen} title=${t("recover.wait")} lead=${t("recover.wait_lead", { at: instant(ready) })} actions=${back}>
    <p class="big" data-testid="recovery-wait" role="timer">${t("wait.left", { time: duration(left) })}</p>
    <p>${t("recover.wait_why")}</p>
    <${Notice}>${t("recover.wait_close")}<//>
  <//>`;
}

/** An old phone said no, the digits were wrong, or there were too many tries. */
function Stopped({ onAgain, onLeave }) {
  return html`<${Screen} title=${t("recover.stopped")} lead=${t("recover.stopped_lead")}
    actions=${html`<${Button} testid="recovery-again" onClick=${onAgain}>${t("recover.again")}<//>
      <${Button} kind="quiet" testid="stopped-home" onClick=${onLeave}>${t("stopped.home")}<//>`}>
    <${Notice} testid="stopped">${t("recover.stopped_where")}<//>
  <//>`;
}
