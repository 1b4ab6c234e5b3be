/** On a development installation only: a drawn head does what the person is told. */

import { t } from "./i18n.js";
import { Button, useAction } from "./ui.js";
import { html } from "./vendor/preact.js";

/** `path` is where the server draws the film; a server for citizens names none. */
export function DevelopmentFilm({ phone, path, ask, onClip, onProblem }) {
  const play = useAction(async () => {
    try {
      const { session, steps, neutral_ms, frames_per_second } = await ask();
      await onClip(await phone.api.download(path, { session, steps, neutral_ms, frames_per_second }));
    } catch (problem) {
      onProblem(problem);
    }
  });
  return html`<div class="puppet" data-testid="development">
    <strong>${t("development.title")}</strong>
    <p>${t("development.text")}</p>
    <${Button} kind="quiet" testid="development-film" busy=${play.busy} onClick=${play.run}>${t(play.busy ? "development.busy" : "development.play")}<//>
  </div>`;
}
