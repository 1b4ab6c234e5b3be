// A login with openid-client under a demanding profile: keys instead of secrets, the
// request pushed (and signed), the answer signed, tokens bound to a key, encrypted.
// One JSON value a line: settings → our keys; go → where the browser goes; callback →
// what was verified.
import { createInterface } from "node:readline/promises";
import * as oidc from "openid-client";
import { exportJWK, generateKeyPair } from "jose";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const say = (value) => console.log(JSON.stringify(value));

const wanted = await read();
const { issuer, client_id, redirect_uri, alg = "ES256" } = wanted;
const signing = await generateKeyPair(alg, { extractable: true });
const wrap = "ECDH-ES+A256KW";
const sealing = await generateKeyPair(wrap, { crv: "P-256", extractable: true });
const jwk = async (key, extra) => ({ ...(await exportJWK(key)), ...extra });
say({
  jwks: {
    keys: [
      await jwk(signing.publicKey, { kid: "s1", use: "sig", alg }),
      await jwk(sealing.publicKey, { kid: "e1", use: "enc", alg: wrap }),
    ],
  },
});
await read();

const key = { key: signing.privateKey, kid: "s1" };
const metadata = {
  id_token_signed_response_alg: "ES256",
  authorization_signed_response_alg: "ES256",
  introspection_signed_response_alg: wanted.signed_introspection ? "ES256" : undefined,
  require_pushed_authorization_requests: true,
};
const config = await oidc.discovery(
  new URL(issuer), client_id, metadata, oidc.PrivateKeyJwt(key),
  { execute: [oidc.allowInsecureRequests] },
);
if (wanted.jarm) oidc.useJwtResponseMode(config);
if (wanted.encrypted) {
  oidc.enableDecryptingResponses(config, ["A256GCM"], {
    key: sealing.privateKey, kid: "e1", alg: wrap,
  });
}
const DPoP = wanted.dpop
  ? oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256"))
  : undefined;

const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
const expectedState = oidc.randomState();
const expectedNonce = oidc.randomNonce();
let parameters = {
  redirect_uri,
  scope: "openid profile offline_access",
  state: expectedState,
  nonce: expectedNonce,
  code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
};
if (wanted.jar) {
  const signed = await oidc.buildAuthorizationUrlWithJAR(config, parameters, key);
  parameters = signed.searchParams;
}
const url = await oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
say({ authorize: url.href });

const { callback } = await read();
const tokens = await oidc.authorizationCodeGrant(config, new URL(callback), {
  pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true,
}, undefined, { DPoP });
const claims = tokens.claims();
const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP });
const refreshed = await oidc.refreshTokenGrant(
  config, tokens.refresh_token, undefined, { DPoP },
);
const introspected = await oidc.tokenIntrospection(config, refreshed.access_token);
await oidc.tokenRevocation(config, refreshed.access_token);
const afterwards = await oidc.tokenIntrospection(config, refreshed.access_token);
say({
  claims,
  userinfo,
  token_type: tokens.token_type,
  same_refresh_token: (refreshed.refresh_token ?? tokens.refresh_token) === tokens.refresh_token,
  introspected,
  active_afterwards: afterwards.active,
});
process.exit(0);
