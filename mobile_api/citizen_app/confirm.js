/** A decision that wants the person: what follows from it, then the PIN or the phone's own lock. */

import { byBiometric } from "./assertions.js";
import { t } from "./i18n.js";
import { prepare } from "./pin_key.js";
import { Button, Form, Screen, SixDigits, useAction } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";

/**
 * `onConfirm(verification)` does it; what it throws is shown.
 *
 * `follows` are sentences on what happens then, `children` are more fields, `back` is
 * where the person goes who decides otherwise.
 */
export function Confirm({ phone, title, lead, yes, kind, follows = [], pinOnly, onConfirm, back, backText = t("back"), children }) {
  const [pin, setPin] = useState("");
  useEffect(() => void prepare().catch(() => {}), []);
  const act = useAction(async (verification) => {
    if (verification.pin !== undefined && pin.length < 6) throw t("pin.short");
    try {
      await onConfirm(verification);
    } finally {
      setPin("");
    }
  });
  const finger = !pinOnly && phone.account.credential;
  return html`<${Form} onSubmit=${() => act.run({ pin })}><${Screen} title=${title} lead=${lead} error=${act.error}
    actions=${html`
      <${Button} type="submit" kind=${kind} testid="confirm-yes" busy=${act.busy}>${yes}<//>
      ${finger && html`<${Button} kind="second" testid="confirm-biometric" busy=${act.busy} onClick=${() => act.run(byBiometric(phone))}>${t("confirm.biometric")}<//>`}
      ${back && html`<a class="button quiet" href=${`#/${back}`} data-testid="confirm-back">${backText}</a>`}`}>
    ${follows.length > 0 && html`<ul class="follows">${follows.map((one) => html`<li key=${one}>${one}</li>`)}</ul>`}
    ${children}
    <${SixDigits} name="pin" label=${t("pin.yours")} value=${pin} onValue=${setPin} secret />
  <//><//>`;
}
