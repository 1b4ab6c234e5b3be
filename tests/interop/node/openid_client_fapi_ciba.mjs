// A portal with openid-client under FAPI-CIBA: known by its key, asking by a signed
// request, taking tokens that are bound to a DPoP key, by poll or after a ping. One
// JSON value a line: settings → our keys; go → where the one browser login goes;
// callback → what was asked; answered → what came, and what was refused.
import { createServer } from "node:http";
import { createInterface } from "node:readline/promises";
import * as oidc from "openid-client";
import { SignJWT, exportJWK, generateKeyPair } from "jose";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const say = (value) => console.log(JSON.stringify(value));
const refusal = async (work) => {
  try {
    await work();
    return "none";
  } catch (fault) {
    return fault.error ?? fault.cause?.[0]?.parameters?.error ?? String(fault);
  }
};

const { issuer, client_id, redirect_uri, mode, alg } = await read();
const pair = await generateKeyPair(alg, { extractable: true });
const jwk = { ...(await exportJWK(pair.publicKey)), kid: "s1", use: "sig", alg };
const token = "a-token-that-only-we-and-the-provider-know";
let pinged;
const ping = new Promise((resolve) => { pinged = resolve; });
const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  response.writeHead(204).end();
  pinged({ authorization: request.headers.authorization, body: JSON.parse(body) });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const endpoint = `http://127.0.0.1:${server.address().port}/ping`;
say({ jwks: { keys: [jwk] }, endpoint });
await read();

const config = await oidc.discovery(
  new URL(issuer), client_id, { id_token_signed_response_alg: "ES256" },
  oidc.PrivateKeyJwt({ key: pair.privateKey, kid: "s1" }),
  { execute: [oidc.allowInsecureRequests] },
);
const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256"));
const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
const url = await oidc.buildAuthorizationUrlWithPAR(config, {
  redirect_uri, scope: "openid profile",
  code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
}, { DPoP });
say({ authorize: url.href });
const { callback } = await read();
const known = (await oidc.authorizationCodeGrant(config, new URL(callback), {
  pkceCodeVerifier, idTokenExpected: true,
}, undefined, { DPoP })).claims();

const parameters = {
  scope: "openid profile", login_hint: known.sub, binding_message: "Counter 4",
  ...(mode === "ping" ? { client_notification_token: token } : {}),
};
const signed = (key, claims = {}) => new SignJWT({ ...parameters, ...claims })
  .setProtectedHeader({ alg, kid: "s1" })
  .setIssuer(client_id).setAudience(issuer).setJti(oidc.randomState())
  .setIssuedAt().setNotBefore("0s").setExpirationTime("5m").sign(key);
const ask = (asked) => oidc.initiateBackchannelAuthentication(config, asked);
const stranger = (await generateKeyPair(alg)).privateKey;
const first = await signed(pair.privateKey);
const refused = {
  unsigned: await refusal(() => ask(parameters)),
  beside: await refusal(() => ask({ ...parameters, request: first })),
  by_another: await refusal(async () => ask({ request: await signed(stranger) })),
  for_another: await refusal(async () => ask({
    request: await signed(pair.privateKey, { client_id: "another" }),
  })),
};
const asked = await ask({ request: first });
refused.again = await refusal(() => ask({ request: first }));
say({ ...asked, refused });

const { answered } = await read();
let notice = null;
if (mode === "ping") {
  notice = await ping;
  if (notice.authorization !== `Bearer ${token}`) throw new Error("another's ping");
}
const unbound = await refusal(
  () => oidc.pollBackchannelAuthenticationGrant(config, asked),
);
try {
  const tokens = await oidc.pollBackchannelAuthenticationGrant(
    config, asked, undefined, { DPoP },
  );
  const { access_token } = tokens;
  const introspected = await oidc.tokenIntrospection(config, access_token);
  const userinfo = await oidc.fetchUserInfo(config, access_token, known.sub, { DPoP });
  const bare = await fetch(config.serverMetadata().userinfo_endpoint, {
    headers: { authorization: `Bearer ${access_token}` },
  });
  const other = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256"));
  const another = await refusal(
    () => oidc.fetchUserInfo(config, access_token, known.sub, { DPoP: other }),
  );
  say({
    claims: tokens.claims(), known, notice, answered, unbound, introspected, userinfo,
    token_type: tokens.token_type, bare: bare.status, another,
  });
} catch (fault) {
  say({ error: fault.error ?? String(fault), known, notice, answered, unbound });
}
process.exit(0);
