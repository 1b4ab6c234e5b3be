/** Confirm what was read from the document; add what its machine lines lack. */

import { Capture } from "./capture.js";
import { parseDate, printedDate } from "./dates.js";
import { asciiDigits, digits, has, t } from "./i18n.js";
import { datePins, mark } from "./pin_rules.js";
import { drafts } from "./store.js";
import { Button, Field, Form, Notice, Screen, useAction } from "./ui.js";
import { html, useState } from "./vendor/preact.js";

const DATES = ["birth_date", "expiry_date", "issue_date"];
const KHMER = ["surname_khmer", "given_name_khmer"];
const LATIN = ["surname_latin", "given_name_latin"];
const UNREAD = [...KHMER, "issue_date"];
const UNKNOWN = /^\d{4}-(\d{2}|XX)-XX$/;
const FIELDS = ["number", "surname_khmer", "given_name_khmer", ...LATIN, "sex", "birth_date", "issue_date", "expiry_date"];

export function Details({ phone, view, step, back, post, upload }) {
  const [retake, setRetake] = useState(false);
  if (retake) {
    const picture = async (blob) => {
      await upload("document", blob);
      // What no picture shows was typed, and is still as the person knows it.
      const typed = Object.entries(drafts.get("details")).filter(([name]) => UNREAD.includes(name));
      drafts.put("details", Object.fromEntries(typed));
      setRetake(false);
    };
    const cancel = html`<${Button} kind="quiet" testid="card-keep" onClick=${() => setRetake(false)}>${t("back")}<//>`;
    const kind = isPassport(view) ? "passport" : "card";
    return html`<${Capture} kind=${kind} pictures=${view.document?.pictures} step=${step} back=${cancel} onPicture=${picture} />`;
  }
  const props = { phone, view, step, back, post, onRetake: () => setRetake(true) };
  return html`<${Fields} key=${JSON.stringify(view.document)} ...${props} />`;
}

const isPassport = (view) => view.document?.kind === "passport";
const isForeign = (view) => (view.document?.nationality ?? "KHM") !== "KHM";

/** Who is not of Cambodia has no name in Khmer, and is not asked for one. */
const fieldsOf = (view) => (isForeign(view) ? FIELDS.filter((name) => !KHMER.includes(name)) : FIELDS);

function Fields({ phone, view, step, back, post, onRetake }) {
  const proved = new Set(view.document?.proved ?? []);
  const wrong = view.incorrect_fields ?? [];
  const [fields, setFields] = useState(() => start(view, proved));
  // A fault found here, or undefined once typed into, hides what the register said.
  const [faults, setFaults] = useState({});
  const faultOf = (name) =>
    name in faults ? faults[name] : wrong.includes(name) && t("details.disagrees");
  const put = (name, value) => {
    const changed = { ...fields, [name]: value };
    setFields(changed);
    setFaults({ ...faults, [name]: undefined });
    drafts.put("details", changed);
  };
  const send = useAction(async () => {
    const { body, faults: found } = check(fields, view.document);
    setFaults(found);
    const [first] = FIELDS.filter((name) => found[name]);
    if (first) return show(first);
    if (parseDate(body.birth_date)) await refuseBirthDate(phone, body.birth_date);
    try {
      await post("details", body);
      drafts.remove("details");
    } catch (problem) {
      setFaults(Object.fromEntries((problem.fields ?? []).map(fault)));
      throw problem;
    }
  });
  const optional = view.document?.optional ?? [];
  const one = (name) => html`<${Detail} key=${name} ...${{ view, name, value: fields[name], fault: faultOf(name), proved: proved.has(name), optional: optional.includes(name), put }} />`;
  const pictures = view.document?.pictures ?? 1;
  return html`<${Form} onSubmit=${send.run}><${Screen}
    title=${t(wrong.length ? "details.title_wrong" : "details.title")}
    lead=${t(wrong.length ? "details.lead_wrong" : "details.lead")}
    step=${step}
    error=${send.error}
    actions=${html`
      <${Button} type="submit" testid="details-next" busy=${send.busy}>${t("details.next")}<//>
      <${Button} kind="quiet" testid="card-retake" onClick=${onRetake}>${t("details.retake")}<//>
      ${back}`}
  >
    ${proved.size > 0 && html`<${Notice} testid="proved-note">${t("details.proved")}${pictures > 1 && html` ${t("details.joined", { n: digits(pictures) })}`}<//>`}
    ${fieldsOf(view).map(one)}
  <//><//>`;
}

