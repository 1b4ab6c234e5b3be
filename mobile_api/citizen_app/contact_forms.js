/** A new number or address: typed first, then signed for with the PIN. */

import { decide } from "./assertions.js";
import { Confirm } from "./confirm.js";
import { written } from "./contact_steps.js";
import { internationalNumber } from "./countries.js";
import { t } from "./i18n.js";
import { NumberFields } from "./number_fields.js";
import { Button, Field, Form, Screen, useAction } from "./ui.js";
import { html, useState } from "./vendor/preact.js";

export const TYP = "camdigikey-contact+jwt";

export function NewNumber({ phone, begun }) {
  const [country, setCountry] = useState("855");
  const [number, setNumber] = useState("");
  const [wanted, setWanted] = useState("");
  const next = useAction(async () => {
    const full = internationalNumber(country, number);
    if (!full) throw t("phone.missing");
    setWanted(full);
  });
  if (wanted) {
    const change = { path: "/contacts/phone", action: "change_phone", name: "phone" };
    return html`<${Sign} ...${{ phone, begun, change, wanted }} onEdit=${() => setWanted("")} />`;
  }
  return html`<${Form} onSubmit=${next.run}><${Screen} title=${t("contacts.change_phone")} lead=${t("contacts.phone_lead")} error=${next.error}
    actions=${html`<${Button} type="submit" testid="number-next">${t("next")}<//>${back()}`}>
    <${NumberFields} ...${{ country, setCountry, number, setNumber }} />
  <//><//>`;
}

export function NewEmail({ phone, begun }) {
  const [address, setAddress] = useState("");
  const [wanted, setWanted] = useState("");
  const next = useAction(async () => {
    const typed = address.trim();
    if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(typed)) throw t("problem.email-invalid");
    setWanted(typed);
  });
  if (wanted) {
    const change = { path: "/contacts/email", action: "change_email", name: "email" };
    return html`<${Sign} ...${{ phone, begun, change, wanted }} onEdit=${() => setWanted("")} />`;
  }
  return html`<${Form} onSubmit=${next.run}><${Screen} title=${t("contacts.email")} lead=${t("contacts.email_lead")} error=${next.error}
    actions=${html`<${Button} type="submit" testid="email-next">${t("next")}<//>${back()}`}>
    <${Field} name="email" testid="email" label=${t("contacts.address")} hint=${t("contacts.address_hint")} type="email" inputmode="email"
      autocomplete="email" autocapitalize="off" spellcheck=${false} maxlength=${254} value=${address} onValue=${setAddress} />
  <//><//>`;
}

/** Sign for what was typed; the code goes out then. */
function Sign({ phone, begun, change, wanted, onEdit }) {
  const { path, action, name } = change;
  const send = async (verification) =>
    begun(await decide(phone, { path, typ: TYP, action, target: wanted, body: { [name]: wanted }, verification }));
  return html`<${Confirm} phone=${phone} title=${t(`contacts.sign_${name}`)} lead=${t("contacts.sign_lead")} yes=${t("phone.next")} onConfirm=${send} back="contacts">
    <p class="big"><bdi data-testid="contact-wanted">${written({ kind: name, value: wanted })}</bdi></p>
    <${Button} kind="link" testid="contact-edit" onClick=${onEdit}>${t("contacts.edit")}<//>
  <//>`;
}

const back = () => html`<a class="button quiet" href="#/contacts" data-testid="contact-back">${t("back")}</a>`;
