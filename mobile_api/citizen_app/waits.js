/** Screens that wait: for an answer, for a module, for another try. */

import { t } from "./i18n.js";
import { Button, Screen } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";

export function Loading() {
  return html`<main class="screen loading" aria-busy="true"><div role="status" class="waiting"><span class="dots" aria-hidden="true"><i></i><i></i><i></i></span><span>${t("loading")}</span></div></main>`;
}

export function Retry({ problem, onRetry, onCancel }) {
  return html`<${Screen} title=${t("retry.title")} error=${problem}
    actions=${html`<${Button} testid="retry" onClick=${onRetry}>${t("retry.again")}<//>
      ${onCancel && html`<${Button} kind="quiet" testid="retry-home" onClick=${onCancel}>${t("result.home")}<//>`}`} />`;
}

const fetched = new Map();

/** A screen whose module is fetched when it is first shown, so that the first one is light. */
export function Lazy({ load, name, ...props }) {
  const [module, setModule] = useState(fetched.get(load));
  const [problem, setProblem] = useState(null);
  const take = (found) => {
    fetched.set(load, found);
    setModule(found);
  };
  useEffect(() => void load().then(take, () => setProblem({ code: "offline" })), []);
  if (module) return html`<${module[name]} ...${props} />`;
  // A module that could not be fetched stays so until the page is loaded again.
  if (problem) return html`<${Retry} problem=${problem} onRetry=${() => location.reload()} />`;
  return html`<${Loading} />`;
}
