// Opens encrypted answers with jose: reads a JSON file of cases, prints what it found.
import { readFileSync } from "node:fs";
import { compactDecrypt, compactVerify, createLocalJWKSet, importJWK } from "jose";

const { jwks, cases } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const trusted = createLocalJWKSet(jwks);
const text = (octets) => new TextDecoder().decode(octets);

async function open({ jwe, key, alg, enc, signing }) {
  const opened = await compactDecrypt(jwe, await importJWK(key, alg), {
    keyManagementAlgorithms: [alg],
    contentEncryptionAlgorithms: [enc],
  });
  const header = opened.protectedHeader;
  if (header.cty !== "JWT") return { header, claims: JSON.parse(text(opened.plaintext)) };
  const inner = await compactVerify(text(opened.plaintext), trusted, { algorithms: [signing] });
  return { header, inner: inner.protectedHeader, claims: JSON.parse(text(inner.payload)) };
}

console.log(JSON.stringify(await Promise.all(cases.map(open))));
