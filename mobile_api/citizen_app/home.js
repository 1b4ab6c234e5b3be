/** The identity card: both scripts, the level, and the ways from there. */

import { Expiry } from "./documents.js";
import { date, digits, t } from "./i18n.js";
import { Button, Screen, useList } from "./ui.js";
import { html } from "./vendor/preact.js";

/** The card: both scripts, what level it has, until when. */
export function Home({ phone, profile, onScan }) {
  const { list } = useList(phone, "/messages", "messages");
  const unread = list?.filter((one) => !one.seen).length ?? 0;
  return html`<${Screen} title=${t("home.title")}>
    <article class="identity" data-testid="identity-card" aria-label=${t("home.card")}>
      <header><span class="brand">${t("app.name")}</span><span class="level" data-testid="level">${t(`level.${profile.level}`)}</span></header>
      <p class="khmer" lang="km" data-testid="name-khmer">${profile.surname_khmer} ${profile.given_name_khmer}</p>
      <p class="latin" lang="en" data-testid="name-latin">${profile.surname_latin} ${profile.given_name_latin}</p>
      <dl class="facts">
        <${Fact} name="birth_date" value=${date(profile.birth_date)} />
        <${Fact} name="sex" value=${t(`sex.${profile.sex}`)} />
        <${Fact} name="number" value=${profile.document_number} />
        <${Fact} name="expiry_date" value=${date(profile.document_expires)} />
        <${Fact} name="phone" value=${digits(profile.phone_hint ?? "")} />
      </dl>
      <footer><span>${t("home.id")}</span> <code data-testid="camdigikey-id">${profile.camdigikey_id}</code></footer>
    </article>
    <${Button} testid="scan" onClick=${onScan}>${t("nav.scan_long")}<//>
    <${Expiry} on=${profile.document_expires} />
    <nav class="ways" aria-label=${t("home.ways")}>
      <a href="#/messages" data-testid="messages">${t("messages.title")} ${unread > 0 && html`<em class="tag warning" data-testid="messages-unread">${t("messages.unread", { n: digits(unread) })}</em>`}</a>
      <a href="#/documents" data-testid="documents">${t("documents.title")}</a>
    </nav>
    <p class="hint">${t(`level.${profile.level}.means`)}</p>
  <//>`;
}

const Fact = ({ name, value }) =>
  value && html`<div><dt>${t(`field.${name}`)}</dt><dd data-testid=${`profile-${name}`}>${value}</dd></div>`;
