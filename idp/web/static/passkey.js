/**
 * The login page's passkeys: a button, and those the browser offers by itself.
 *
 * The answer goes with a plain form, so that what follows is the server's page. One
 * request at a time: the button ends the one that waits in the field.
 */

import { answered, asked, known } from "./webauthn.js";

const section = document.getElementById("passkey");
const form = document.getElementById("passkey-form");
const failed = document.getElementById("passkey-failed");
let waiting = new AbortController();

async function options() {
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("no options");
  return asked(await answer.json());
}

/** Ask the browser for a passkey, and send it; `extra` makes it wait in the field. */
async function ask(extra = {}) {
  waiting.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  const credential = await navigator.credentials.get({ publicKey: await options(), signal, ...extra });
  form.elements.credential.value = answered(credential);
  form.requestSubmit();
}

async function offer() {
  const can = globalThis.PublicKeyCredential.isConditionalMediationAvailable;
  if (!can || !await can.call(globalThis.PublicKeyCredential)) return;
  document.getElementById("passkey-field").hidden = false;
  await ask({ mediation: "conditional" });
}

async function press() {
  failed.hidden = true;
  try {
    await ask();
  } catch (error) {
    if (error.name === "AbortError") return;
    failed.hidden = false;
    offer().catch(() => {});
  }
}

if (section && known()) {
  section.hidden = false;
  document.getElementById("passkey-button").addEventListener("click", press);
  addEventListener("pagehide", () => waiting.abort());
  offer().catch(() => {});
}
