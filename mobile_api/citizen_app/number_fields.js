/** A telephone number with its country, typed in either script. */

import { countries } from "./countries.js";
import { asciiDigits, t } from "./i18n.js";
import { Field } from "./ui.js";
import { html } from "./vendor/preact.js";

export function NumberFields({ country, setCountry, number, setNumber }) {
  return html`<${Field} name="phone-country" label=${t("phone.country")}>
      <select id="in-phone-country" data-testid="phone-country" value=${country} onChange=${(event) => setCountry(event.currentTarget.value)}>
        ${countries().map(({ code, label }) => html`<option key=${code} value=${code} selected=${code === country}>${label}</option>`)}
      </select>
    <//>
    <${Field} name="phone" testid="phone" label=${t("phone.number")} hint=${t(country ? "phone.hint" : "phone.hint_other")}
      type="tel" inputmode="tel" autocomplete="tel-national" value=${number} onValue=${(text) => setNumber(asciiDigits(text))} />`;
}
