/** The language switch; each language is written in itself. */

import { currentLanguage, languages, speak, t } from "./i18n.js";
import { html } from "./vendor/preact.js";

export function Languages({ onLanguage }) {
  const choose = async (language) => {
    await speak(language);
    onLanguage(language);
  };
  return html`<div class="languages" role="group" aria-label=${t("settings.language")}>
    ${languages().map((one) => html`<button key=${one} type="button" lang=${one} data-testid=${`lang-${one}`} aria-pressed=${String(one === currentLanguage())} onClick=${() => choose(one)}>${t(`language.${one}`)}</button>`)}
  </div>`;
}
