/** A phone that is bound to an account: locked, suspended, asked, or open. */

import { claim, read } from "./approval.js";
import { Help } from "./help.js";
import { t } from "./i18n.js";
import { Locked, Suspended } from "./locked.js";
import { watchNotices } from "./notices.js";
import { ensureAuthenticator, forget, goTo } from "./phone.js";
import { RecoveryBanner, useRecoveries } from "./recovery_banner.js";
import { Done, OfferBiometric } from "./registration_device.js";
import { Request, Result } from "./request.js";
import { Scan } from "./scan.js";
import { drafts } from "./store.js";
import { Button } from "./ui.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { Lazy, Loading, Retry } from "./waits.js";
import { Lost, QrOpened } from "./welcome.js";

const GONE = ["device-unknown", "device-revoked"];
// Where a pushed login may open its screen without interrupting anything.
const IDLE = ["", "home", "activity", "devices", "settings", "messages", "documents", "contacts"];

const account = () => import("./account.js");
const asked = () => import("./recovery_asked.js");
const renewal = () => import("./renewal.js");

export function Citizen({ phone, route, online, refresh, ...props }) {
  const [open, setOpen] = useUnlocked(phone, online);
  const [standing, setStanding] = useState("bound");
  phone.api.onProblem = ({ code }) => {
    if (code === "locked") setOpen(null);
    if (code === "device-suspended") setStanding("suspended");
    if (GONE.includes(code)) setStanding("gone");
  };
  const isListening = online && standing === "bound";
  const [recoveries, askRecoveries] = useRecoveries(phone, { isListening });
  useNotices(phone, { isListening: isListening && IDLE.includes(route) });
  const startOver = async (next) => {
    await forget(phone);
    if (next) await ensureAuthenticator(phone);
    goTo(next);
    refresh();
  };
  const back = (unlocked) => {
    setStanding("bound");
    setOpen(unlocked);
  };
  const [section, ...path] = route.split("/");
  if (standing === "gone") return html`<${Lost} onForget=${startOver} />`;
  if (section === "help") return html`<${Help} ...${{ phone, path }} onAnew=${() => startOver("recover")} />`;
  if (standing === "suspended") return html`<${Suspended} phone=${phone} onBack=${back} />`;
  if (open === undefined) return html`<${Loading} />`;
  if (section === "recovery") return html`<${Lazy} key="asked" load=${asked} name="RecoveryAsked" ...${{ phone, path, recoveries }} onAnswered=${askRecoveries} />`;
  const onGone = () => setStanding("gone");
  return html`<${Bound} ...${{ phone, route, online, open, setOpen, recoveries, onGone }} ...${props} />`;
}

/** The screens of a phone in good standing; what is personal waits for the PIN. */
function Bound({ phone, route, online, open, setOpen, recoveries, onAccount, ...props }) {
  const [result, setResult] = useState(null);
  const finish = (end) => {
    drafts.remove("request");
    setResult(end);
    goTo("result");
  };
  const banner = html`<${RecoveryBanner} recoveries=${recoveries} />`;
  const locked = html`${banner}<${Locked} phone=${phone} online=${online} onUnlocked=${setOpen} onScan=${scan} />`;
  if (route === "biometric") return html`<${OfferBiometric} phone=${phone} onAccount=${onAccount} onDone=${() => goTo("done")} />`;
  if (route === "done") return html`<${Done} onHome=${home} />`;
  if (route === "qr") return html`<${QrOpened} registered onNext=${scan} />`;
  if (route === "scan") return html`<${Scan} phone=${phone} onClaim=${(link) => take(phone, link)} back=${html`<${Button} kind="quiet" testid="scan-back" onClick=${home}>${t("back")}<//>`} />`;
  if (route === "result" && result) return html`<${Result} result=${result} onHome=${home} />`;
  if (route === "request") return html`<${Asked} phone=${phone} open=${open} locked=${locked} onResult=${finish} onCancel=${cancel} />`;
  if (!open) return locked;
  const lock = async () => {
    setOpen(null);
    await phone.api.post("/lock").catch(() => {});
  };
  const renewed = async () => setOpen({ ...open, ...(await phone.api.get("/profile")) });
  const shared = { phone, profile: open.profile, onAccount, onRenewed: renewed, onScan: scan, onLock: lock, ...props };
  if (route === "renewal") return html`<${Lazy} key="renewal" load=${renewal} name="Renewal" ...${shared} />`;
  return html`${banner}<${Lazy} key="account" load=${account} name="Account" route=${route} ...${shared} />`;
}

const home = () => goTo("home");
const scan = () => goTo("scan");

async function take(phone, link) {
  const claimed = await claim(phone, link);
  drafts.put("request", { claimed });
  goTo("request");
}

function cancel() {
  drafts.remove("request");
  goTo("home");
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
