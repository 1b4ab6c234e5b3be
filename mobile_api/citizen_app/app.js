/** The citizen app: take the link it was opened with, start, follow the route. */

import { t } from "./i18n.js";
import { isQrPath, parseOpened } from "./links.js";
import { Pages } from "./pages.js";
import { startPhone } from "./phone.js";
import { drafts } from "./store.js";
import { Button, Screen } from "./ui.js";
import { html, render, useEffect, useState } from "./vendor/preact.js";

const root = document.getElementById("app");

/** A link from outside becomes a route; the secret leaves the address bar. */
function takeLink() {
  const { pathname } = location;
  const link = parseOpened(pathname);
  if (link) {
    drafts.put("request", { link });
    history.replaceState(null, "", "/#/request");
  } else if (isQrPath(pathname)) {
    history.replaceState(null, "", "/#/qr");
  } else if (pathname !== "/") {
    history.replaceState(null, "", `/${location.hash}`);
  }
}

function useRoute() {
  const read = () => location.hash.replace(/^#\//, "");
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const follow = () => {
      setRoute(read());
      scrollTo(0, 0);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}

function useOnline() {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const follow = () => setOnline(navigator.onLine);
    addEventListener("online", follow);
    addEventListener("offline", follow);
    return () => {
      removeEventListener("online", follow);
      removeEventListener("offline", follow);
    };
  }, []);
  return online;
}

function App({ phone }) {
  const route = useRoute();
  const online = useOnline();
  const [, setTick] = useState(0);
  const refresh = () => setTick((tick) => tick + 1);
  return html`<${Pages} ...${{ phone, route, online, refresh }} />`;
}

function NotStarted() {
  return html`<${Screen} title=${t("start.title")} error=${t("problem.offline")}
    actions=${html`<${Button} testid="start-again" onClick=${() => location.reload()}>${t("start.again")}<//>`}>
    <p>${t("start.lead")}</p>
  <//>`;
}

async function main() {
  takeLink();
  navigator.serviceWorker?.register("/sw.js").catch(() => {});
  try {
    render(html`<${App} phone=${await startPhone()} />`, root);
  } catch {
    render(html`<${NotStarted} />`, root);
  }
}

main();
