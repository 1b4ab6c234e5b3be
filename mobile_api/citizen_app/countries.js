/** Calling codes: Cambodia first, then where Cambodians live and work. */

import { asciiDigits, digits, t } from "./i18n.js";

const CODES = ["855", "66", "82", "81", "60", "65", "84", "856", "86", "852", "886", "1", "33", "61", "64", "44", "49", "971", "91", "62", "63"];

/** The list for a select; the empty code stands for every other country. */
export function countries() {
  const listed = CODES.map((code) => ({ code, label: `${t(`country.${code}`)} +${digits(code)}` }));
  return [...listed, { code: "", label: t("country.other") }];
}

/** The number as `+<country><number>`; null when there is nothing to send. */
export function internationalNumber(country, typed) {
  const text = asciiDigits(typed).replace(/[^0-9+]/g, "");
  const number = text.replaceAll("+", "");
  if (number.length < 5) return null;
  if (text.startsWith("+")) return `+${number}`;
  if (number.startsWith("00")) return `+${number.slice(2)}`;
  if (!country) return `+${number}`;
  // 855 12 345 678 typed in full behind a chosen +855
  if (number.startsWith(country) && number.length >= country.length + 8) return `+${number}`;
  return `+${country}${number.replace(/^0/, "")}`;
}
