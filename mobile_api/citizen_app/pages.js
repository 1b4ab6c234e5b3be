/** Which screen is shown: a function of the route, the account and the lock. */

import { Citizen } from "./citizen.js";
import { ensureAuthenticator, goTo } from "./phone.js";
import { drafts } from "./store.js";
import { html, useEffect, useState } from "./vendor/preact.js";
import { Lazy, Loading, Retry } from "./waits.js";
import { isAvailable } from "./webauthn.js";
import { About, QrOpened, Welcome } from "./welcome.js";

const JOURNEYS = { register: "registration", recover: "recovery" };
const OVER = ["stopped", "refused"];
const recovery = () => import("./recovery.js");
const registration = () => import("./registration.js");

export function Pages({ phone, route, online, refresh }) {
  const language = async (name) => {
    await phone.store.put("language", name);
    refresh();
  };
  const account = async (changed) => {
    phone.account = changed;
    await phone.store.put("account", changed);
    refresh();
  };
  const props = { phone, route, online, refresh, onLanguage: language, onAccount: account };
  if (route === "about") return html`<${About} onBack=${() => history.back()} />`;
  if (!phone.account) return html`<${Newcomer} ...${props} />`;
  return html`<${Citizen} ...${props} />`;
}

/** No account yet: welcome, or the registration where it was left. */
function Newcomer({ phone, route, onLanguage, onAccount, refresh }) {
  const [view, setView] = useState(undefined);
  const [problem, setProblem] = useState(null);
  const take = async (next) => {
    if (next?.state !== "done") return setView(next);
    for (const name of ["phone", "document", "details", "assistance"]) drafts.remove(name);
    await phone.store.remove("refused-pins");
    drafts.remove("recovery");
    drafts.put("done", { purpose: next.purpose, level: next.level });
    goTo((await isAvailable()) ? "biometric" : "done");
    await onAccount({ id: next.result.account_id });
  };
  const load = async () => {
    setProblem(null);
    if (!phone.authenticator) return setView(null);
    try {
      await take(await phone.api.get("/registrations/current"));
    } catch (raised) {
      if (raised.code === "not-found") setView(null);
      else setProblem(raised);
    }
  };
  useEffect(() => void load(), []);
  const begin = async (journey) => {
    await ensureAuthenticator(phone);
    refresh();
    goTo(journey);
  };
  const register = () => begin("register");
  const again = async (next) => {
    for (const name of ["phone", "document", "details", "recovery", "stopped", "assistance"]) drafts.remove(name);
    await phone.store.remove("refused-pins");
    setView(null);
    goTo(next);
  };
  const leave = () => again("");
  if (problem) return html`<${Retry} problem=${problem} onRetry=${load} />`;
  if (view === undefined) return html`<${Loading} />`;
  const change = async (next) => {
    if (view && !OVER.includes(view.state)) await phone.api.post(`/registrations/${view.id}/cancellation`);
    await again(next);
  };
  const props = { phone, view, onView: take, onLeave: leave, onChange: change };
  const journey = view?.purpose ?? JOURNEYS[phone.authenticator && route];
  if (journey === "recovery") {
    return html`<${Lazy} key="recovery" load=${recovery} name="Recovery" ...${props} />`;
  }
  if (journey) return html`<${Lazy} key="registration" load=${registration} name="Registration" ...${props} />`;
  if (route === "qr") return html`<${QrOpened} registered=${false} onNext=${register} />`;
  return html`<${Welcome} ...${{ phone, onLanguage }} onRegister=${register} onRecover=${() => begin("recover")} linked=${route === "request"} />`;
}
