/** The assertions this account makes on this phone, with how it was verified. */

import { biometric } from "./webauthn.js";

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

/** Verify by the phone's own lock instead of the PIN. */
export const byBiometric = ({ account, configuration }) => ({
  biometric: biometric({ credential: account.credential, relyingParty: configuration.rp_id }),
});

/** Unlock: the server counts, and only then shows personal data. */
export function unlock(phone, verification) {
  return phone.api.post("/unlock", (nonce) =>
    signed(phone, { typ: "camdigikey-unlock+jwt", claims: { nonce }, verification }),
  );
}
