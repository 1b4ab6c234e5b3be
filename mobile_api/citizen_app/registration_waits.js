/** Where a registration waits for somebody else, or has come to its end. */

import { explain, has, t } from "./i18n.js";
import { goTo } from "./phone.js";
import { drafts } from "./store.js";
import { Advice, Alert, Button, Notice, Screen, useAction } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";

const REGISTER_MS = 2000;
const PERSON_MS = 20_000;

/** Ask for the view now and then, while the screen is looked at. */
export function useView(phone, onView, every) {
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    let timer = null;
    let gone = false;
    const ask = async () => {
      try {
        const view = document.hidden ? null : await phone.api.get("/registrations/current");
        if (gone) return;
        setProblem(null);
        if (view) onView(view);
      } catch (raised) {
        if (!gone) setProblem(raised);
      }
      if (!gone) timer = setTimeout(ask, every);
    };
    const look = () => {
      clearTimeout(timer);
      ask();
    };
    timer = setTimeout(ask, every);
    document.addEventListener("visibilitychange", look);
    return () => {
      gone = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  return problem;
}

export function Dots({ testid, children }) {
  return html`<div class="waiting" role="status" data-testid=${testid}><span class="dots" aria-hidden="true"><i></i><i></i><i></i></span><span>${children}</span></div>`;
}

/** The words for this journey where it has its own, else those of a registration. */
const words = (key, { purpose }) => t(has(`${key}_${purpose}`) ? `${key}_${purpose}` : key);

/** The national register has been asked; nothing to do but wait. */
export function Asking({ phone, onView, step }) {
  const problem = useView(phone, onView, REGISTER_MS);
  return html`<${Screen} title=${t("waiting.title")} lead=${t("waiting.lead")} step=${step} error=${problem}>
    <${Dots} testid="waiting">${t("waiting.status")}<//>
    <${Notice}>${t("waiting.close")}<//>
  <//>`;
}

/** A person decides: that takes longer than anybody looks at a screen. */
export function Reviewed({ phone, view, onView, step, back }) {
  const problem = useView(phone, onView, PERSON_MS);
  return html`<${Screen} title=${t("review.title")} lead=${words("review.lead", view)} step=${step} error=${problem} actions=${back}>
    <${Dots} testid="review">${t("review.status")}<//>
    <${Notice}>${t("waiting.close")}<//>
  <//>`;
}

/** A rule or a person has said no: why, and where else to go. */
export function Refused({ view, onLeave }) {
  return html`<${Screen} title=${words("refused.title", view)}
    actions=${html`<${Button} testid="stopped-home" onClick=${onLeave}>${t("stopped.home")}<//>`}>
    <${Advice} codes=${view.advice} other="advice.review" />
    <${Notice} testid="refused">${t("stopped.where")}<//>
  <//>`;
}

/** Too many tries; or this person has an account already, and comes back to it. */
export function Stopped({ view, onLeave }) {
  if (view?.purpose === "renewal") return html`<${NotRenewed} onLeave=${onLeave} />`;
  const isKnown = drafts.get("stopped").code === "already-registered";
  const recover = async () => {
    await onLeave();
    goTo("recover");
  };
  const home = html`<${Button} kind=${isKnown ? "quiet" : "primary"} testid="stopped-home" onClick=${onLeave}>${t("stopped.home")}<//>`;
  return html`<${Screen} title=${t(isKnown ? "stopped.known_title" : "stopped.title")} lead=${t(isKnown ? "advice.recover" : "stopped.lead")}
    actions=${html`${isKnown && html`<${Button} testid="stopped-recover" onClick=${recover}>${t("stopped.recover")}<//>`}${home}`}>
    <${Notice} testid="stopped">${t("stopped.where")}<//>
  <//>`;
}

/** The account stays as it is; what was refused stands above. */
function NotRenewed({ onLeave }) {
  return html`<${Screen} title=${t("renewal.stopped")} lead=${t("renewal.stopped_lead")}
    actions=${html`<${Button} testid="stopped-home" onClick=${onLeave}>${t("stopped.home")}<//>`}>
    <${Notice} testid="stopped">${t("stopped.where")}<//>
  <//>`;
}

/** What was refused when it moved the view elsewhere, told on the screen it moved to. */
export function Moved({ problem, onChange }) {
  const advice = problem.advice.filter((code) => has(`advice.${code}`));
  const isNobodys = onChange && problem.advice.includes("no-account");
  const register = useAction(() => onChange("register"));
  return html`<aside class="banner" data-testid="moved" aria-label=${t("moved.label")}>
    <strong>${t(advice.length ? "moved.again" : "moved.label")}</strong>
    ${advice.length ? html`<${Advice} codes=${advice} />` : html`<p>${explain(problem)}</p>`}
    <${Alert} problem=${register.error} />
    ${isNobodys && html`<${Button} kind="second" testid="moved-change" busy=${register.busy} onClick=${register.run}>${t("welcome.register")}<//>`}
  </aside>`;
}
