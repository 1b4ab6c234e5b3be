/** Somebody recovers this account: the phone asks for it, and says so on every screen. */

import { t } from "./i18n.js";
import { html, useEffect, useState } from "./vendor/preact.js";

const ASK_EVERY = 20_000;

/** What is under way for the account of this phone: `[list, ask]`, asked while it is seen. */
export function useRecoveries(phone, { isListening }) {
  const [list, setList] = useState([]);
  const ask = async () => {
    try {
      setList((await phone.api.get("/recoveries")).recoveries);
    } catch {
      // Told to the whole app where it matters; else asked again soon.
    }
  };
  useEffect(() => {
    if (!isListening) return undefined;
    const look = () => document.visibilityState === "visible" && ask();
    look();
    const timer = setInterval(look, ASK_EVERY);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [isListening]);
  return [list, ask];
}

/** Stands on every screen, locked or not, while somebody recovers the account. */
export function RecoveryBanner({ recoveries }) {
  const [one] = [...recoveries].sort((a, b) => (a.ready_at ?? Infinity) - (b.ready_at ?? Infinity));
  if (!one) return null;
  return html`<aside class="banner" data-testid="recovery-banner" aria-label=${t("asked.banner")}>
    <strong>${t("asked.banner")}</strong>
    <a class="button second" href=${`#/recovery/${one.id}`} data-testid="recovery-look">${t(one.state === "open" ? "asked.look" : "asked.look_on")}</a>
  </aside>`;
}
