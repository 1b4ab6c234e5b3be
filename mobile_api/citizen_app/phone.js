/** This phone: the services that every screen gets, and how they start. */

import { Api } from "./api.js";
import { loadAuthenticator, makeAuthenticator } from "./authenticator.js";
import { currentLanguage, speak } from "./i18n.js";
import { openStore } from "./store.js";

/** `{store, api, configuration, authenticator, account}`; account is `{id, credential}`. */
export async function startPhone() {
  const store = await openStore();
  await speak((await store.get("language")) ?? "km");
  const configuration = await loadConfiguration(store);
  const api = new Api({ configuration, language: currentLanguage });
  const phone = { store, api, configuration, account: (await store.get("account")) ?? null };
  wear(phone, await loadAuthenticator(store));
  return phone;
}

function wear(phone, authenticator) {
  phone.authenticator = authenticator;
  phone.api.authenticator = authenticator;
}

/** Make the device key on the first step of a registration. */
export async function ensureAuthenticator(phone) {
  if (!phone.authenticator) wear(phone, await makeAuthenticator(phone.store));
  navigator.storage?.persist?.().catch(() => {});
}

/** Forget everything: the keys, the account, the drafts. */
export async function forget(phone) {
  const { configuration } = phone;
  await phone.store.clear();
  await phone.store.put("configuration", configuration);
  await phone.store.put("language", currentLanguage());
  sessionStorage.clear();
  phone.account = null;
  wear(phone, null);
}

/** Who the issuer is: asked each time, kept for when there is no network. */
async function loadConfiguration(store) {
  try {
    const answer = await fetch("/configuration", { signal: AbortSignal.timeout(8000) });
    if (!answer.ok) throw new Error("configuration");
    const configuration = await answer.json();
    await store.put("configuration", configuration);
    return configuration;
  } catch (error) {
    const kept = await store.get("configuration");
    if (!kept) throw error;
    return kept;
  }
}

export const goTo = (route) => (location.hash = `#/${route}`);
