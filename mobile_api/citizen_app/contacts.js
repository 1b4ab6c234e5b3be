/**
 * The number and the e-mail address of the account, and changes under way.
 *
 *     number   type → PIN → code to the new one → waiting → used (at once by the old number)
 *     address  type → PIN → code → used
 */

import { decide } from "./assertions.js";
import { Confirm } from "./confirm.js";
import { NewEmail, NewNumber, TYP } from "./contact_forms.js";
import { OldNumber, ProveContact, WaitingNumber, written } from "./contact_steps.js";
import { digits, instant, t } from "./i18n.js";
import { goTo } from "./phone.js";
import { Said, Screen, useAction } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";

/** `path` is what follows `contacts`: none, `phone`, `email`, `removal`, `<id>`, `<id>/old|stop`. */
export function Contacts({ phone, path }) {
  const [found, setFound] = useState(null);
  const [said, setSaid] = useState("");
  const load = useAction(async () => setFound(await phone.api.get("/contacts")));
  useEffect(() => void load.run(), []);
  const back = async (text, known) => {
    setSaid(text);
    goTo("contacts");
    if (known) setFound(known);
    else await load.run();
  };
  const begun = (change) => {
    const others = found.changes.filter((one) => one.kind !== change.kind);
    setFound({ ...found, changes: [...others, change] });
    goTo(`contacts/${change.id}`);
  };
  if (!found) return html`<${List} error=${load.error} />`;
  const [id, act] = path;
  const props = { phone, found, setFound, back, begun };
  if (id === "phone") return html`<${NewNumber} ...${props} />`;
  if (id === "email") return html`<${NewEmail} ...${props} />`;
  if (id === "removal" && found.email) return html`<${RemoveEmail} ...${props} />`;
  const change = found.changes.find((one) => one.id === id);
  const Step = change && stepOf(change, act);
  if (Step) return html`<${Step} key=${change.state} ...${props} change=${change} />`;
  return html`<${List} found=${found} said=${said} error=${load.error} />`;
}

function stepOf(change, act) {
  if (act === "stop") return Stop;
  if (change.state === "pending") return ProveContact;
  return act === "old" ? OldNumber : WaitingNumber;
}

function List({ found, said, error }) {
  return html`<${Screen} title=${t("contacts.title")} lead=${t("contacts.lead")} error=${error}
    actions=${html`<a class="button quiet" href="#/settings" data-testid="contacts-back">${t("back")}</a>`}>
    <${Said} text=${said} />
    ${found?.changes.map((one) => html`<${UnderWay} key=${one.id} change=${one} />`)}
    ${found && html`<ul class="rows">
      <li><h2>${t("contacts.phone")}</h2>
        <strong data-testid="contact-phone">${digits(found.phone_hint)}</strong>
        <a class="button second" href="#/contacts/phone" data-testid="change-phone">${t("contacts.change_phone")}</a></li>
      <li><h2>${t("contacts.email")}</h2>
        <strong data-testid="contact-email"><bdi>${found.email ?? t("contacts.no_email")}</bdi></strong>
        <a class="button second" href="#/contacts/email" data-testid="change-email">${t(found.email ? "contacts.change_email" : "contacts.add_email")}</a>
        ${found.email && html`<a class="button link" href="#/contacts/removal" data-testid="remove-email">${t("contacts.remove_email")}</a>`}</li>
    </ul>`}
  <//>`;
}

/** A change that is not used yet; not the person's own, it can be stopped there. */
function UnderWay({ change }) {
  const waits = change.state === "waiting";
  const text = waits ? t("contacts.waits", { at: instant(change.ready_at) }) : t("contacts.needs_code");
  return html`<div class="notice warning" data-testid="contact-change">
    <strong>${t(`contacts.new_${change.kind}`)} <bdi>${written(change)}</bdi></strong>
    <span>${text}</span>
    <a href=${`#/contacts/${change.id}`} data-testid="contact-open">${t(waits ? "contacts.look" : "contacts.enter_code")}</a>
  </div>`;
}

function RemoveEmail({ phone, found, back }) {
  const remove = async (verification) => {
    const what = { path: "/contacts/email/removal", typ: TYP, action: "remove_email", target: "" };
    await decide(phone, { ...what, verification });
    await back(t("contacts.email_removed"), { ...found, email: null });
  };
  return html`<${Confirm} phone=${phone} title=${t("contacts.remove_sure")} yes=${t("contacts.remove_email")} kind="danger"
    follows=${[t("contacts.remove_follows")]} onConfirm=${remove} back="contacts" />`;
}

function Stop({ phone, change, back }) {
  const stop = async (verification) => {
    const what = { path: `/contacts/${change.id}/objection`, typ: TYP, action: "object", target: change.id };
    await decide(phone, { ...what, verification });
    await back(t("contacts.stopped"));
  };
  return html`<${Confirm} phone=${phone} title=${t("contacts.stop_sure")} yes=${t("contacts.stop")} kind="danger"
    follows=${[t("contacts.stop_follows")]} onConfirm=${stop} back=${`contacts/${change.id}`}>
    <p><strong><bdi>${written(change)}</bdi></strong></p>
  <//>`;
}
