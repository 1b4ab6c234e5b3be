/** Another PIN for this phone: the present one, and the new one twice. */

import { sendWithPin } from "./assertions.js";
import { t } from "./i18n.js";
import { prepare } from "./pin_key.js";
import { endsLikeNumber, refusal } from "./pin_rules.js";
import { Button, Form, Notice, Screen, SixDigits, useAction } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";

const EMPTY = { pin: "", next: "", again: "" };

export function PinChange({ phone, profile }) {
  const [typed, setTyped] = useState(EMPTY);
  const [changed, setChanged] = useState(false);
  useEffect(() => void prepare().catch(() => {}), []);
  const put = (name) => (value) => setTyped((before) => ({ ...before, [name]: value }));
  const change = useAction(async () => {
    await accept(phone, profile, typed);
    try {
      await send(phone, typed);
    } catch (problem) {
      put("pin")("");
      throw problem;
    }
    setTyped(EMPTY);
    setChanged(true);
  });
  if (changed) return html`<${Changed} />`;
  return html`<${Form} onSubmit=${change.run}><${Screen} title=${t("pin_change.title")} lead=${t("pin_change.lead")} error=${change.error}
    actions=${html`<${Button} type="submit" testid="pin-next" busy=${change.busy}>${t("pin_change.yes")}<//>
      <a class="button quiet" href="#/settings" data-testid="pin-back">${t("back")}</a>`}>
    <${SixDigits} name="pin" label=${t("pin_change.present")} value=${typed.pin} onValue=${put("pin")} secret />
    <${SixDigits} name="pin-new" label=${t("pin.label")} hint=${t("pin.hint")} value=${typed.next} onValue=${put("next")} secret autofill="new-password" />
    <${SixDigits} name="pin-repeat" label=${t("pin.repeat")} value=${typed.again} onValue=${put("again")} secret autofill="new-password" />
    <a class="hint" href="#/help" data-testid="help">${t("help.forgot")}</a>
  <//><//>`;
}

/** The rules of a registration, as far as an unlocked phone knows the person. */
async function accept({ authenticator }, profile, { pin, next, again }) {
  if (pin.length < 6 || next.length < 6) throw t("pin.short");
  const secret = authenticator.secret;
  const refused = await refusal({ secret, pin: next, marks: [], birthDate: profile.birth_date });
  if (refused) throw t(`pin.refused_${refused}`);
  if (endsLikeNumber(next, profile.phone_hint)) throw t("pin.refused_personal");
  if (next === pin) throw t("pin_change.same");
  if (next !== again) throw t("pin.different");
}

function send({ api, authenticator, account, configuration }, { pin, next }) {
  const who = { account: account.id, issuer: configuration.issuer };
  const make = (nonce) => authenticator.changePin({ pin, next, nonce, now: api.now(), ...who });
  return sendWithPin(api.post("/pin", make));
}

function Changed() {
  return html`<${Screen} title=${t("pin_change.done")} lead=${t("pin_change.done_lead")}
    actions=${html`<a class="button primary" href="#/settings" data-testid="pin-done">${t("next")}</a>`}>
    <div class="picture tick" aria-hidden="true"></div>
    <${Notice}>${t("pin.secret")}<//>
  <//>`;
}
