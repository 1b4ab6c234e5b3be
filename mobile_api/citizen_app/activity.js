/** What happened with the identity, as the provider recorded it. */

import { currentLanguage, has, instant, t } from "./i18n.js";
import { Screen, useList } from "./ui.js";
import { html } from "./vendor/preact.js";

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

/** A name in the language that is spoken; an id when it has none. */
export const named = (one) => (typeof one === "string" ? one : (one[currentLanguage()] ?? one.km ?? one.name ?? ""));
