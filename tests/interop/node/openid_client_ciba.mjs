// A portal with openid-client that asks without a browser: by polling, or by waiting
// for a ping first. One JSON value a line: settings → our notification address; go →
// where the one browser login goes; callback → auth_req_id; answered → what came.
import { createServer } from "node:http";
import { createInterface } from "node:readline/promises";
import * as oidc from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const say = (value) => console.log(JSON.stringify(value));

const { issuer, client_id, secret, redirect_uri, mode } = await read();
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
say({ endpoint: `http://127.0.0.1:${server.address().port}/ping` });
await read();

const config = await oidc.discovery(
  new URL(issuer), client_id, { id_token_signed_response_alg: "ES256" },
  oidc.ClientSecretBasic(secret), { execute: [oidc.allowInsecureRequests] },
);
const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
say({
  authorize: oidc.buildAuthorizationUrl(config, {
    redirect_uri, scope: "openid profile",
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  }).href,
});
const { callback } = await read();
const known = (await oidc.authorizationCodeGrant(config, new URL(callback), {
  pkceCodeVerifier, idTokenExpected: true,
})).claims();

const asked = await oidc.initiateBackchannelAuthentication(config, {
  scope: "openid profile", login_hint: known.sub, binding_message: "Counter 4",
  ...(mode === "ping" ? { client_notification_token: token } : {}),
});
say(asked);
const { answered } = await read();
let notice = null;
if (mode === "ping") {
  notice = await ping;
  if (notice.authorization !== `Bearer ${token}`) throw new Error("another's ping");
}
try {
  const tokens = await oidc.pollBackchannelAuthenticationGrant(config, asked);
  say({ claims: tokens.claims(), known, notice, answered });
} catch (fault) {
  say({ error: fault.error, known, notice, answered });
}
process.exit(0);
