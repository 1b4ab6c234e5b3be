/** Dates as people write them on the card, and as the API wants them. */

import { asciiDigits } from "./i18n.js";

/**
 * Read `31.12.2020`, `31/12/2020`, `31-12-2020` or `2020-12-31`, in Khmer or
 * Latin digits, as `2020-12-31`; null when it is no date of the calendar.
 */
export function parseDate(text) {
  const parts = asciiDigits(text.trim()).split(/[\s./-]+/);
  if (parts.length !== 3 || !parts.every((part) => /^[0-9]{1,4}$/.test(part))) return null;
  const [day, month, year] = parts[0].length === 4 ? parts.toReversed() : parts;
  if (year.length !== 4) return null;
  const iso = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const made = new Date(`${iso}T00:00:00Z`);
  return Number.isNaN(made.getTime()) || made.toISOString().slice(0, 10) !== iso ? null : iso;
}

/** `2020-12-31` as the card prints it, `31.12.2020`; other text unchanged. */
export function printedDate(text) {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text ?? "");
  return match ? `${match[3]}.${match[2]}.${match[1]}` : (text ?? "");
}
