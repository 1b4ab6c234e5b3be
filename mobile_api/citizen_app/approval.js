/** A claimed challenge: show who asks for what, and sign the answer. */

import { byBiometric, sendWithPin, signed } from "./assertions.js";
import { shown } from "./authenticator.js";
import { randomBytes, sha256, toBase64url } from "./bytes.js";
import { Problem } from "./problem.js";

const TYP = "camdigikey-assertion+jwt";

/** Ask for a challenge by its link: the claim, with the display parsed. */
export async function claim(phone, { id, ...how }) {
  return read(await phone.api.post(`/challenges/${id}/claim`, how));
}

/** A claim as the server answered it; refuse a display that we cannot show. */
export function read(answer) {
  const display = JSON.parse(answer.display);
  if (display.version !== 1) throw new Problem({ code: "app-too-old" });
  return { ...answer, shows: display };
}

/** Approve with `{pin}` or `{biometric: true}`: the server's answer and `v`. */
export async function approve(phone, claimed, { withheld, code, pin, biometric }) {
  const v = claimed.channel === "same_device" ? toBase64url(randomBytes(32)) : null;
  const claims = {
    ...(await facts(claimed)),
    decision: "approve",
    ...(v && { return_hash: toBase64url(await sha256(new TextEncoder().encode(v))) }),
    ...(withheld.length && { withheld }),
    ...(isPushed(claimed) && { binding_code: code }),
  };
  const verification = biometric ? byBiometric(phone) : { pin };
  const answer = await sendWithPin(send(phone, claimed, { claims, verification }));
  return { ...answer, back: v && returnAddress(phone, answer, v) };
}

/** Whether the other side shows two digits, which are typed here. */
export const isPushed = ({ channel }) => channel === "push";

/** Deny; `notMe` says that somebody else started it. Needs no PIN. */
export async function deny(phone, claimed, { notMe }) {
  const claims = {
    ...(await facts(claimed)),
    decision: "deny",
    ...(notMe && { reason: "not_me" }),
  };
  return send(phone, claimed, { claims });
}

/** What every answer repeats, so that the server can compare it with its own. */
async function facts({ challenge, nonce, channel, display, shows }) {
  return {
    challenge,
    nonce,
    rp: shows.relying_party.id,
    rp_domain: shows.relying_party.domain,
    shown: await shown(display),
    channel,
  };
}

async function send(phone, { challenge }, { claims, verification }) {
  const body = await signed(phone, { typ: TYP, claims, verification });
  const post = () => phone.api.post(`/challenges/${challenge}/approval`, body);
  try {
    return await post();
  } catch (problem) {
    // The answer was lost, not the decision: the same assertion gets it again.
    if (!["offline", "timeout"].includes(problem.code)) throw problem;
    return post();
  }
}

/** Where a same-device login goes on; only ever at the issuer. */
export function returnAddress({ configuration }, { return_url: address, value }, v) {
  const url = new URL(address);
  if (url.origin !== new URL(configuration.issuer).origin) {
    throw new Problem({ code: "malformed" });
  }
  url.search = new URLSearchParams({ value, v }).toString();
  return url.href;
}
