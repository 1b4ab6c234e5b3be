/**
 * The languages of the app: texts, digits, dates. Khmer first.
 *
 * Browsers here have no Khmer in `Intl`, so dates come from the locale files.
 */

const LANGUAGES = ["km", "en"];
const loaded = {};
let language = "km";
let texts = {};

const KHMER_ZERO = 0x17e0;

export const languages = () => LANGUAGES;
export const currentLanguage = () => language;

/** Load a language and make it the one that is spoken. */
export async function speak(wanted) {
  language = LANGUAGES.includes(wanted) ? wanted : "km";
  loaded[language] ??= await (await fetch(`/locales/${language}.json`)).json();
  texts = loaded[language];
  document.documentElement.lang = language;
  document.title = t("app.name");
}

export const has = (key) => key in texts;

/** The text of a key, with `{name}` filled in. A missing key shows as itself. */
export function t(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The member of `{km, en}` for the language that is spoken. */
export const pick = (both) => both?.[language] ?? both?.km ?? both?.en ?? "";

/** Digits as a person may type them (០-៩) to the ones machines read (0-9). */
export const asciiDigits = (text) =>
  text.replace(/[\u17e0-\u17e9]/g, (digit) => String(digit.charCodeAt(0) - KHMER_ZERO));

/** Digits as a person reads them in the language that is spoken. */
export function digits(value) {
  const text = String(value);
  if (language !== "km") return text;
  return text.replace(/[0-9]/g, (digit) => String.fromCharCode(KHMER_ZERO + Number(digit)));
}

/** "១៤ មេសា ២០២៦" from `2026-04-14`; parts that are not known stay away. */
export function date(iso) {
  const [year, month, day] = (iso ?? "").split("-");
  if (!day) return iso ?? "";
  const name = t(`month.${Number(month)}`);
  return `${digits(Number(day))} ${name} ${digits(year)}`;
}

const two = (number) => String(number).padStart(2, "0");

/** The instant (whole seconds) as a date and a time of this phone's clock. */
export function instant(seconds) {
  const at = new Date(seconds * 1000);
  const iso = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return t("time.at", { date: date(iso), time: clock(at.getHours(), at.getMinutes()) });
}

/** Only the time of day, for what happened a moment ago. */
export function timeOfDay(seconds) {
  const at = new Date(seconds * 1000);
  return clock(at.getHours(), at.getMinutes());
}

const clock = (hours, minutes) => digits(`${two(hours)}:${two(minutes)}`);

/** "1:05" for a countdown. */
export function countdown(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  return digits(`${Math.floor(left / 60)}:${two(left % 60)}`);
}

/** What to tell the person about a Problem. */
export function explain(problem) {
  const known = has(`problem.${problem.code}`);
  const text = known ? t(`problem.${problem.code}`) : problem.detail || t("problem.unknown");
  const more = [];
  if (problem.attemptsLeft !== undefined) {
    more.push(t("problem.attempts_left", { n: digits(problem.attemptsLeft) }));
  }
  if (problem.retryAfter > 0) more.push(t("problem.retry_after", { time: wait(problem.retryAfter) }));
  return [text, ...more].join(" ");
}

function wait(seconds) {
  if (seconds < 90) return t("time.seconds", { n: digits(Math.ceil(seconds)) });
  if (seconds < 5400) return t("time.minutes", { n: digits(Math.ceil(seconds / 60)) });
  return t("time.hours", { n: digits(Math.ceil(seconds / 3600)) });
}

/** How long something still takes, in two words: "23 hours 12 minutes". */
export function duration(seconds) {
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return wait(seconds);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return t("time.hours_minutes", { h: digits(hours), m: digits(minutes % 60) });
  return t("time.days_hours", { d: digits(Math.floor(hours / 24)), h: digits(hours % 24) });
}
