/** The documents that the account rests on, over time, and how long its level holds. */

import { date, digits, has, instant, t } from "./i18n.js";
import { Screen, useList } from "./ui.js";
import { html } from "./vendor/preact.js";

export function Documents({ phone, profile }) {
  const { list, error } = useList(phone, "/documents", "documents");
  const present = list?.filter((one) => !one.replaced_at) ?? [];
  const past = list?.filter((one) => one.replaced_at) ?? [];
  return html`<${Screen} title=${t("documents.title")} error=${error}
    actions=${html`<a class="button primary" href="#/renewal" data-testid="renew">${t("documents.renew")}</a>
      <a class="button quiet" href="#/home" data-testid="documents-back">${t("back")}</a>`}>
    <${Level} profile=${profile} />
    <ul class="rows">${present.map((one) => html`<${Document} key=${one.id} one=${one} />`)}</ul>
    ${past.length > 0 && html`<h2>${t("documents.past")}</h2>
      <ul class="rows past">${past.map((one) => html`<${Document} key=${one.id} one=${one} />`)}</ul>`}
  <//>`;
}

function Level({ profile }) {
  const level = t(`level.${profile.level}`);
  const until = profile.level_until && instant(profile.level_until);
  return html`<p data-testid="level-note">${until ? t("documents.level_until", { level, until }) : t("documents.level", { level })}</p>`;
}

function Document({ one }) {
  const kind = t(has(`documents.kind.${one.kind}`) ? `documents.kind.${one.kind}` : "documents.kind.other");
  const valid = one.is_valid ? "valid" : "expired";
  return html`<li data-testid=${one.replaced_at ? "document-past" : "document-row"}>
    <strong>${kind} ${!one.replaced_at && html`<em class=${one.is_valid ? "tag" : "tag warning"} data-testid=${`document-${valid}`}>${t(`documents.${valid}`)}</em>`}</strong>
    <span>${t("documents.number", { number: one.number })}${one.issuer !== "KHM" && ` · ${one.issuer}`}</span>
    <span>${one.expires ? t("documents.expires", { date: date(one.expires) }) : t("documents.no_end")}</span>
    <span>${t("documents.proves", { level: t(`level.${one.level}`) })}</span>
    <small>${t("documents.added", { at: instant(one.added_at) })}</small>
    ${one.replaced_at && html`<small>${t("documents.replaced", { at: instant(one.replaced_at) })}</small>`}
  </li>`;
}

/** A reminder in the last ninety days of the document, and after. */
export function Expiry({ on }) {
  const days = Math.ceil((Date.parse(`${on}T23:59:59+07:00`) - Date.now()) / 86_400_000);
  if (!on || days > 90) return null;
  const text = days < 0 ? t("home.expired") : t("home.expires", { n: digits(days) });
  return html`<div class="notice warning" data-testid="expiry-note"><span>${text}</span>
    <a href="#/renewal" data-testid="expiry-renew">${t("documents.renew")}</a></div>`;
}
