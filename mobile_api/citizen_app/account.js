/** What the person sees of his account: activity, devices, settings. */

import { sendWithPin, signed } from "./assertions.js";
import { currentLanguage, has, instant, languages, speak, t } from "./i18n.js";
import { bindBiometric } from "./registration_device.js";
import { Button, Form, Screen, SixDigits, useAction } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";
import { isAvailable } from "./webauthn.js";

function useList(phone, path, name) {
  const [list, setList] = useState(null);
  const load = useAction(async () => setList((await phone.api.get(path))[name]));
  useEffect(() => void load.run(), []);
  return { list, ...load };
}

export function Activity({ phone }) {
  const { list, error } = useList(phone, "/activity", "events");
  return html`<${Screen} title=${t("activity.title")} lead=${t("activity.lead")} error=${error}>
    ${list?.length === 0 && html`<p>${t("activity.none")}</p>`}
    <ul class="rows">
      ${list?.map((one, i) => html`<li key=${i} data-testid="activity-row">
        <strong>${has(`event.${one.event}`) ? t(`event.${one.event}`) : one.event}</strong>
        ${one.relying_party && html`<span>${named(one.relying_party)}</span>`}
        ${one.device && html`<span>${named(one.device)}</span>`}
        <small>${instant(one.at)}</small>
      </li>`)}
    </ul>
  <//>`;
}

const named = (one) => (typeof one === "string" ? one : (one[currentLanguage()] ?? one.km ?? one.name ?? ""));

export function Devices({ phone }) {
  const { list, error } = useList(phone, "/devices", "devices");
  return html`<${Screen} title=${t("devices.title")} lead=${t("devices.lead")} error=${error}>
    <ul class="rows">
      ${list?.map((one) => html`<li key=${one.id} data-testid="device-row">
        <strong>${one.name}${one.this && html` <em class="tag">${t("devices.this")}</em>`}</strong>
        <span>${t("devices.made", { at: instant(one.made_at) })}</span>
        ${one.last_used_at > 0 && html`<span>${t("devices.used", { at: instant(one.last_used_at) })}</span>`}
        ${one.biometric && html`<small>${t("devices.biometric")}</small>`}
      </li>`)}
    </ul>
  <//>`;
}

export function Settings({ phone, onLanguage, onAccount, onLock }) {
  const [problem, setProblem] = useState(null);
  return html`<${Screen} title=${t("settings.title")} error=${problem}
    actions=${html`<${Button} kind="quiet" testid="lock" onClick=${onLock}>${t("settings.lock")}<//>`}>
    <h2>${t("settings.language")}</h2>
    <${Languages} onLanguage=${onLanguage} />
    <h2>${t("settings.biometric")}</h2>
    <${Biometric} phone=${phone} onAccount=${onAccount} onProblem=${setProblem} />
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

/** The language switch; each language is written in itself. */
export function Languages({ onLanguage }) {
  const choose = async (language) => {
    await speak(language);
    onLanguage(language);
  };
  return html`<div class="languages" role="group" aria-label=${t("settings.language")}>
    ${languages().map((one) => html`<button key=${one} type="button" lang=${one} data-testid=${`lang-${one}`} aria-pressed=${String(one === currentLanguage())} onClick=${() => choose(one)}>${t(`language.${one}`)}</button>`)}
  </div>`;
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
