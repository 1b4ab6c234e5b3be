/** What the person was told about the safety of the account, the newest first. */

import { date, has, instant, pick, t } from "./i18n.js";
import { Screen, useList } from "./ui.js";
import { html, useEffect } from "./vendor/preact.js";

const SAID = { until: instant, at: instant, expires: date };
const NAMED = ["device", "browser", "party", "place", "number", "address", "document", ...Object.keys(SAID)];

export function Messages({ phone }) {
  const { list, error } = useList(phone, "/messages", "messages");
  useEffect(() => {
    const ids = list?.filter((one) => !one.seen).map((one) => one.id) ?? [];
    if (ids.length) phone.api.post("/messages/seen", { ids }).catch(() => {});
  }, [list]);
  return html`<${Screen} title=${t("messages.title")} lead=${t("messages.lead")} error=${error}
    actions=${html`<a class="button quiet" href="#/home" data-testid="messages-back">${t("back")}</a>`}>
    ${list?.length === 0 && html`<p data-testid="messages-none">${t("messages.none")}</p>`}
    <ul class="rows">
      ${list?.map((one) => html`<li key=${one.id} class=${one.seen ? "" : "unread"} data-testid="message-row">
        <strong>${pick(one.title)} ${!one.seen && html`<em class="tag warning" data-testid="message-new">${t("messages.new")}</em>`}</strong>
        <span>${pick(one.text)}</span>
        ${facts(one.detail)}
        <small>${instant(one.at)}</small>
      </li>`)}
    </ul>
  <//>`;
}

/** The short facts that this app knows how to say. */
function facts(detail = {}) {
  const known = NAMED.filter((name) => name in detail && has(`messages.${name}`));
  return known.map((name) => {
    const value = (SAID[name] ?? String)(detail[name]);
    return html`<span key=${name}>${t(`messages.${name}`, { value })}</span>`;
  });
}
