/** The account page, awake: make a passkey and send it with the form. */

import { answered, asked, known } from "./webauthn.js";

const form = document.getElementById("add-passkey");

async function add(event) {
  if (form.elements.credential.value) return; // made: now the form is sent
  event.preventDefault();
  const failed = document.getElementById("add-failed");
  failed.hidden = true;
  try {
    const answer = await fetch(form.dataset.options, { method: "POST" });
    if (!answer.ok) return location.assign("/account?said=stale");
    const credential = await navigator.credentials.create({ publicKey: asked(await answer.json()) });
    form.elements.credential.value = answered(credential);
    form.requestSubmit();
  } catch {
    failed.hidden = false;
  }
}

if (form && known()) {
  form.hidden = false;
  document.getElementById("no-passkeys").hidden = true;
  form.addEventListener("submit", add);
}
