/** Which screen is shown: a function of the route, the account and the lock. */

import { Activity, Devices, Settings } from "./account.js";
import { claim, read } from "./approval.js";
import { Home, Locked } from "./home.js";
import { t } from "./i18n.js";
import { watchNotices } from "./notices.js";
import { ensureAuthenticator, forget, goTo } from "./phone.js";
import { Registration } from "./registration.js";
import { Done, OfferBiometric } from "./registration_device.js";
import { Request, Result } from "./request.js";
import { Scan } from "./scan.js";
import { drafts } from "./store.js";
import { Button, Screen } from "./ui.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { isAvailable } from "./webauthn.js";
import { About, Lost, QrOpened, Welcome } from "./welcome.js";

const GONE = ["device-unknown", "device-revoked"];
// Where a pushed login may open its screen without interrupting anything.
const IDLE = ["", "home", "activity", "devices", "settings"];

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
    for (const name of ["phone", "details"]) drafts.remove(name);
    await phone.store.remove("refused-pins");
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
  const begin = async () => {
    await ensureAuthenticator(phone);
    refresh();
    goTo("register");
  };
  const leave = async () => {
    for (const name of ["phone", "details"]) drafts.remove(name);
    await phone.store.remove("refused-pins");
    setView(null);
    goTo("");
  };
  if (problem) return html`<${Retry} problem=${problem} onRetry=${load} />`;
  if (view === undefined) return html`<${Loading} />`;
  if (view || (route === "register" && phone.authenticator)) {
    return html`<${Registration} phone=${phone} view=${view} onView=${take} onLeave=${leave} />`;
  }
  if (route === "qr") return html`<${QrOpened} registered=${false} onNext=${begin} />`;
  return html`<${Welcome} onLanguage=${onLanguage} onRegister=${begin} linked=${route === "request"} />`;
}

function Citizen({ phone, route, online, onLanguage, onAccount, refresh }) {
  const [open, setOpen] = useUnlocked(phone, online);
  const [result, setResult] = useState(null);
  const [lost, setLost] = useState(false);
  phone.api.onProblem = ({ code }) => {
    if (code === "locked") setOpen(null);
    if (GONE.includes(code)) setLost(true);
  };
  const scan = () => goTo("scan");
  const home = () => goTo("home");
  const finish = (end) => {
    drafts.remove("request");
    setResult(end);
    goTo("result");
  };
  const startOver = async () => {
    await forget(phone);
    goTo("");
    refresh();
  };
  const take = async (link) => {
    const claimed = await claim(phone, link);
    drafts.put("request", { claimed });
    goTo("request");
  };
  useNotices(phone, { isListening: online && !lost && IDLE.includes(route) });
  if (lost) return html`<${Lost} onForget=${startOver} />`;
  if (open === undefined) return html`<${Loading} />`;
  const locked = html`<${Locked} phone=${phone} online=${online} onUnlocked=${setOpen} onScan=${scan} />`;
  const back = html`<${Button} kind="quiet" testid="scan-back" onClick=${home}>${t("back")}<//>`;
  const cancel = () => {
    drafts.remove("request");
    home();
  };
  if (route === "biometric") return html`<${OfferBiometric} phone=${phone} onAccount=${onAccount} onDone=${() => goTo("done")} />`;
  if (route === "done") return html`<${Done} onHome=${home} />`;
  if (route === "qr") return html`<${QrOpened} registered onNext=${scan} />`;
  if (route === "scan") return html`<${Scan} phone=${phone} onClaim=${take} back=${back} />`;
  if (route === "result" && result) return html`<${Result} result=${result} onHome=${home} />`;
  if (route === "request") return html`<${Asked} phone=${phone} open=${open} locked=${locked} onResult=${finish} onCancel=${cancel} />`;
  if (!open) return locked;
  const lock = async () => {
    setOpen(null);
    await phone.api.post("/lock").catch(() => {});
  };
  const props = { phone, profile: open.profile, onScan: scan, onLanguage, onAccount, onLock: lock };
  const Page = { activity: Activity, devices: Devices, settings: Settings }[route] ?? Home;
  return html`<${Page} key=${route} ...${props} /><${Tabs} route=${route} />`;
}

