/** A change of number or address under way: its codes, its wait. */

import { digits, duration, instant, t } from "./i18n.js";
import { goTo } from "./phone.js";
import { Button, Form, Notice, Screen, SixDigits, useAction, useSecondsLeft } from "./ui.js";
import { html, useState } from "./vendor/preact.js";

/** The new number in the digits that are spoken; an address as it is. */
export const written = ({ kind, value }) => (kind === "phone" ? digits(value) : value);

/** The code that went to the new number or address. */
export function ProveContact({ phone, change, setFound, back }) {
  const done = async (found) => {
    if (change.kind === "email") return back(t("contacts.email_used"), found);
    setFound(found);
  };
  const again = html`<a class="button link" href=${`#/contacts/${change.kind}`} data-testid="contact-again">${t("contacts.again")}</a>`;
  return html`<${TypeCode} ...${{ phone, change, done, again }} call="code"
    title=${t(`contacts.code_${change.kind}`)} lead=${t("contacts.code_lead", { value: written(change) })} />`;
}

/** The number waits; whoever holds the old one may end the wait. */
export function WaitingNumber({ phone, change }) {
  const left = useSecondsLeft(phone.api, change.ready_at);
  const ask = useAction(async () => {
    await phone.api.post(`/contacts/${change.id}/old-code`);
    goTo(`contacts/${change.id}/old`);
  });
  return html`<${Screen} title=${t("contacts.wait_title")} error=${ask.error}
    actions=${html`
      <${Button} testid="old-code" busy=${ask.busy} onClick=${ask.run}>${t("contacts.old_code")}<//>
      <a class="button danger" href=${`#/contacts/${change.id}/stop`} data-testid="contact-stop">${t("contacts.stop")}</a>
      <a class="button quiet" href="#/contacts" data-testid="contact-back">${t("back")}</a>`}>
    <p class="big"><bdi>${written(change)}</bdi></p>
    <p data-testid="contact-wait">${t("contacts.wait_lead", { at: instant(change.ready_at) })}</p>
    <p class="lead">${left > 0 ? t("wait.left", { time: duration(left) }) : t("contacts.wait_over")}</p>
    <${Notice}>${t("contacts.wait_note")}<//>
  <//>`;
}

/** The code that went to the old number: no wait is needed then. */
export function OldNumber({ phone, found, change, back }) {
  const lead = t("contacts.code_lead", { value: digits(found.phone_hint) });
  const done = (known) => back(t("contacts.phone_used"), known);
  return html`<${TypeCode} ...${{ phone, change, done, lead }} call="old-proof" title=${t("contacts.code_old")} />`;
}

function TypeCode({ phone, change, call, title, lead, done, again }) {
  const [code, setCode] = useState("");
  const send = useAction(async () => {
    if (code.length < 6) throw t("code.missing");
    try {
      await done(await phone.api.post(`/contacts/${change.id}/${call}`, { code }));
    } finally {
      setCode("");
    }
  });
  return html`<${Form} onSubmit=${send.run}><${Screen} title=${title} lead=${lead} error=${send.error}
    actions=${html`<${Button} type="submit" testid="code-next" busy=${send.busy}>${t("next")}<//>
      ${again}
      <a class="button link" href=${`#/contacts/${change.id}/stop`} data-testid="contact-stop">${t("contacts.stop")}</a>
      <a class="button quiet" href="#/contacts" data-testid="contact-back">${t("back")}</a>`}>
    <${SixDigits} name="code" label=${t("code.label")} value=${code} onValue=${setCode} autofill="one-time-code" />
    <${Notice}>${t("code.secret")}<//>
  <//><//>`;
}
