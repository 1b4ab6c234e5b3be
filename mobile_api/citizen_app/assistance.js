/** Registering with the help of an official: the digits that are the citizen's consent. */

import { countdown, digits, t } from "./i18n.js";
import { useView } from "./registration_waits.js";
import { drafts } from "./store.js";
import { Button, Notice, Screen, useAction, useSecondsLeft } from "./ui.js";
import { html, useEffect } from "./vendor/preact.js";

const DRAFT = "assistance";
const POLL_MS = 5000;
/** Where an official can help (docs/mobile-api.md). */
export const HELPABLE = ["document", "details", "face"];

export const isHelped = () => Boolean(drafts.get(DRAFT).asked);

/** The way to it, below everything else that can be pressed. */
export function HelpButton({ onHelp }) {
  const ask = () => {
    drafts.put(DRAFT, { asked: true });
    onHelp();
  };
  return html`<${Button} kind="link" testid="assisted" onClick=${ask}>${t("assisted.button")}<//>`;
}

/**
 * Eight digits, good for ten minutes. The official goes on from there, and the view
 * moves; the person comes back with the last button.
 */
export function Helped({ phone, view, onView, step, onAlone }) {
  const { code, expires_at: expires } = drafts.get(DRAFT);
  const left = useSecondsLeft(phone.api, expires);
  const problem = useView(phone, onView, POLL_MS);
  const ask = useAction(async () => {
    const told = await phone.api.post(`/registrations/${view.id}/assistance`);
    drafts.put(DRAFT, { asked: true, ...told });
  });
  useEffect(() => void (code || ask.run()), []);
  const alone = () => {
    drafts.remove(DRAFT);
    onAlone();
  };
  const isOver = code && left === 0;
  return html`<${Screen} title=${t("assisted.title")} lead=${t("assisted.lead")} step=${step} error=${ask.error ?? problem}
    actions=${html`${(isOver || ask.error) && html`<${Button} testid="assisted-new" busy=${ask.busy} onClick=${ask.run}>${t("assisted.new")}<//>`}
      <${Button} kind="quiet" testid="assisted-alone" onClick=${alone}>${t("assisted.alone")}<//>`}>
    <p class="pair long" data-testid="assisted-code">${code && !isOver ? digits(code.replace(/^(.{4})/, "$1 ")) : "\u00a0"}</p>
    <p class="hint" role="timer">${isOver && t("assisted.over")}${left > 0 && t("assisted.valid", { time: countdown(left) })}</p>
    <${Notice} kind="caution">${t("assisted.pin")}<//>
  <//>`;
}
