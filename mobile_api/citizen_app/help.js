/** A lost phone, a forgotten PIN: what to do, from the locked screen and from settings. */

import { t } from "./i18n.js";
import { Button, Notice, Screen, useAction } from "./ui.js";
import { html } from "./vendor/preact.js";

/** The provider's page that suspends every phone of a number. */
export const lostPhone = ({ configuration }) => new URL("/lost-phone", configuration.issuer).href;

export function LostPhoneLink({ phone }) {
  return html`<a class="button link" href=${lostPhone(phone)} target="_blank" rel="noopener noreferrer" data-testid="lost-phone">${t("help.lost")}</a>`;
}

/** `path` is what follows `help`: none, or `anew`. `onAnew` forgets this phone's keys. */
export function Help({ phone, path, onAnew }) {
  if (path[0] === "anew") return html`<${Anew} onAnew=${onAnew} />`;
  return html`<${Screen} title=${t("help.title")}
    actions=${html`<a class="button quiet" href="#/home" data-testid="help-back">${t("back")}</a>`}>
    <section><h2>${t("help.forgot")}</h2><p>${t("help.forgot_text")}</p>
      <a class="button second" href="#/help/anew" data-testid="help-anew">${t("help.anew")}</a></section>
    <section><h2>${t("help.lost")}</h2><p>${t("help.lost_text")}</p>
      <a class="button second" href=${lostPhone(phone)} target="_blank" rel="noopener noreferrer" data-testid="lost-phone">${t("help.lost_open")}</a></section>
    <section><h2>${t("help.person")}</h2><p>${t("help.person_text")}</p></section>
  <//>`;
}

/** Recovering on this very phone makes new keys: the old ones cannot be had back. */
function Anew({ onAnew }) {
  const start = useAction(onAnew);
  return html`<${Screen} title=${t("help.anew_sure")} error=${start.error}
    actions=${html`<${Button} kind="danger" testid="anew-yes" busy=${start.busy} onClick=${start.run}>${t("help.anew_yes")}<//>
      <a class="button quiet" href="#/help" data-testid="anew-no">${t("back")}</a>`}>
    <ul class="follows">${["need", "wait", "keys"].map((key) => html`<li key=${key}>${t(`help.anew_${key}`)}</li>`)}</ul>
    <${Notice} kind="caution">${t("help.anew_other")}<//>
  <//>`;
}
