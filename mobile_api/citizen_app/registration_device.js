/** The last steps: choose a PIN, bind the phone, offer the biometric, done. */

import { sendWithPin, signed } from "./assertions.js";
import { t } from "./i18n.js";
import { prepare } from "./pin_key.js";
import { refusal } from "./pin_rules.js";
import { drafts } from "./store.js";
import { Button, Form, Notice, Screen, SixDigits, useAction } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";
import { createCredential } from "./webauthn.js";

export function ChoosePin({ phone, view, onView, step, back }) {
  const [pin, setPin] = useState("");
  const [again, setAgain] = useState("");
  useEffect(() => void prepare().catch(() => {}), []);
  const bind = useAction(async () => {
    await accept(phone, view, pin, again);
    const { api, authenticator, configuration } = phone;
    const finished = await api.post(`/registrations/${view.id}/device`, async () => ({
      ...(await authenticator.enrol({ pin, registration: view.id, issuer: configuration.issuer, now: api.now() })),
      name: phoneName(),
    }));
    await onView(finished);
  });
  return html`<${Form} onSubmit=${bind.run}><${Screen}
    title=${t("pin.title")}
    lead=${t("pin.lead")}
    step=${step}
    error=${bind.error}
    actions=${html`<${Button} type="submit" testid="pin-next" busy=${bind.busy}>${t("pin.next")}<//>${back}`}
  >
    <${SixDigits} name="pin" label=${t("pin.label")} hint=${t("pin.hint")} value=${pin} onValue=${setPin} secret autofill="new-password" />
    <${SixDigits} name="pin-repeat" label=${t("pin.repeat")} value=${again} onValue=${setAgain} secret autofill="new-password" />
    <${Notice}>${t("pin.secret")}<//>
    <${Level} level=${view.level} />
  <//><//>`;
}

async function accept({ store, authenticator }, view, pin, again) {
  if (pin.length < 6) throw t("pin.short");
  const marks = (await store.get("refused-pins")) ?? [];
  const birthDate = view.details?.birth_date ?? view.document?.birth_date;
  const refused = await refusal({ secret: authenticator.secret, pin, marks, birthDate });
  if (refused) throw t(`pin.refused_${refused}`);
  if (pin !== again) throw t("pin.different");
}

/** What the person reads in the list of devices, as well as a browser knows it. */
export function phoneName(agent = navigator.userAgent) {
  const systems = [["Android", /Android/], ["iPhone", /iPhone/], ["iPad", /iPad/], ["Windows", /Windows/], ["Mac", /Macintosh/], ["Linux", /Linux/]];
  const browsers = [["Edge", /Edg/], ["Samsung Internet", /SamsungBrowser/], ["Firefox", /Firefox|FxiOS/], ["Chrome", /Chrome|CriOS/], ["Safari", /Safari/]];
  const named = (list) => list.find(([, pattern]) => pattern.test(agent))?.[0];
  return [named(systems), named(browsers)].filter(Boolean).join(" · ") || "Web";
}

/** Offer the phone's own lock; binding it needs the PIN once more. */
export function OfferBiometric({ phone, onAccount, onDone }) {
  const [pin, setPin] = useState("");
  const [wanted, setWanted] = useState(false);
  const bind = useAction(async () => {
    if (pin.length < 6) throw t("pin.short");
    await onAccount(await bindBiometric(phone, pin));
    onDone();
  });
  const skip = html`<${Button} kind="quiet" testid="biometric-skip" disabled=${bind.busy} onClick=${onDone}>${t("biometric.skip")}<//>`;
  if (!wanted) {
    return html`<${Screen} title=${t("biometric.title")} lead=${t("biometric.lead")}
      actions=${html`<${Button} testid="biometric-yes" onClick=${() => setWanted(true)}>${t("biometric.yes")}<//>${skip}`}>
      <div class="picture finger" aria-hidden="true"></div>
      <${Notice}>${t("biometric.note")}<//>
    <//>`;
  }
  return html`<${Form} onSubmit=${bind.run}><${Screen} title=${t("biometric.confirm")} lead=${t("biometric.confirm_lead")} error=${bind.error}
    actions=${html`<${Button} type="submit" testid="pin-next" busy=${bind.busy}>${t("next")}<//>${skip}`}>
    <${SixDigits} name="pin" label=${t("pin.yours")} value=${pin} onValue=${setPin} secret />
  <//><//>`;
}

/** Make a platform credential and bind it with the PIN: the account with it. */
export async function bindBiometric(phone, pin) {
  const { options } = await phone.api.post("/biometric/options");
  const credential = await createCredential(options);
  const claims = { action: "bind", key: credential.id };
  const make = async (nonce) => ({
    credential,
    ...(await signed(phone, { typ: "camdigikey-credential+jwt", claims: { nonce, ...claims }, verification: { pin } })),
  });
  const { credential_id: id } = await sendWithPin(phone.api.post("/biometric", make));
  return { ...phone.account, credential: id ?? credential.id };
}

export function Done({ onHome }) {
  const isBack = drafts.get("done").purpose === "recovery";
  return html`<${Screen} title=${t(isBack ? "recover.done" : "done.title")} lead=${t(isBack ? "recover.done_lead" : "done.lead")}
    actions=${html`<${Button} testid="done-home" onClick=${onHome}>${t("done.home")}<//>`}>
    <div class="picture tick" aria-hidden="true"></div>
    <${Level} level=${drafts.get("done").level} />
    <${Notice}>${t("done.note")}<//>
  <//>`;
}

/** What the level is good for, in plain words. */
const Level = ({ level }) =>
  level && html`<p data-testid="level-words">${t("level.is", { level: t(`level.${level}`), words: t(`level.${level}.plain`) })}</p>`;
