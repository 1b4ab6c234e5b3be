/** A second implementation of the QR code, for its vectors: node verify_qr.mjs FILE. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

const vector = JSON.parse(readFileSync(process.argv[2], "utf8"));
const secret = Buffer.from(vector.secret, "hex");

function code(t) {
  const mac = createHmac("sha256", secret).update(`qr1|${vector.challenge}|${t}`);
  return mac.digest().subarray(0, 16).toString("base64url");
}

function check(text, age) {
  const found = /^(0|[1-9][0-9]{0,3})\.([A-Za-z0-9_-]{22})$/.exec(text);
  if (!found) return "stale";
  const t = Number(found[1]);
  if (!timingSafeEqual(Buffer.from(code(t)), Buffer.from(found[2]))) return "stale";
  return age - t >= -1 && age - t <= 5 ? "accepted" : "stale";
}

console.log(JSON.stringify({
  codes: vector.codes.map(({ t }) => `${vector.app_origin}/q/${vector.challenge}.${t}.${code(t)}`),
  scans: vector.scans.map(({ text, age }) => check(text, age)),
  refused: vector.refused.map(({ text }) => check(text, 59)),
}));
