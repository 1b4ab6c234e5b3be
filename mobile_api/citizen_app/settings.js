/** The settings of this phone, and the ways to what belongs to the account. */

import { named } from "./activity.js";
import { sendWithPin, signed } from "./assertions.js";
import { instant, t } from "./i18n.js";
import { Languages } from "./languages.js";
import { bindBiometric } from "./registration_device.js";
import { Button, Form, Screen, SixDigits, useAction, useList } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";
import { isAvailable } from "./webauthn.js";

export function Settings({ phone, onLanguage, onAccount, onLock }) {
  const [problem, setProblem] = useState(null);
  return html`<${Screen} title=${t("settings.title")} error=${problem}
    actions=${html`<${Button} kind="quiet" testid="lock" onClick=${onLock}>${t("settings.lock")}<//>`}>
    <h2>${t("settings.language")}</h2>
    <${Languages} onLanguage=${onLanguage} />
    <h2>${t("settings.biometric")}</h2>
    <${Biometric} phone=${phone} onAccount=${onAccount} onProblem=${setProblem} />
    <nav class="ways" aria-label=${t("settings.account")}>
      <a href="#/pin" data-testid="change-pin">${t("pin_change.title")}</a>
      <a href="#/contacts" data-testid="contacts">${t("contacts.title")}</a>
      <a href="#/help" data-testid="help">${t("help.title")}</a>
    </nav>
    <${Blocks} phone=${phone} onProblem=${setProblem} />
  <//>`;
}

/** Who may not ask on this phone after "this was not me"; shown only if anybody. */
function Blocks({ phone, onProblem }) {
  const { list, error, run } = useList(phone, "/push-blocks", "blocks");
  const lift = useAction(async (id) => {
    await phone.api.post("/push-blocks/removal", { relying_party: id });
    await run();
  });
  useEffect(() => onProblem(lift.error ?? error), [lift.error, error]);
  if (!list?.length) return null;
  return html`<h2>${t("settings.blocks")}</h2>
    <ul class="rows">
      ${list.map(({ relying_party: party, ends_at: at }) => html`<li key=${party.id} data-testid="block-row">
        <strong>${named(party.name ?? party.id)}</strong>
        <span>${t("settings.blocked_until", { at: instant(at) })}</span>
        <${Button} kind="link" testid="lift-block" busy=${lift.busy} onClick=${() => lift.run(party.id)}>${t("settings.lift")}<//>
      </li>`)}
    </ul>`;
}

/** Turn the phone's own lock on or off for approving; both need the PIN. */
function Biometric({ phone, onAccount, onProblem }) {
  const [able, setAble] = useState(true);
  const [asks, setAsks] = useState(false);
  const [pin, setPin] = useState("");
  useEffect(() => void isAvailable().then(setAble), []);
  const bound = phone.account.credential;
  const change = useAction(async () => {
    if (pin.length < 6) throw t("pin.short");
    await onAccount(await (bound ? removeBiometric : bindBiometric)(phone, pin));
    setPin("");
    setAsks(false);
  });
  useEffect(() => onProblem(change.error), [change.error]);
  if (!bound && !able) return html`<p>${t("settings.no_biometric")}</p>`;
  if (!asks) {
    const name = bound ? "biometric-off" : "biometric-on";
    return html`<p>${t(bound ? "settings.biometric_is_on" : "settings.biometric_is_off")}</p>
      <${Button} kind="quiet" testid=${name} onClick=${() => setAsks(true)}>${t(`settings.${name}`)}<//>`;
  }
  return html`<${Form} onSubmit=${change.run}>
    <${SixDigits} name="pin" label=${t("pin.yours")} value=${pin} onValue=${setPin} secret />
    <${Button} type="submit" testid="pin-next" busy=${change.busy}>${t("next")}<//>
    <${Button} kind="quiet" testid="settings-cancel" onClick=${() => setAsks(false)}>${t("back")}<//>
  <//>`;
}

async function removeBiometric(phone, pin) {
  const { credential, ...account } = phone.account;
  const claims = { action: "remove", key: credential };
  const make = (nonce) =>
    signed(phone, { typ: "camdigikey-credential+jwt", claims: { nonce, ...claims }, verification: { pin } });
  await sendWithPin(phone.api.post("/biometric/removal", make));
  return account;
}