function Detail({ view, name, value, fault: text, proved, optional, put }) {
  const shared = { name, label: label(view, name, optional), hint: hint(view, name, proved), fault: text };
  const testid = `field-${name}`;
  if (name === "sex") {
    return html`<${Field} ...${shared}>
      <select id="in-sex" data-testid=${testid} value=${value} disabled=${proved} aria-invalid=${text ? "true" : undefined} onChange=${(event) => put(name, event.currentTarget.value)}>
        ${["", "F", "M", ...(isForeign(view) ? ["X"] : [])].map((sex) => html`<option key=${sex} value=${sex} selected=${sex === value}>${t(`sex.${sex || "choose"}`)}</option>`)}
      </select>
    <//>`;
  }
  const input = {
    inputmode: DATES.includes(name) ? "decimal" : undefined,
    lang: KHMER.includes(name) ? "km" : "en",
    autocapitalize: LATIN.includes(name) ? "characters" : "off",
    maxlength: 60,
  };
  return html`<${Field} ...${shared} ...${input} testid=${testid} class=${proved ? "locked" : ""} readonly=${proved} autocomplete="off" spellcheck=${false} value=${value} onValue=${(typed) => put(name, typed)} />`;
}

function label(view, name, optional) {
  const own = `field.${name}.${view.document?.kind}`;
  const text = t(has(own) ? own : `field.${name}`);
  return optional ? t("field.optional", { field: text }) : text;
}

function hint(view, name, proved) {
  if (proved) return t("details.locked");
  if (UNKNOWN.test(view.document?.[name] ?? "")) return t("field.unknown_day");
  const own = [`field.${name}.${view.document?.kind}.hint`, `field.${name}.hint`].find(has);
  return own && t(own);
}

/** Proved values from the document; the rest as typed, as posted, else as read. */
function start(view, proved) {
  const draft = drafts.get("details");
  const pick = (name) =>
    proved.has(name) ? view.document[name] : (draft[name] ?? view.details?.[name] ?? view.document?.[name] ?? "");
  const show = (name) => (DATES.includes(name) ? printedDate(pick(name)) : pick(name));
  return Object.fromEntries(FIELDS.map((name) => [name, show(name) ?? ""]));
}

/** What to post, and what is wrong with it, by field; `read` is what the picture said. */
export function check(fields, read = {}) {
  const body = {};
  const faults = {};
  const asked = new Set(fieldsOf({ document: read }));
  for (const name of FIELDS) {
    const text = asked.has(name) ? tidy(name, fields[name]) : "";
    body[name] = valueOf(name, text, read);
    const code = wrongWith(name, text, body[name], read.optional ?? []);
    if (code) faults[name] = t(`fault.${code}`);
  }
  return { body, faults };
}

function tidy(name, value) {
  const text = value.trim().replace(/\s+/g, " ");
  if (name === "number") return asciiDigits(text).toUpperCase();
  return LATIN.includes(name) ? text.toUpperCase() : text;
}

/** A day that nobody knows stays as the document has it. */
function valueOf(name, text, read) {
  if (!DATES.includes(name) || !text) return text;
  return UNKNOWN.test(text) && text === read[name] ? text : parseDate(text);
}

function wrongWith(name, text, value, optional) {
  if (!text) return optional.includes(name) ? null : "required";
  if (DATES.includes(name)) return value ? null : "date";
  if (KHMER.includes(name) && !/^[\u1780-\u17dd\u200b\u200c ]+$/.test(text)) return "khmer";
  if (LATIN.includes(name) && !/^[A-Z][A-Z .'-]*$/.test(text)) return "latin";
  return null;
}

const fault = ({ name, code }) => [name, t(has(`fault.${code}`) ? `fault.${code}` : "fault.other")];

function show(name) {
  document.getElementById(`in-${name}`)?.focus();
}

async function refuseBirthDate({ store, authenticator }, date) {
  const marks = await mark(authenticator.secret, datePins(date));
  const kept = (await store.get("refused-pins")) ?? [];
  await store.put("refused-pins", [...new Set([...kept, ...marks])]);
}
