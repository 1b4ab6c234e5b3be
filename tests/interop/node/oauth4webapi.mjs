// A login with oauth4webapi, written by hand as its readers would: PAR, DPoP with
// nonces, private_key_jwt, `iss`. One JSON value a line, as in openid_client_fapi.mjs.
import { createInterface } from "node:readline/promises";
import * as oauth from "oauth4webapi";
import { exportJWK, generateKeyPair } from "jose";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const say = (value) => console.log(JSON.stringify(value));
const insecure = { [oauth.allowInsecureRequests]: true };

const { issuer, client_id, redirect_uri } = await read();
const pair = await generateKeyPair("ES256", { extractable: true });
const jwk = { ...(await exportJWK(pair.publicKey)), kid: "s1", use: "sig", alg: "ES256" };
say({ jwks: { keys: [jwk] } });
await read();

const url = new URL(issuer);
const found = await oauth.discoveryRequest(url, { algorithm: "oidc", ...insecure });
const as = await oauth.processDiscoveryResponse(url, found);
const client = { client_id, id_token_signed_response_alg: "ES256" };
const auth = oauth.PrivateKeyJwt({ key: pair.privateKey, kid: "s1" });
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
const options = { DPoP, ...insecure };

// A nonce that the server asks for is used in a second try (RFC 9449, 8).
const again = async (work) => {
  try {
    return await work();
  } catch (fault) {
    if (!oauth.isDPoPNonceError(fault)) throw fault;
    return await work();
  }
};

const verifier = oauth.generateRandomCodeVerifier();
const nonce = oauth.generateRandomNonce();
const state = oauth.generateRandomState();
const asked = {
  redirect_uri, response_type: "code", scope: "openid profile offline_access", nonce, state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
};
const pushed = await again(async () => oauth.processPushedAuthorizationResponse(
  as, client,
  await oauth.pushedAuthorizationRequest(as, client, auth, asked, options),
));
const authorize = new URL(as.authorization_endpoint);
authorize.searchParams.set("client_id", client_id);
authorize.searchParams.set("request_uri", pushed.request_uri);
say({ authorize: authorize.href });

const { callback } = await read();
const answer = oauth.validateAuthResponse(as, client, new URL(callback), state);
const tokens = await again(async () => oauth.processAuthorizationCodeResponse(
  as, client,
  await oauth.authorizationCodeGrantRequest(
    as, client, auth, answer, redirect_uri, verifier, options,
  ),
  { expectedNonce: nonce, requireIdToken: true },
));
const claims = oauth.getValidatedIdTokenClaims(tokens);
const userinfo = await again(async () => oauth.processUserInfoResponse(
  as, client, claims.sub,
  await oauth.userInfoRequest(as, client, tokens.access_token, options),
));
const refreshed = await again(async () => oauth.processRefreshTokenResponse(
  as, client,
  await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, options),
));
say({ claims, userinfo, token_type: tokens.token_type, refreshed: refreshed.access_token });
process.exit(0);
