/** The devices of the account: one list; then one device, its name, its end. */

import { decide } from "./assertions.js";
import { Confirm } from "./confirm.js";
import { LostPhoneLink } from "./help.js";
import { instant, t } from "./i18n.js";
import { goTo } from "./phone.js";
import { Button, Field, Form, Said, Screen, useAction } from "./ui.js";
import { html, useEffect, useState } from "./vendor/preact.js";

const TYP = "camdigikey-device+jwt";

/** `path` is what follows `devices` in the route: none, `more`, `others`, `<id>`, `<id>/name|end`. */
export function Devices({ phone, path, onGone }) {
  const [list, setList] = useState(null);
  const [said, setSaid] = useState("");
  const load = useAction(async () => setList((await phone.api.get("/devices")).devices));
  useEffect(() => void load.run(), []);
  const back = (text) => {
    setSaid(text);
    goTo("devices");
  };
  const props = { phone, list, setList, back };
  const [id, act] = path;
  if (id === "more") return html`<${More} />`;
  if (id === "others" && list) return html`<${EndOthers} ...${props} />`;
  const one = list?.find((device) => device.id === id);
  if (one && act === "name") return html`<${Rename} ...${props} one=${one} />`;
  if (one && act === "end") return html`<${End} ...${props} one=${one} onGone=${onGone} />`;
  if (one) return html`<${Device} one=${one} />`;
  return html`<${List} list=${list} error=${load.error} said=${said} phone=${phone} />`;
}

function List({ list, error, said, phone }) {
  return html`<${Screen} title=${t("devices.title")} lead=${t("devices.lead")} error=${error}
    actions=${html`
      <a class="button second" href="#/devices/more" data-testid="device-more">${t("devices.more")}</a>
      ${list?.length > 1 && html`<a class="button danger" href="#/devices/others" data-testid="end-others">${t("devices.end_others")}</a>`}
      <${LostPhoneLink} phone=${phone} />`}>
    <${Said} text=${said} />
    <ul class="rows">
      ${list?.map((one) => html`<li key=${one.id} data-testid="device-row"><a class="row" href=${`#/devices/${one.id}`}>
        <strong><bdi>${one.name}</bdi> <${Tags} one=${one} /></strong>
        <small>${used(one)}</small>
      </a></li>`)}
    </ul>
  <//>`;
}

/** How one more phone comes to the account: it asks, this one says yes, the face is shown. */
function More() {
  return html`<${Screen} title=${t("devices.more")} lead=${t("devices.more_lead")}
    actions=${html`<a class="button quiet" href="#/devices" data-testid="more-back">${t("back")}</a>`}>
    <ol class="follows">${["1", "2", "3"].map((n) => html`<li key=${n}>${t(`devices.more_${n}`)}</li>`)}</ol>
    <p class="hint">${t("devices.more_pin")}</p>
  <//>`;
}

const Tags = ({ one }) => html`
  ${one.this && html`<em class="tag">${t("devices.this")}</em>`}
  ${one.suspended && html`<em class="tag warning" data-testid="device-suspended">${t("devices.suspended")}</em>`}`;

const used = (one) =>
  one.last_used_at > 0 ? t("devices.used", { at: instant(one.last_used_at) }) : t("devices.made", { at: instant(one.made_at) });

function Device({ one }) {
  const marks = [one.biometric && "biometric", one.hardware && "hardware", one.suspended && "suspended_means"];
  return html`<${Screen} title=${one.name}
    actions=${html`
      <a class="button second" href=${`#/devices/${one.id}/name`} data-testid="device-rename">${t("devices.rename")}</a>
      <a class="button danger" href=${`#/devices/${one.id}/end`} data-testid="device-end">${t("devices.end")}</a>
      <a class="button quiet" href="#/devices" data-testid="devices-back">${t("back")}</a>`}>
    <p><${Tags} one=${one} /></p>
    <p>${t("devices.made", { at: instant(one.made_at) })}</p>
    ${one.last_used_at > 0 && html`<p>${t("devices.used", { at: instant(one.last_used_at) })}</p>`}
    ${marks.filter(Boolean).map((mark) => html`<p key=${mark} data-testid=${`device-${mark}`}>${t(`devices.${mark}`)}</p>`)}
  <//>`;
}

function Rename({ phone, one, setList, back }) {
  const [name, setName] = useState(one.name);
  const send = useAction(async () => {
    const wanted = name.trim().replace(/\s+/g, " ");
    if (!wanted) throw t("fault.required");
    const { devices } = await phone.api.post(`/devices/${one.id}/name`, { name: wanted });
    setList(devices);
    back(t("devices.renamed"));
  });
  return html`<${Form} onSubmit=${send.run}><${Screen} title=${t("devices.rename")} lead=${t("devices.rename_lead")} error=${send.error}
    actions=${html`<${Button} type="submit" testid="name-next" busy=${send.busy}>${t("save")}<//>
      <a class="button quiet" href=${`#/devices/${one.id}`} data-testid="name-back">${t("back")}</a>`}>
    <${Field} name="device-name" testid="device-name" label=${t("devices.name")} hint=${t("devices.name_hint")} value=${name} onValue=${setName} maxlength=${60} autocomplete="off" />
  <//><//>`;
}

function End({ phone, one, list, setList, back, onGone }) {
  const follows = ["ends", one.this ? "this_too" : "told", list.length === 1 && "last"].filter(Boolean);
  const end = async (verification) => {
    const what = { path: `/devices/${one.id}/revocation`, typ: TYP, action: "revoke", target: one.id };
    await decide(phone, { ...what, verification });
    if (one.this) return onGone();
    setList(list.filter(({ id }) => id !== one.id));
    back(t("devices.ended", { name: one.name }));
  };
  return html`<${Confirm} phone=${phone} title=${t("devices.end_sure", { name: one.name })} yes=${t("devices.end_yes")} kind="danger"
    follows=${follows.map((key) => t(`devices.follows_${key}`))} onConfirm=${end} back=${`devices/${one.id}`} />`;
}

function EndOthers({ phone, list, setList, back }) {
  const end = async (verification) => {
    const what = { path: "/devices/revocations", typ: TYP, action: "revoke_others", target: phone.authenticator.id };
    await decide(phone, { ...what, verification });
    setList(list.filter((one) => one.this));
    back(t("devices.others_ended"));
  };
  return html`<${Confirm} phone=${phone} title=${t("devices.others_sure")} yes=${t("devices.end_others")} kind="danger"
    follows=${["ends", "told"].map((key) => t(`devices.follows_${key}`))} onConfirm=${end} back="devices">
    <ul class="rows">${list.filter((one) => !one.this).map((one) => html`<li key=${one.id}><strong><bdi>${one.name}</bdi></strong><small>${used(one)}</small></li>`)}</ul>
  <//>`;
}
