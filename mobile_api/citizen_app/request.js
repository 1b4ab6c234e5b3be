/** The request screen: who, for what, from where; then approve or deny. */

import { approve, deny, isPushed } from "./approval.js";
import { countdown, digits, has, pick, t, timeOfDay } from "./i18n.js";
import { prepare } from "./pin_key.js";
import { Button, Digits, Notice, Screen, SixDigits, useAction, useSecondsLeft } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";

const PAUSE = 5;

/** `claimed` is a claim of approval.js; `onResult({kind, back})` ends it. */
export function Request({ phone, claimed, onResult }) {
  const { shows, warnings = [] } = claimed;
  const [pin, setPin] = useState("");
  const [code, setCode] = useState("");
  const [withheld, setWithheld] = useState([]);
  const left = useSecondsLeft(phone.api, claimed.deadline);
  const pause = usePause(warnings.length ? PAUSE : 0);
  useEffect(() => void prepare().catch(() => {}), []);
  useEffect(() => void (left <= 0 && onResult({ kind: "expired" })), [left <= 0]);
  const answer = useAction(async (verification) => {
    if (isPushed(claimed) && code.length < 2) throw t("request.code_short");
    if (verification.pin !== undefined && pin.length < 6) throw t("pin.short");
    try {
      const { state, back } = await approve(phone, claimed, { withheld, code, ...verification });
      // A wrong number ends the request: it was shown to somebody else.
      onResult({ kind: state === "denied" ? "wrong_code" : state, back });
    } finally {
      setPin("");
    }
  });
  const refuse = useAction(async (notMe) => {
    await deny(phone, claimed, { notMe });
    onResult({ kind: notMe ? "reported" : "denied" });
  });
  const submit = (event) => (event.preventDefault(), answer.run({ pin }));
  return html`<form novalidate onSubmit=${submit}><${Screen}
    title=${t("request.title")}
    error=${answer.error ?? refuse.error}
    actions=${html`
      ${isPushed(claimed) && html`<${Digits} name="binding-code" count=${2} label=${t("request.code")} hint=${t("request.code_hint")} value=${code} onValue=${setCode} />`}
      <${Answers} ...${{ phone, pin, setPin, pause, answer, refuse }} />`}
  >
    <${Who} shows=${shows} />
    <${Warnings} codes=${warnings} />
    <${Message} text=${shows.binding_message} />
    <${What} shows=${shows} withheld=${withheld} onWithheld=${setWithheld} />
    <${Where} shows=${shows} channel=${claimed.channel} />
    <${Notice} kind="caution" testid="never-send">${t(isPushed(claimed) ? "request.never_push" : "request.never")}<//>
    <p class="hint" data-testid="request-time">${t("request.time", { time: countdown(left) })}</p>
  <//></form>`;
}

function Who({ shows: { relying_party: party } }) {
  return html`<section class="who">
    <p class="domain" data-testid="request-domain" dir="ltr" lang="en">${party.domain}</p>
    <p class="party" data-testid="request-party">${pick(party.name)}</p>
    <p class="checked">${t("request.checked")}</p>
    ${party.names_itself && html`<p class="hint" data-testid="names-itself">${t("request.names_itself")}</p>`}
  </section>`;
}

function Warnings({ codes }) {
  return codes.map((code) => html`<${Notice} key=${code} kind="warning" testid="request-warning">
    ${t(has(`warning.${code}`) ? `warning.${code}` : "warning.other")}
  <//>`);
}

/** The party's own words, marked as such: they are no words of ours. */
function Message({ text }) {
  return text && html`<section>
    <h2>${t("request.message")}</h2>
    <blockquote class="message" data-testid="request-message">${text}</blockquote>
  </section>`;
}

function What({ shows, withheld, onWithheld }) {
  const flip = (name) =>
    onWithheld(withheld.includes(name) ? withheld.filter((one) => one !== name) : [...withheld, name]);
  return html`<section>
    <h2>${t("request.purpose")}</h2>
    <p data-testid="request-purpose">${pick(shows.purpose)}</p>
  </section>
  <section>
    <h2>${t("request.claims")}</h2>
    <ul class="claims" data-testid="request-claims">
      ${shows.claims.map(({ name, label, voluntary }) => html`<li key=${name}>
        ${
          voluntary
            ? html`<label class="switch"><span>${pick(label)} <small>${t("request.voluntary")}</small></span>
                <input type="checkbox" role="switch" data-testid=${`claim-${name}`} checked=${!withheld.includes(name)} onChange=${() => flip(name)} /></label>`
            : html`<span>${pick(label)}</span>`
        }
      </li>`)}
    </ul>
  </section>`;
}

function Where({ shows: { requester, relying_party: party, started_at: startedAt }, channel }) {
  const rows = [
    ["started", timeOfDay(startedAt)],
    ["system", isPushed({ channel }) && t("request.system_of", { party: pick(party.name) })],
    ["browser", requester?.browser],
    ["place", requester?.place],
    ["network", requester?.network],
    ["channel", has(`channel.${channel}`) && t(`channel.${channel}`)],
  ];
  return html`<section>
    <h2>${t("request.where")}</h2>
    <dl class="facts" data-testid="request-facts">
      ${rows.filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${t(`request.${name}`)}</dt><dd>${value}</dd></div>`)}
    </dl>
  </section>`;
}

function Answers({ phone, pin, setPin, pause, answer, refuse }) {
  const busy = answer.busy || refuse.busy;
  const waits = pause > 0 ? t("request.pause", { n: digits(pause) }) : null;
  return html`
    <${SixDigits} name="pin" label=${t("request.pin")} value=${pin} onValue=${setPin} secret />
    <${Button} type="submit" testid="approve-pin" busy=${busy} disabled=${pause > 0}>${waits ?? t("request.approve")}<//>
    ${
      phone.account.credential &&
      html`<${Button} kind="second" testid="approve-biometric" busy=${busy} disabled=${pause > 0} onClick=${() => answer.run({ biometric: true })}>${t("request.approve_biometric")}<//>`
    }
    <${Button} kind="quiet" testid="deny" busy=${busy} onClick=${() => refuse.run(false)}>${t("request.deny")}<//>
    <${Button} kind="danger" testid="deny-not-me" busy=${busy} onClick=${() => refuse.run(true)}>${t("request.not_me")}<//>
  `;
}

/** Seconds in which nothing can be approved yet: time to read the warning. */
function usePause(seconds) {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    if (left <= 0) return undefined;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return left;
}

const RESULTS = { approved: "result-approved", denied: "result-denied", reported: "result-denied", wrong_code: "result-denied", expired: "result-expired" };

/** How it ended; a same-device login goes back to where it began. */
export function Result({ result, onHome }) {
  const { kind, back } = result;
  useEffect(() => {
    if (!back) return undefined;
    const timer = setTimeout(() => location.assign(back), 600);
    return () => clearTimeout(timer);
  }, [back]);
  const home = html`<${Button} kind=${back ? "quiet" : "primary"} testid="result-home" onClick=${onHome}>${t("result.home")}<//>`;
  const go = back && html`<${Button} testid="result-return" onClick=${() => location.assign(back)}>${t("result.return")}<//>`;
  return html`<${Screen} title=${t(`result.${kind}`)} lead=${t(`result.${kind}_lead`)} actions=${html`${go}${home}`}>
    <div class=${`picture ${kind === "approved" ? "tick" : "cross"}`} data-testid=${RESULTS[kind] ?? "result-expired"} role="img" aria-label=${t(`result.${kind}`)}></div>
    ${kind === "approved" && !back && html`<${Notice}>${t("result.look")}<//>`}
  <//>`;
}