/** Open the screen of a pushed login while nothing else is going on. */
function useNotices(phone, { isListening }) {
  const [visible, setVisible] = useState(document.visibilityState === "visible");
  useEffect(() => {
    const follow = () => setVisible(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", follow);
    return () => document.removeEventListener("visibilitychange", follow);
  }, []);
  useEffect(() => {
    if (!isListening || !visible) return undefined;
    return watchNotices(phone, ([first]) => {
      if (!first) return;
      drafts.put("request", { link: { id: first.id, channel: first.channel } });
      goTo("request");
    });
  }, [isListening, visible]);
}

/** A request that is waiting for an answer: claim it if that is still to do. */
function Asked({ phone, open, locked, onResult, onCancel }) {
  const [claimed, setClaimed] = useState(null);
  const [problem, setProblem] = useState(null);
  const ask = async () => {
    setProblem(null);
    try {
      const { link, claimed: kept } = drafts.get("request");
      if (!link && !kept) return onCancel();
      const taken = kept ? read(kept) : await claim(phone, link);
      // The secret of the link is spent: what it opened replaces it.
      drafts.put("request", { claimed: taken });
      setClaimed(taken);
    } catch (raised) {
      setProblem(raised.code ? raised : { code: "unknown" });
    }
  };
  useEffect(() => void ask(), [Boolean(open)]);
  if (claimed) return html`<${Request} phone=${phone} claimed=${claimed} onResult=${onResult} />`;
  if (problem?.code === "locked") return locked;
  if (problem) return html`<${Retry} problem=${problem} onRetry=${ask} onCancel=${onCancel} />`;
  return html`<${Loading} />`;
}

/**
 * The profile, in memory only, while the server says this phone is unlocked.
 *
 * `undefined` while that is being asked, null when locked. Offline is locked.
 */
function useUnlocked(phone, online) {
  const [open, setOpen] = useState(undefined);
  const timer = useRef(null);
  const take = (unlocked) => {
    clearTimeout(timer.current);
    drafts.put("unlocked", { until: unlocked?.unlocked_until });
    if (unlocked) timer.current = setTimeout(() => take(null), 1000 * (unlocked.unlocked_until - phone.api.now()));
    setOpen(unlocked);
  };
  const resume = async () => {
    const { until } = drafts.get("unlocked");
    if (!until) return take(null);
    try {
      const { profile } = await phone.api.get("/profile");
      take({ profile, unlocked_until: until });
    } catch {
      take(null);
    }
  };
  useEffect(() => void (online ? resume() : take(null)), [online]);
  return [open, take];
}

function Tabs({ route }) {
  const tabs = ["home", "activity", "devices", "settings"];
  const at = tabs.includes(route) ? route : "home";
  return html`<nav class="tabs" aria-label=${t("nav.label")}>
    ${tabs.map((name) => html`<a key=${name} href=${`#/${name}`} data-testid=${name} aria-current=${name === at ? "page" : undefined}><i class=${`icon ${name}`} aria-hidden="true"></i>${t(`nav.${name}`)}</a>`)}
  </nav>`;
}

export function Loading() {
  return html`<main class="screen loading" aria-busy="true"><div role="status" class="waiting"><span class="dots" aria-hidden="true"><i></i><i></i><i></i></span><span>${t("loading")}</span></div></main>`;
}

function Retry({ problem, onRetry, onCancel }) {
  return html`<${Screen} title=${t("retry.title")} error=${problem}
    actions=${html`<${Button} testid="retry" onClick=${onRetry}>${t("retry.again")}<//>
      ${onCancel && html`<${Button} kind="quiet" testid="retry-home" onClick=${onCancel}>${t("result.home")}<//>`}`} />`;
}
