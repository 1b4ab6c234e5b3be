// A portal on openid-client that stays up for a day: it keeps its configuration and
// whatever it caches, and checks the signature of every ID token. One JSON value a line.
import { createInterface } from "node:readline/promises";
import * as oidc from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const say = (value) => console.log(JSON.stringify(value));

const { issuer, client_id, secret, redirect_uri } = await read();
// Only for http on this very machine.
const config = await oidc.discovery(
  new URL(issuer), client_id, { id_token_signed_response_alg: "ES256" },
  oidc.ClientSecretBasic(secret), { execute: [oidc.allowInsecureRequests] },
);
oidc.enableNonRepudiationChecks(config);
say({ ready: true, now: Date.now() });

for (;;) {
  await read();
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedState = oidc.randomState();
  const expectedNonce = oidc.randomNonce();
  say({
    authorize: oidc.buildAuthorizationUrl(config, {
      redirect_uri, scope: "openid profile", state: expectedState, nonce: expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    }).href,
  });
  const { callback } = await read();
  try {
    const tokens = await oidc.authorizationCodeGrant(config, new URL(callback), {
      pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true,
    });
    const { sub } = tokens.claims();
    await oidc.fetchUserInfo(config, tokens.access_token, sub);
    say({ sub, id_token: tokens.id_token, now: Date.now() });
  } catch (fault) {
    say({ fault: `${fault} ${fault.cause ?? ""}`, now: Date.now() });
  }
}
