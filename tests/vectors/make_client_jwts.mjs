/** Tokens of relying parties, made by another implementation (jose):
 *  node make_client_jwts.mjs > client_jwts/signed.json, in tests/interop/node's modules. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const modules = fileURLToPath(new URL("../interop/node/package.json", import.meta.url));
const jose = await import(createRequire(modules).resolve("jose"));
const now = 1782892800; // 2026-07-01T08:00:00Z
const url = "http://localhost:8000/token";
const made = [];

for (const alg of ["ES256", "PS256", "RS256", "EdDSA"]) {
  const pair = await jose.generateKeyPair(alg, { extractable: true });
  const bare = await jose.exportJWK(pair.publicKey);
  const thumbprint = await jose.calculateJwkThumbprint(bare);
  const claims = { iss: "portal", sub: "portal", aud: "http://localhost:8000", jti: alg };
  const assertion = await new jose.SignJWT({ ...claims, iat: now, exp: now + 60 })
    .setProtectedHeader({ alg, kid: "k1", typ: "JWT" })
    .sign(pair.privateKey);
  const proof = await new jose.SignJWT({ htm: "POST", htu: url, iat: now, jti: alg })
    .setProtectedHeader({ alg, typ: "dpop+jwt", jwk: bare })
    .sign(pair.privateKey);
  made.push({ alg, jwk: { ...bare, kid: "k1", alg, use: "sig" }, thumbprint, assertion, proof });
}
console.log(JSON.stringify({ now, url, made }, null, 1));
