/** The assertions this account makes on this phone, with how it was verified. */

import { biometric } from "./webauthn.js";

/** Send a body signed with `{pin}`; a refusal is then about the PIN. */
export async function sendWithPin(sending) {
  try {
    return await sending;
  } catch (problem) {
    if (problem.code === "code-wrong") problem.code = "pin-wrong";
    if (problem.code === "exhausted" && !problem.retryAfter) problem.code = "pin-blocked";
    throw problem;
  }
}

/** Sign `claims` of type `typ` for the account of this phone: `{assertion, uv}`. */
export function signed(phone, { typ, claims, verification }) {
  const { authenticator, account, configuration, api } = phone;
  return authenticator.assert({
    typ,
    account: account.id,
    issuer: configuration.issuer,
    now: api.now(),
    claims,
    verification,
  });
}

/** Post a signed `action` on a `target`, verified by `{pin}` or the phone's own lock. */
export function decide(phone, { path, typ, action, target, verification, body = {} }) {
  const make = async (nonce) => ({
    ...body,
    ...(await signed(phone, { typ, claims: { nonce, action, target }, verification })),
  });
  return sendWithPin(phone.api.post(path, make));
}

/** Verify by the phone's own lock instead of the PIN. */
export const byBiometric = ({ account, configuration }) => ({
  biometric: biometric({ credential: account.credential, relyingParty: configuration.rp_id }),
});

/** Unlock: the server counts, and only then shows personal data. */
export function unlock(phone, verification) {
  const make = (nonce) =>
    signed(phone, { typ: "camdigikey-unlock+jwt", claims: { nonce }, verification });
  return sendWithPin(phone.api.post("/unlock", make));
}
