// One whole login with openid-client: says where the browser must go, reads where
// it came back, and reports what it verified. One JSON value a line.
import { createInterface } from "node:readline/promises";
import * as oidc from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const say = (value) => console.log(JSON.stringify(value));

const { issuer, client_id, secret, redirect_uri, home } = await read();
const authentication = secret ? oidc.ClientSecretBasic(secret) : oidc.None();
// Only for http on this very machine.
const options = { execute: [oidc.allowInsecureRequests] };
const config = await oidc.discovery(
  new URL(issuer), client_id, { id_token_signed_response_alg: "ES256" }, authentication, options,
);

const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
const expectedState = oidc.randomState();
const expectedNonce = oidc.randomNonce();
say({
  authorize: oidc.buildAuthorizationUrl(config, {
    redirect_uri,
    scope: "openid profile offline_access",
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  }).href,
});

const { callback } = await read();
const tokens = await oidc.authorizationCodeGrant(config, new URL(callback), {
  pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true,
});
const claims = tokens.claims();
const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
const again = await oidc.fetchUserInfo(config, refreshed.access_token, claims.sub);
say({
  claims,
  userinfo,
  refreshed: refreshed.access_token !== tokens.access_token && again.sub === claims.sub,
  logout: oidc.buildEndSessionUrl(config, {
    id_token_hint: refreshed.id_token ?? tokens.id_token,
    post_logout_redirect_uri: home,
    state: "bye",
  }).href,
});
process.exit(0);
