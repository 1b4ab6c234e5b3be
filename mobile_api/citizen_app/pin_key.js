/**
 * The PIN key: a P-256 key derived each time the PIN is typed, never stored.
 *
 *     m = HMAC-SHA-256(device secret, "pin1|" + PIN)
 *     a = Argon2id(m, salt = thumbprint of the device key)
 *     k = HKDF-SHA-256(a, info "camdigikey pin key v1", 48 bytes)
 *     scalar = k mod (n - 1) + 1
 *
 * See docs/mobile-api.md, "The keys"; vector in tests/vectors/pin_key.
 */

import { publicJwk, thumbprint, toBase64url, utf8 } from "./bytes.js";

const ARGON2 = {
  iterations: 2,
  memorySize: 19456,
  parallelism: 1,
  hashLength: 32,
  outputType: "binary",
};

// 26 kB that only a typed PIN needs, so the first screen does not wait for it.
const curve = async () => (await import("./vendor/p256.js")).p256;
const argon2 = async () => (await import("./vendor/argon2id.js")).argon2id;

/** Fetch the two libraries ahead, while the person types. */
export const prepare = () => Promise.all([curve(), argon2()]);

/**
 * Derive the PIN key's scalar, 32 bytes big-endian.
 *
 * `secret` is the HMAC CryptoKey, `salt` the 32 raw bytes of the device key's
 * thumbprint, `pin` six ASCII digits.
 */
export async function deriveScalar({ secret, salt, pin }) {
  if (!/^[0-9]{6}$/.test(pin)) throw new TypeError("a PIN has six ASCII digits");
  const mac = await crypto.subtle.sign("HMAC", secret, utf8(`pin1|${pin}`));
  const stretched = await (await argon2())({
    ...ARGON2,
    password: new Uint8Array(mac),
    salt,
  });
  const wide = await expand(stretched);
  return scalarBytes(wide, (await curve()).Point.Fn.ORDER);
}

async function expand(input) {
  const key = await crypto.subtle.importKey("raw", input, "HKDF", false, ["deriveBits"]);
  const how = {
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(0),
    info: utf8("camdigikey pin key v1"),
  };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 48 * 8));
}

function scalarBytes(wide, order) {
  const hex = Array.from(wide, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const scalar = (BigInt(`0x${hex}`) % (order - 1n)) + 1n;
  const digits = scalar.toString(16).padStart(64, "0");
  return Uint8Array.from(digits.match(/../g), (pair) => Number.parseInt(pair, 16));
}

/** The PIN key of this PIN: `{jwk, thumbprint, sign(assertion), wipe()}`. */
export async function openPinKey({ secret, salt, pin }) {
  const scalar = await deriveScalar({ secret, salt, pin });
  const p256 = await curve();
  const point = p256.getPublicKey(scalar, false);
  const jwk = publicJwk({
    x: toBase64url(point.slice(1, 33)),
    y: toBase64url(point.slice(33)),
  });
  return {
    jwk,
    thumbprint: await thumbprint(jwk),
    // Fresh randomness each time: a deterministic signature could be compared.
    sign: (assertion) =>
      toBase64url(
        p256.sign(utf8(`camdigikey-uv-pin1|${assertion}`), scalar, {
          extraEntropy: true,
          lowS: false,
        }),
      ),
    wipe: () => scalar.fill(0),
  };
}
