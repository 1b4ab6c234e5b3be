/**
 * A second implementation of the checks of an assertion, for its vectors:
 * node verify_assertions.mjs FILE. Written from docs/login.md with node's own crypto.
 */
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const vector = JSON.parse(readFileSync(process.argv[2], "utf8"));
const ONE = /^[A-Za-z0-9_-]*$/;

class Refused extends Error {}

function refuse(kind) {
  throw new Refused(kind);
}

const sha256 = (data) => createHash("sha256").update(data).digest();
const keyOf = (jwk) => createPublicKey({ key: jwk, format: "jwk" });

function thumbprint({ crv, kty, x, y }) {
  return sha256(JSON.stringify({ crv, kty, x, y })).toString("base64url");
}

function bytes(text) {
  const data = Buffer.from(text, "base64url");
  if (!ONE.test(text) || data.toString("base64url") !== text) refuse("malformed");
  return data;
}

/** The names of the top-level members as they are written, repeated ones too. */
function members(text) {
  const names = [];
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (depth === 1 && token.endsWith(":")) names.push(token);
  }
  return names;
}

function object(part) {
  const text = bytes(part).toString("utf8");
  const value = JSON.parse(text);
  if (value === null || typeof value !== "object" || Array.isArray(value)) refuse("malformed");
  const names = members(text);
  if (new Set(names).size !== names.length) refuse("malformed");
  return { value, text };
}

function isSignedBy(jwk, signature, message) {
  const key = { key: keyOf(jwk), dsaEncoding: "ieee-p1363" };
  return signature.length === 64 && verify("sha256", message, key, signature);
}

function checkHeader(header, kind) {
  const expected = { alg: "ES256", typ: kind, kid: thumbprint(vector.device_key) };
  const names = Object.keys(header);
  if (names.length !== 3 || names.some((name) => header[name] !== expected[name])) refuse("header");
}

function checkTimes({ iat, exp, jti }, text) {
  const whole = /"iat":\s*\d+\s*[,}]/.test(text) && /"exp":\s*\d+\s*[,}]/.test(text);
  if (!whole || exp - iat <= 0 || exp - iat > 60) refuse("time");
  if (iat > vector.now + 30 || exp <= vector.now - 30) refuse("time");
  if (typeof jti !== "string" || jti.length < 1 || jti.length > 64) refuse("jti");
}

function checkMethod(claims) {
  if (!["pin", "webauthn", "none"].includes(claims.uv_method)) refuse("uv-method");
  if (claims.uv_method === "pin" && typeof claims.uv_key !== "string") refuse("uv-method");
  if (claims.uv_method === "webauthn" && claims.uv_key !== vector.credential.id) refuse("uv-method");
}

function checkClaims(claims, kind) {
  const common = { iss: thumbprint(vector.device_key), sub: vector.account, aud: vector.audience };
  const expected = { ...common, ...vector.expected[kind] };
  for (const [name, value] of Object.entries(expected)) if (claims[name] !== value) refuse("claim");
  return expected;
}

function checkNames(claims, expected, kind) {
  const optional = vector.optional[kind];
  const known = new Set([...Object.keys(expected), ...Object.keys(optional), "jti", "iat", "exp", "uv_method"]);
  if (claims.uv_method !== "none") known.add("uv_key");
  if (Object.keys(claims).some((name) => !known.has(name))) refuse("unknown-claim");
  for (const [name, type] of Object.entries(optional)) {
    if (!(name in claims)) continue;
    const fits = type === "list" ? Array.isArray(claims[name]) : typeof claims[name] === type;
    if (!fits) refuse("type");
  }
}

function checkPin(token, claims, uv) {
  const signature = typeof uv === "string" ? Buffer.from(uv, "base64url") : Buffer.alloc(0);
  const isNamed = claims.uv_key === thumbprint(vector.pin_key);
  if (!isSignedBy(vector.pin_key, signature, Buffer.from(`camdigikey-uv-pin1|${token}`))) refuse("pin");
  if (!isNamed) refuse("pin");
}

function checkWebAuthn(token, uv) {
  const { id, key, sign_count: before, rp_id: rpId, origins } = vector.credential;
  if (typeof uv !== "object" || uv === null || uv.id !== id) refuse("webauthn");
  const client = Buffer.from(uv.response.clientDataJSON, "base64url");
  const said = JSON.parse(client);
  const challenge = sha256(`camdigikey-uv-webauthn1|${token}`).toString("base64url");
  if (said.type !== "webauthn.get" || said.challenge !== challenge) refuse("webauthn");
  if (!origins.includes(said.origin) || said.crossOrigin || "topOrigin" in said) refuse("webauthn");
  const data = Buffer.from(uv.response.authenticatorData, "base64url");
  if (!data.subarray(0, 32).equals(sha256(rpId)) || (data[32] & 0x05) !== 0x05) refuse("webauthn");
  if (data.readUInt32BE(33) <= before) refuse("webauthn");
  const message = Buffer.concat([data, sha256(client)]);
  const signature = Buffer.from(uv.response.signature, "base64url");
  if (!verify("sha256", message, keyOf(key), signature)) refuse("webauthn");
}

function check({ assertion, kind, uv }) {
  const parts = assertion.split(".");
  if (parts.length !== 3) refuse("malformed");
  const [header, payload] = parts.slice(0, 2).map(object);
  const signature = bytes(parts[2]);
  checkHeader(header.value, kind);
  const message = Buffer.from(`${parts[0]}.${parts[1]}`);
  if (!isSignedBy(vector.device_key, signature, message)) refuse("signature");
  const claims = payload.value;
  const expected = checkClaims(claims, kind);
  checkTimes(claims, payload.text);
  checkMethod(claims);
  checkNames(claims, expected, kind);
  if (claims.uv_method === "pin") checkPin(assertion, claims, uv);
  if (claims.uv_method === "webauthn") checkWebAuthn(assertion, uv);
}

function verdict(one) {
  try {
    check(one);
    return "accepted";
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

console.log(JSON.stringify(vector.cases.map(verdict)));
