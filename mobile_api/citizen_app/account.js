/** The account, once unlocked: which of its screens, and the tabs below. */

import { Activity } from "./activity.js";
import { Contacts } from "./contacts.js";
import { Devices } from "./devices.js";
import { Documents } from "./documents.js";
import { Home } from "./home.js";
import { t } from "./i18n.js";
import { Messages } from "./messages.js";
import { PinChange } from "./pin_change.js";
import { Settings } from "./settings.js";
import { html } from "./vendor/preact.js";

const SECTIONS = { home: Home, activity: Activity, devices: Devices, settings: Settings, messages: Messages, documents: Documents, contacts: Contacts, pin: PinChange };
const TABS = ["home", "activity", "devices", "settings"];
const BELOW = { messages: "home", documents: "home", contacts: "settings", pin: "settings" };

/** `route` is the section and what follows it, as in `devices/<id>/name`. */
export function Account({ route, ...props }) {
  const [section, ...path] = route.split("/");
  const name = section in SECTIONS ? section : "home";
  const Section = SECTIONS[name];
  return html`<${Section} key=${name} ...${props} path=${path} /><${Tabs} at=${BELOW[name] ?? name} />`;
}

function Tabs({ at }) {
  return html`<nav class="tabs" aria-label=${t("nav.label")}>
    ${TABS.map((name) => html`<a key=${name} href=${`#/${name}`} data-testid=${name} aria-current=${name === at ? "page" : undefined}><i class=${`icon ${name}`} aria-hidden="true"></i>${t(`nav.${name}`)}</a>`)}
  </nav>`;
}
