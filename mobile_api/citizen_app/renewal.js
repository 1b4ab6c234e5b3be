/** A new document for the account: a registration from its picture to the face. */

import { currentLanguage, t } from "./i18n.js";
import { goTo } from "./phone.js";
import { Registration } from "./registration.js";
import { drafts } from "./store.js";
import { Button, Notice, Screen, useAction } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";
import { Loading, Retry } from "./waits.js";

const OVER = ["done", "cancelled"];

export function Renewal({ phone, onRenewed }) {
  const [view, setView] = useState(undefined);
  const [problem, setProblem] = useState(null);
  const load = async () => {
    setProblem(null);
    try {
      const found = await phone.api.get("/registrations/current");
      setView(found.purpose === "renewal" && !OVER.includes(found.state) ? found : null);
    } catch (raised) {
      if (raised.code === "not-found") setView(null);
      else setProblem(raised);
    }
  };
  useEffect(() => void load(), []);
  const take = async (next) => {
    if (next.state === "done") {
      drafts.remove("details");
      await onRenewed();
    }
    setView(next);
  };
  const leave = async () => {
    drafts.remove("details");
    goTo("documents");
  };
  if (problem) return html`<${Retry} problem=${problem} onRetry=${load} onCancel=${() => goTo("home")} />`;
  if (view === undefined) return html`<${Loading} />`;
  if (view?.state === "done") return html`<${Renewed} />`;
  if (view) return html`<${Registration} phone=${phone} view=${view} onView=${take} onLeave=${leave} />`;
  return html`<${Start} phone=${phone} onView=${take} />`;
}

function Start({ phone, onView }) {
  const start = useAction(async () =>
    onView(await phone.api.post("/documents/renewals", { locale: currentLanguage() })),
  );
  return html`<${Screen} title=${t("renewal.title")} lead=${t("renewal.lead")} error=${start.error}
    actions=${html`<${Button} testid="renewal-start" busy=${start.busy} onClick=${start.run}>${t("renewal.start")}<//>
      <a class="button quiet" href="#/documents" data-testid="renewal-back">${t("back")}</a>`}>
    <ul class="follows">${["card", "register", "face"].map((key) => html`<li key=${key}>${t(`renewal.${key}`)}</li>`)}</ul>
    <${Notice}>${t("renewal.note")}<//>
  <//>`;
}

function Renewed() {
  return html`<${Screen} title=${t("renewal.done")} lead=${t("renewal.done_lead")}
    actions=${html`<a class="button primary" href="#/documents" data-testid="renewal-done">${t("renewal.done_next")}</a>`}>
    <div class="picture tick" aria-hidden="true"></div>
  <//>`;
}
