/**
 * Which PINs are refused: all the same digit, runs, the birth date, the last
 * six digits of the phone number. Only the phone can check this.
 */

import { toBase64url, utf8 } from "./bytes.js";

const FORMATS = ["ddmmyy", "mmddyy", "yymmdd", "yyyymm", "mmyyyy", "ddyyyy", "yyyydd"];

/** 123456, 654321 and, over the end, 789012. */
function isRun(pin) {
  const steps = Array.from(pin.slice(1), (digit, i) => (digit - pin[i] + 10) % 10);
  return steps.every((step) => step === 1) || steps.every((step) => step === 9);
}

export const isTrivial = (pin) => new Set(pin).size === 1 || isRun(pin);

/** The six-digit ways to write a date `yyyy-mm-dd`. */
export function datePins(date) {
  const [yyyy, mm, dd] = (date ?? "").split("-");
  if (!dd) return [];
  const parts = { yyyy, yy: yyyy.slice(2), mm, dd };
  return FORMATS.map((format) => format.replace(/yyyy|yy|mm|dd/g, (part) => parts[part]));
}

export function phonePins(phone) {
  const digits = (phone ?? "").replace(/[^0-9]/g, "");
  return digits.length < 6 ? [] : [digits.slice(-6)];
}

/** Does the PIN end as the number whose hint (`+855 •• ••• 678`) this is? */
export function endsLikeNumber(pin, hint) {
  const end = /[0-9]{3}$/.exec(hint ?? "")?.[0];
  return end !== undefined && pin.endsWith(end);
}

/**
 * Marks of PINs that this person must not choose, kept while he registers.
 *
 * They are keyed by the device secret, so that neither his phone number nor
 * his birth date lies readable on the phone between two screens.
 */
export async function mark(secret, pins) {
  const one = async (pin) =>
    toBase64url(await crypto.subtle.sign("HMAC", secret, utf8(`refused-pin1|${pin}`)));
  return Promise.all(pins.map(one));
}

/** Why this PIN is refused: `trivial`, `personal`, or null. */
export async function refusal({ secret, pin, marks, birthDate }) {
  if (isTrivial(pin)) return "trivial";
  if (datePins(birthDate).includes(pin)) return "personal";
  const [own] = await mark(secret, [pin]);
  return marks.includes(own) ? "personal" : null;
}
