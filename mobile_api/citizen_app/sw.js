/**
 * The offline shell: the app's own files, and nothing that a person said or read.
 *
 * The network is asked first, so a new version is never mixed with an old one;
 * the cache answers when there is no network. Calls of the mobile API pass by.
 */

const CACHE = "camdigikey-shell-1";
const SHELL = [
  "/",
  "/account.js", "/activity.js", "/api.js", "/app.css", "/app.js", "/approval.js",
  "/assertions.js", "/assistance.js", "/authenticator.js", "/bytes.js", "/camera.js", "/capture.js",
  "/citizen.js", "/clip.js", "/confirm.js", "/contact_forms.js", "/contact_steps.js",
  "/contacts.js", "/countries.js", "/dates.js", "/devices.js", "/documents.js", "/film.js",
  "/help.js", "/home.js", "/i18n.js", "/languages.js", "/links.js", "/liveness.js",
  "/liveness_development.js", "/liveness_stage.js", "/locked.js", "/messages.js",
  "/notices.js", "/number_fields.js", "/pages.js", "/phone.js", "/pictograms.js",
  "/pin_change.js", "/pin_key.js", "/pin_rules.js", "/problem.js", "/recovery.js",
  "/recovery_asked.js", "/recovery_banner.js", "/registration.js", "/registration_details.js",
  "/registration_device.js", "/registration_waits.js", "/renewal.js", "/request.js",
  "/scan.js", "/scanner.js", "/settings.js", "/sha256.js", "/store.js", "/transfer.js", "/ui.js",
  "/waits.js", "/webauthn.js", "/welcome.js", "/work.js",
  "/work_worker.js",
  "/manifest.webmanifest", "/locales/km.json", "/locales/en.json",
  "/icons/icon.svg", "/icons/icon-192.png", "/icons/lock.svg",
  "/vendor/preact.js", "/vendor/p256.js", "/vendor/argon2id.js",
  "/vendor/kantumruy-pro-khmer-400.woff2", "/vendor/kantumruy-pro-khmer-600.woff2",
  "/vendor/kantumruy-pro-latin-400.woff2", "/vendor/kantumruy-pro-latin-600.woff2",
];
// The QR reader (1 MB) is kept once it was used: without a network no code can be answered.
const LATER = ["/vendor/zxing-reader.js", "/vendor/zxing_reader.wasm"];
const OURS = new Set([...SHELL, ...LATER]);

addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  event.waitUntil(forgetOld().then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  // Every page is the same file; its path may hold a secret and is not kept.
  if (request.mode === "navigate") event.respondWith(answer(event, "/"));
  else if (OURS.has(url.pathname)) event.respondWith(answer(event, url.pathname));
});

async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll(SHELL);
}

async function forgetOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}

async function answer(event, path) {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(path, { credentials: "omit", signal: AbortSignal.timeout(15000) });
    if (!fresh.ok) throw new Error(String(fresh.status));
    event.waitUntil(cache.put(path, fresh.clone()));
    return fresh;
  } catch {
    return (await cache.match(path)) ?? Response.error();
  }
}
