/** Bytes, text and base64url; and the one hash we use. */

const encoder = new TextEncoder();

export const utf8 = (text) => encoder.encode(text);

/** Base64url without padding (RFC 4648, 5). */
export function toBase64url(bytes) {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  let binary = "";
  for (const byte of view) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function fromBase64url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export const randomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));

/** A P-256 public key as JSON Web Key, with only its required members. */
export const publicJwk = ({ x, y }) => ({ kty: "EC", crv: "P-256", x, y });

/** RFC 7638: SHA-256 over the required members in alphabetical order. */
export async function thumbprint({ crv, kty, x, y }) {
  return toBase64url(await sha256(utf8(JSON.stringify({ crv, kty, x, y }))));
}
