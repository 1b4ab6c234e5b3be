/**
 * The phone as an authenticator: the device key and everything it signs.
 *
 * The device key (P-256) and the device secret (HMAC) are CryptoKey handles in
 * IndexedDB that no script can export. Nothing here tells a right PIN from a
 * wrong one: only the server can, and it counts.
 */

import {
  fromBase64url,
  publicJwk,
  randomBytes,
  sha256,
  thumbprint,
  toBase64url,
  utf8,
} from "./bytes.js";
import { openPinKey } from "./pin_key.js";

const ECDSA = { name: "ECDSA", namedCurve: "P-256" };
const HMAC = { name: "HMAC", hash: "SHA-256" };
const LIFETIME = 60;
const SLOT = "device";

const segment = (value) => toBase64url(utf8(JSON.stringify(value)));
const identifier = () => toBase64url(randomBytes(16));

/** The authenticator kept on this phone, or null. */
export async function loadAuthenticator(store) {
  const kept = await store.get(SLOT);
  return kept ? new Authenticator(kept) : null;
}

/** The authenticator of this phone, made now if it has none. */
export async function makeAuthenticator(store) {
  const pair = await crypto.subtle.generateKey(ECDSA, false, ["sign"]);
  const secret = await hmacKey(randomBytes(32));
  const jwk = publicJwk(await crypto.subtle.exportKey("jwk", pair.publicKey));
  const made = { key: pair.privateKey, secret, jwk, id: await thumbprint(jwk) };
  // Two tabs may both make one; the first that is kept is the phone's.
  return new Authenticator(await store.add(SLOT, made));
}

export const hmacKey = (bytes) =>
  crypto.subtle.importKey("raw", bytes, HMAC, false, ["sign"]);

export class Authenticator {
  constructor({ key, secret, jwk, id }) {
    this.key = key;
    this.secret = secret;
    this.jwk = jwk;
    this.id = id;
  }

  /** A compact JWS, ES256 by the device key (RFC 7515, RFC 7518 3.4). */
  async sign(typ, claims, header = {}) {
    const head = { typ, alg: "ES256", kid: this.id, ...header };
    const input = `${segment(head)}.${segment(claims)}`;
    const how = { name: "ECDSA", hash: "SHA-256" };
    return `${input}.${toBase64url(await crypto.subtle.sign(how, this.key, utf8(input)))}`;
  }

  /** The request proof; `now` is the server's time in whole seconds. */
  async proof({ method, url, body, nonce, now }) {
    const claims = {
      htm: method,
      htu: url,
      iat: now,
      jti: identifier(),
      bd: toBase64url(await sha256(body)),
      nonce,
    };
    return this.sign("camdigikey-proof+jwt", claims, { jwk: this.jwk });
  }

  pinKey(pin) {
    return openPinKey({ secret: this.secret, salt: fromBase64url(this.id), pin });
  }

  /** Proof of both keys over a registration: `{pin_key, enrolment, uv}`. */
  async enrol({ pin, registration, issuer, now }) {
    const key = await this.pinKey(pin);
    const enrolment = await this.sign("camdigikey-enrolment+jwt", {
      iss: this.id,
      aud: issuer,
      ...this.#times(now),
      registration,
      pin_key: key.thumbprint,
    });
    return { pin_key: key.jwk, enrolment, uv: spend(key, enrolment) };
  }

  /** Sign claims together with the person's verification: `{assertion, uv}`. */
  async assert({ typ, account, issuer, now, claims, verification }) {
    const method = await this.#open(verification);
    const assertion = await this.sign(typ, {
      iss: this.id,
      sub: account,
      aud: issuer,
      ...this.#times(now),
      uv_method: method.name,
      ...(method.key && { uv_key: method.key }),
      ...claims,
    });
    return { assertion, uv: await method.verify(assertion) };
  }

  /** Name another PIN and sign with both: `{pin_key, assertion, uv, new_uv}`. */
  async changePin({ pin, next, nonce, account, issuer, now }) {
    const key = await this.pinKey(next);
    const claims = { nonce, action: "change", key: key.thumbprint };
    const who = { account, issuer, now };
    try {
      const signed = await this.assert({ typ: "camdigikey-pin+jwt", ...who, claims, verification: { pin } });
      return { pin_key: key.jwk, ...signed, new_uv: key.sign(signed.assertion) };
    } finally {
      key.wipe();
    }
  }

  #times(now) {
    return { jti: identifier(), iat: now, exp: now + LIFETIME };
  }

  async #open({ pin, biometric } = {}) {
    if (pin !== undefined) {
      const key = await this.pinKey(pin);
      return { name: "pin", key: key.thumbprint, verify: (text) => spend(key, text) };
    }
    if (biometric !== undefined) {
      return { name: "webauthn", key: biometric.credential, verify: biometric.verify };
    }
    return { name: "none", key: null, verify: () => null };
  }
}

function spend(key, assertion) {
  try {
    return key.sign(assertion);
  } finally {
    key.wipe();
  }
}

/** The hash that names exactly what the person was shown. */
export const shown = async (display) => toBase64url(await sha256(utf8(display)));
