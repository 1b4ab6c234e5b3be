/** The phone's own biometric: a WebAuthn platform credential bound to this device. */

import { fromBase64url, sha256, toBase64url, utf8 } from "./bytes.js";
import { Problem } from "./problem.js";

/** Does this phone have a screen lock that can verify a person? */
export async function isAvailable() {
  try {
    return await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();
  } catch {
    return false;
  }
}

/** Make a credential; answer its JSON form. The person may refuse (Problem). */
export async function createCredential(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON
    ? PublicKeyCredential.parseCreationOptionsFromJSON(options)
    : parseCreation(options);
  return toJson(await asked(navigator.credentials.create({ publicKey })));
}

/** A verification for `Authenticator.assert`, by this credential. */
export function biometric({ credential, relyingParty }) {
  return {
    credential,
    async verify(assertion) {
      const publicKey = {
        challenge: await sha256(utf8(`camdigikey-uv-webauthn1|${assertion}`)),
        rpId: relyingParty,
        allowCredentials: [
          { type: "public-key", id: fromBase64url(credential), transports: ["internal"] },
        ],
        userVerification: "required",
        timeout: 60000,
      };
      return toJson(await asked(navigator.credentials.get({ publicKey })));
    },
  };
}

async function asked(question) {
  try {
    return await question;
  } catch {
    // Refused, timed out, no finger registered: browsers do not say which.
    throw new Problem({ code: "biometric-failed" });
  }
}

// Phones from before 2024 know neither parseCreationOptionsFromJSON nor toJSON.
function parseCreation(options) {
  const described = (one) => ({ ...one, id: fromBase64url(one.id) });
  return {
    ...options,
    challenge: fromBase64url(options.challenge),
    user: described(options.user),
    excludeCredentials: (options.excludeCredentials ?? []).map(described),
  };
}

function toJson(credential) {
  if (credential.toJSON) return credential.toJSON();
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const response = {};
  for (const part of parts) {
    const value = credential.response[part];
    if (value) response[part] = toBase64url(value);
  }
  if (credential.response.getTransports) {
    response.transports = credential.response.getTransports();
  }
  return {
    id: credential.id,
    rawId: toBase64url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
}
