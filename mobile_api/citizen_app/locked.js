/** The locked screen: the PIN or the phone's own lock, and the way to help. */

import { byBiometric, decide, unlock } from "./assertions.js";
import { Confirm } from "./confirm.js";
import { t } from "./i18n.js";
import { prepare } from "./pin_key.js";
import { Button, Form, Notice, Screen, SixDigits, useAction } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";

/** `onUnlocked({profile, unlocked_until})` follows a right PIN. */
export function Locked({ phone, onUnlocked, onScan, online }) {
  const [pin, setPin] = useState("");
  useEffect(() => void prepare().catch(() => {}), []);
  const open = useAction(async (verification) => {
    if (verification.pin !== undefined && pin.length < 6) throw t("pin.short");
    try {
      onUnlocked(await unlock(phone, verification));
    } finally {
      setPin("");
    }
  });
  const error = open.error ?? (online ? null : t("problem.offline"));
  return html`<${Form} onSubmit=${() => open.run({ pin })}><${Screen}
    title=${t("locked.title")}
    lead=${t("locked.lead")}
    error=${error}
    actions=${html`
      <${Button} type="submit" testid="unlock-pin" busy=${open.busy}>${t("locked.unlock")}<//>
      ${
        phone.account.credential &&
        html`<${Button} kind="second" testid="unlock-biometric" busy=${open.busy} onClick=${() => open.run(byBiometric(phone))}>${t("locked.biometric")}<//>`
      }
      <${Button} kind="quiet" testid="scan" onClick=${onScan}>${t("nav.scan_long")}<//>
      <a class="button link" href="#/help" data-testid="help">${t("help.title")}</a>`}
  >
    <${SixDigits} name="pin" label=${t("pin.yours")} value=${pin} onValue=${setPin} secret />
  <//><//>`;
}

/** Reported as lost: whoever knows the PIN of this phone takes it back. */
export function Suspended({ phone, onBack }) {
  const resume = async (verification) => {
    const what = { typ: "camdigikey-device+jwt", action: "resume", target: phone.authenticator.id };
    await decide(phone, { path: "/devices/resumption", ...what, verification });
    onBack(await unlock(phone, verification).catch(() => null));
  };
  return html`<${Confirm} phone=${phone} title=${t("suspended.title")} lead=${t("suspended.lead")} yes=${t("suspended.yes")} pinOnly onConfirm=${resume} back="help" backText=${t("help.title")}>
    <${Notice} testid="suspended">${t("suspended.note")}<//>
  <//>`;
}
