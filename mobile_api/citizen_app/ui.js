/** The few parts that every screen is made of. */

import { asciiDigits, digits, explain, has, t } from "./i18n.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

/** A screen: a heading that takes the focus, what to read, what to press. */
export function Screen({ title, lead, step, error, children, actions, plain }) {
  const heading = useRef(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [title]);
  return html`
    <main class=${plain ? "screen plain" : "screen"}>
      ${step && html`<${Steps} ...${step} />`}
      <h1 tabindex="-1" ref=${heading}>${title}</h1>
      ${lead && html`<p class="lead">${lead}</p>`}
      <${Alert} problem=${error} />
      <div class="body">${children}</div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </main>
  `;
}

function Steps({ at, of }) {
  return html`<progress class="steps" max=${of} value=${at} aria-label=${t("steps", { at: digits(at), of: digits(of) })} />`;
}

/** Moves the page as far as the part must be moved to be seen, whenever `why` changes to something. */
export function useShown(why) {
  const part = useRef(null);
  useEffect(() => {
    if (why) part.current?.scrollIntoView({ block: "nearest" });
  }, [why]);
  return part;
}

/** What went wrong; `problem` is a Problem or a text. It stands above: whoever typed below must see it. */
export function Alert({ problem }) {
  const text = !problem || typeof problem === "string" ? problem : explain(problem);
  const part = useShown(problem);
  return html`<div role="alert" data-testid="error" class=${text ? "alert" : "alert empty"} ref=${part}>
    ${text}
  </div>`;
}

export function Button({ testid, kind = "primary", busy, disabled, onClick, type = "button", children }) {
  return html`
    <button
      type=${type}
      class=${`button ${kind}`}
      data-testid=${testid}
      disabled=${disabled || busy}
      aria-busy=${busy ? "true" : undefined}
      onClick=${onClick}
    >
      ${children}
    </button>
  `;
}

/** A labelled input with its hint and its fault beside it. */
export function Field({ name, label, hint, fault, value, onValue, testid, children, ...input }) {
  const id = `in-${name}`;
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ");
  return html`
    <div class=${fault ? "field wrong" : "field"}>
      <label for=${id}>${label}</label>
      ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
      ${fault && html`<p class="fault" id=${`${id}-fault`}>${fault}</p>`}
      ${
        children ??
        html`<input
          id=${id}
          name=${name}
          data-testid=${testid}
          value=${value}
          aria-describedby=${described || undefined}
          aria-invalid=${fault ? "true" : undefined}
          onInput=${(event) => onValue(event.currentTarget.value, event.currentTarget)}
          ...${input}
        />`
      }
    </div>
  `;
}

/** Digits, by a numeric keyboard, in either script; hidden when `secret`. */
export function Digits({ name, count, label, hint, value, onValue, secret, autofill }) {
  const clean = (text) => asciiDigits(text).replace(/[^0-9]/g, "").slice(0, count);
  return html`<${Field}
    name=${name}
    label=${label}
    hint=${hint}
    testid=${name}
    value=${value}
    onValue=${(text, input) => onValue((input.value = clean(text)))}
    type=${secret ? "password" : "text"}
    class="digits"
    inputmode="numeric"
    autocomplete=${autofill ?? "off"}
    maxlength=${2 * count}
    spellcheck=${false}
  />`;
}

export const SixDigits = (props) => html`<${Digits} count=${6} ...${props} />`;

/** A form that sends once at a time and shows what went wrong. */
export function useAction(act) {
  const [state, setState] = useState({ busy: false, error: null });
  const alive = useRef(true);
  useEffect(() => () => (alive.current = false), []);
  const run = async (...given) => {
    setState({ busy: true, error: null });
    let error = null;
    try {
      await act(...given);
    } catch (raised) {
      error = raised.code || typeof raised === "string" ? raised : unexpected(raised);
    }
    if (alive.current) setState({ busy: false, error });
  };
  return { ...state, run, fail: (error) => setState({ busy: false, error }) };
}

function unexpected(raised) {
  console.error(raised.name);
  return t("problem.unknown");
}

export function Form({ onSubmit, children, ...rest }) {
  const submit = (event) => {
    event.preventDefault();
    onSubmit();
  };
  return html`<form novalidate onSubmit=${submit} ...${rest}>${children}</form>`;
}

/** The time left until an instant, by the server's clock; counts each second. */
export function useSecondsLeft(api, until) {
  const left = () => (until ? until - api.now() : 0);
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    setSeconds(left());
    const timer = setInterval(() => setSeconds(left()), 500);
    return () => clearInterval(timer);
  }, [until]);
  return Math.max(0, seconds);
}

/** What was done a moment ago, told once. */
export function Said({ text }) {
  return html`<div role="status" data-testid="said" class=${text ? "said" : "said empty"}>${text}</div>`;
}

/** The list that a call answers, asked when the screen opens: `{list, error, run}`. */
export function useList(phone, path, name) {
  const [list, setList] = useState(null);
  const load = useAction(async () => setList((await phone.api.get(path))[name]));
  useEffect(() => void load.run(), []);
  return { ...load, list };
}

export function Notice({ kind = "info", title, children, testid }) {
  return html`<div class=${`notice ${kind}`} data-testid=${testid}>
    ${title && html`<strong>${title}</strong>`}
    <div>${children}</div>
  </div>`;
}

/** What to do better, by the codes of the API; `other` names the words for unknown ones. */
export function Advice({ codes, other = "advice.other" }) {
  if (!codes?.length) return null;
  const words = new Set(codes.map((code) => t(has(`advice.${code}`) ? `advice.${code}` : other)));
  return html`<${Notice} kind="warning" testid="advice">
    <ul>${[...words].map((text) => html`<li key=${text}>${text}</li>`)}</ul>
  <//>`;
}
