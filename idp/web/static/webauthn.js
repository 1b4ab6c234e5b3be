/**
 * WebAuthn options and answers as JSON, in every browser that has passkeys.
 *
 * The newest browsers can do this themselves; the others need these few lines.
 */

export const known = () => "PublicKeyCredential" in globalThis && "credentials" in navigator;

/** Take the options of the server to what `navigator.credentials` wants. */
export function asked(options) {
  const described = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  if (options.user) publicKey.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) publicKey.excludeCredentials = described(options.excludeCredentials);
  if (options.allowCredentials) publicKey.allowCredentials = described(options.allowCredentials);
  return publicKey;
}

/** Take what the authenticator answered to the text of a form field. */
export function answered({ id, rawId, type, response, authenticatorAttachment }) {
  const told = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["authenticatorData", "signature", "userHandle", "attestationObject"]) {
    if (response[name]) told[name] = text(response[name]);
  }
  if (response.getTransports) told.transports = response.getTransports();
  const attachment = authenticatorAttachment ?? undefined;
  return JSON.stringify({
    id, rawId: text(rawId), type, response: told, authenticatorAttachment: attachment, clientExtensionResults: {},
  });
}

function bytes(base64url) {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
}

function text(buffer) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
