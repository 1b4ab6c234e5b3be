/** The locked screen, and what it opens: the identity card. */

import { byBiometric, unlock } from "./assertions.js";
import { date, digits, t } from "./i18n.js";
import { prepare } from "./pin_key.js";
import { Button, Form, Screen, SixDigits, useAction } from "./ui.js";
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
      <${Button} kind="quiet" testid="scan" onClick=${onScan}>${t("nav.scan_long")}<//>`}
  >
    <${SixDigits} name="pin" label=${t("pin.yours")} value=${pin} onValue=${setPin} secret />
  <//><//>`;
}

/** The card: both scripts, what level it has, until when. */
export function Home({ profile, onScan }) {
  return html`<${Screen} title=${t("home.title")} actions=${html`<${Button} testid="scan" onClick=${onScan}>${t("nav.scan_long")}<//>`}>
    <article class="identity" data-testid="identity-card" aria-label=${t("home.card")}>
      <header><span class="brand">${t("app.name")}</span><span class="level" data-testid="level">${t(`level.${profile.level}`)}</span></header>
      <p class="khmer" lang="km" data-testid="name-khmer">${profile.surname_khmer} ${profile.given_name_khmer}</p>
      <p class="latin" lang="en" data-testid="name-latin">${profile.surname_latin} ${profile.given_name_latin}</p>
      <dl class="facts">
        <${Fact} name="birth_date" value=${date(profile.birth_date)} />
        <${Fact} name="sex" value=${t(`sex.${profile.sex}`)} />
        <${Fact} name="number" value=${profile.document_number} />
        <${Fact} name="expiry_date" value=${date(profile.document_expires)} />
        <${Fact} name="phone" value=${profile.phone_hint} />
      </dl>
      <footer><span>${t("home.id")}</span> <code data-testid="camdigikey-id">${profile.camdigikey_id}</code></footer>
    </article>
    <${Expiry} on=${profile.document_expires} />
    <p class="hint">${t(`level.${profile.level}.means`)}</p>
  <//>`;
}

const Fact = ({ name, value }) =>
  value && html`<div><dt>${t(`field.${name}`)}</dt><dd data-testid=${`profile-${name}`}>${value}</dd></div>`;

/** A reminder in the last ninety days, and after. */
function Expiry({ on }) {
  const days = Math.ceil((Date.parse(`${on}T23:59:59Z`) - Date.now()) / 86_400_000);
  if (!on || days > 90) return null;
  const text = days < 0 ? t("home.expired") : t("home.expires", { n: digits(days) });
  return html`<div class="notice warning" data-testid="expiry-note">${text}</div>`;
}
