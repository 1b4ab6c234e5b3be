// AppAuth-JS (Node) logs in as an app would: public client, PKCE, a loopback return.
// One JSON value a line: settings → where the browser goes; callback → what came.
import { createInterface } from "node:readline/promises";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const appauth = require("@openid/appauth");
const { NodeCrypto } = require("@openid/appauth/built/node_support/crypto_utils");
const { NodeRequestor } = require("@openid/appauth/built/node_support/node_requestor");

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const say = (value) => console.log(JSON.stringify(value));

const { issuer, client_id, redirect_uri } = await read();
const fetcher = new NodeRequestor();
const configuration = await appauth.AuthorizationServiceConfiguration.fetchFromIssuer(
  issuer, fetcher,
);
const request = new appauth.AuthorizationRequest({
  client_id, redirect_uri,
  scope: "openid profile offline_access",
  response_type: appauth.AuthorizationRequest.RESPONSE_TYPE_CODE,
}, new NodeCrypto());
const asked = await request.toJson();
const url = new URL(configuration.authorizationEndpoint);
for (const [name, value] of Object.entries(asked)) {
  if (typeof value === "string") url.searchParams.set(name, value);
}
for (const [name, value] of Object.entries(asked.extras ?? {})) url.searchParams.set(name, value);
say({ authorize: url.href });

const { callback } = await read();
const answer = new URL(callback).searchParams;
if (answer.get("state") !== request.state) throw new Error("another state");
const handler = new appauth.BaseTokenRequestHandler(fetcher);
const redeem = new appauth.TokenRequest({
  client_id, redirect_uri, grant_type: "authorization_code", code: answer.get("code"),
  extras: { code_verifier: request.internal.code_verifier },
});
const tokens = await handler.performTokenRequest(configuration, redeem);
const renew = new appauth.TokenRequest({
  client_id, redirect_uri, grant_type: "refresh_token", refresh_token: tokens.refreshToken,
});
const refreshed = await handler.performTokenRequest(configuration, renew);
const revoked = await handler.performRevokeTokenRequest(configuration, new appauth.RevokeTokenRequest({
  token: refreshed.refreshToken, client_id,
}));
say({ id_token: tokens.idToken, refreshed: refreshed.accessToken !== tokens.accessToken, revoked });
process.exit(0);
