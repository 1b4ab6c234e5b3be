/**
 * The login page, awake: it draws the rotating code, shows where the login stands,
 * and asks for a new code when one runs out while somebody is looking.
 *
 * Without this file the page works too: it reloads itself every two seconds.
 */

import { follow } from "./feed.js";
import { draw } from "./qr.js";

const SECOND = 1000;
const page = document.querySelector("main");
const { path, panel } = page.dataset;
const part = (name) => page.querySelector(`[data-part="${name}"]`);
const svg = document.getElementById("qr");
const dark = document.getElementById("dark");

let codes = []; // texts still to be shown, one a second
let lastText = "";
let stop = () => {};
let leaving = false; // a form is on its way: what is heard now is its own doing

/* --- the code ------------------------------------------------------------- */

function receive(texts) {
  codes = texts;
  show();
}

/** Show the next code; with none left, go dark: an old code is worth nothing. */
function show() {
  const text = codes.shift()?.[1];
  if (text === lastText) return;
  setDark(text === undefined);
  lastText = text;
  if (text === undefined) return;
  const { size, path: strokes } = draw(text);
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.firstElementChild.setAttribute("d", strokes);
}

function setDark(isDark) {
  if (dark.hidden === !isDark) return;
  dark.hidden = !isDark;
  svg.toggleAttribute("data-dark", isDark);
  if (isDark) svg.firstElementChild.setAttribute("d", "");
  say(isDark ? page.dataset.reconnecting : page.dataset.pending);
}

/* --- where the login stands ------------------------------------------------ */

/** Say something once; the code changing each second is never said. */
function say(text) {
  const status = document.getElementById("status");
  if (status.textContent !== text) status.textContent = text;
}

function reveal(name) {
  for (const each of page.querySelectorAll("[data-part]")) each.hidden = each.dataset.part !== name;
  for (const offer of page.querySelectorAll(".offer")) offer.hidden = true;
  part(name).querySelector("h2").focus();
}

function claimed() {
  endCodes();
  if (part("claimed").hidden) reveal("claimed");
  say(page.dataset.claimed);
}

function approved({ initials }) {
  endCodes();
  const heading = part("approved").querySelector("h2");
  heading.textContent = page.dataset.continue.replace("{}", initials);
  const cancel = document.getElementById("cancel");
  if (cancel) cancel.hidden = true;
  if (part("approved").hidden) reveal("approved");
  say(page.dataset.approved);
}

function endCodes() {
  codes = [];
  clearInterval(ticking);
  svg?.firstElementChild.setAttribute("d", "");
}

async function closed({ reason }) {
  if (leaving) return;
  if (reason === "expired" && svg && part("claimed").hidden && page.dataset.renews) {
    await whileSeen();
    if (await renew()) return watch();
  }
  location.replace(location.href);
}

/** Wait until somebody looks at the page: a code nobody sees is only a risk. */
async function whileSeen() {
  if (document.visibilityState === "visible") return;
  reveal("paused");
  await new Promise((seen) => {
    document.addEventListener("visibilitychange", seen, { once: true });
  });
  reveal("pending");
}

async function post(action, fields = {}) {
  const answer = await fetch(`${path}/${action}`, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(fields),
  });
  return answer.ok ? answer.json() : {};
}

async function renew() {
  const { state, challenge } = await post("renew", { automatic: "1" }).catch(() => ({}));
  page.dataset.challenge = challenge ?? "";
  return state === "pending";
}

/* --- the app on this device -------------------------------------------------- */

/** Go straight to the app while the tap still counts as one. */
async function openApp(event) {
  event.preventDefault();
  const form = event.currentTarget;
  leaving = true; // the code now ends by our own doing: no reload over the link
  const { link } = await post("same-device").catch(() => ({}));
  if (!link) return form.submit();
  stop();
  endCodes();
  // Whoever comes back to this page sees the link itself, and where things stand.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") location.reload();
  });
  location.assign(link);
}

/* --- begin ------------------------------------------------------------------- */

const told = { codes: (data) => receive(data.codes), claimed, approved, closed };
const reloads = { codes: () => {}, claimed: again("app_claimed"), approved: again("app_approved"), closed };

/** On the page of a same-device login, every step is the server's page. */
function again(name) {
  return () => { if (panel !== name) location.replace(location.href); };
}

function watch() {
  stop();
  const heard = panel.startsWith("app_") ? reloads : told;
  stop = follow(path, page.dataset.challenge, (event, data) => heard[event](data));
}

const ticking = svg ? setInterval(show, SECOND) : undefined;
page.querySelector("[data-focus]")?.focus();
document.getElementById("same-device")?.addEventListener("submit", openApp);
addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  leaving = true;
  stop();
});
addEventListener("pageshow", (shown) => { if (shown.persisted) location.reload(); });
if (/^(app_)?(pending|claimed|approved)$/.test(panel)) watch();
addEventListener("pagehide", () => stop());
