// A portal with openid-client that is known by its TLS certificate: at the endpoints
// for certificates, with tokens bound to it. One JSON value a line: settings → where
// the browser goes; callback → what was verified, and how a thief fared.
import { request } from "node:https";
import { createInterface } from "node:readline/promises";
import * as oidc from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const say = (value) => console.log(JSON.stringify(value));

const { issuer, client_id, redirect_uri, ca, own, other } = await read();
const aliased = [];
const fetchAs = (identity) => (url, { method = "GET", headers = {}, body } = {}) => {
  if (!String(url).startsWith("https:")) return fetch(url, { method, headers, body });
  aliased.push(new URL(url).pathname);
  const octets = Buffer.from(body === undefined || body === null ? "" : String(body));
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method, ca, agent: false, ...identity,
      headers: {
        ...Object.fromEntries(new Headers(headers)),
        ...(octets.length > 0 ? { "content-length": octets.length } : {}),
      },
    }, async (answer) => {
      const parts = [];
      for await (const part of answer) parts.push(part);
      resolve(new Response(parts.length > 0 ? Buffer.concat(parts) : null, {
        status: answer.statusCode, headers: answer.headers,
      }));
    });
    asked.on("error", reject).end(octets);
  });
};

const metadata = {
  id_token_signed_response_alg: "ES256",
  require_pushed_authorization_requests: true,
  tls_client_certificate_bound_access_tokens: true,
  use_mtls_endpoint_aliases: true,
};
const portal = async (identity) => oidc.discovery(
  new URL(issuer), client_id, metadata, oidc.TlsClientAuth(),
  { execute: [oidc.allowInsecureRequests], [oidc.customFetch]: fetchAs(identity) },
);
const refusal = async (work) => {
  try {
    await work();
    return "none";
  } catch (fault) {
    // A 401 at these endpoints says invalid_client (RFC 6749, 5.2).
    if (fault.error ?? fault.status === 401) return fault.error ?? "invalid_client";
    return String(fault.cause ?? fault);
  }
};

const config = await portal(own);
const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
const expectedState = oidc.randomState();
const expectedNonce = oidc.randomNonce();
const parameters = {
  redirect_uri,
  scope: "openid profile offline_access",
  state: expectedState,
  nonce: expectedNonce,
  code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
};
const url = await oidc.buildAuthorizationUrlWithPAR(config, parameters);
const pushed = async (identity) => refusal(async () =>
  oidc.buildAuthorizationUrlWithPAR(await portal(identity), parameters));
const refused_requests = { nobody: await pushed({}), another: await pushed(other) };
say({ authorize: url.href, refused_requests });

const { callback } = await read();
const checks = {
  pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true,
};
const redeem = (with_) =>
  oidc.authorizationCodeGrant(with_, new URL(callback), checks);
const stolen_code = await refusal(async () => redeem(await portal(other)));
const tokens = await redeem(config);
const claims = tokens.claims();
const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
const introspected = await oidc.tokenIntrospection(config, refreshed.access_token);
const afresh = await oidc.fetchUserInfo(config, refreshed.access_token, claims.sub);

// The same token in other hands, and with a certificate that is only claimed.
const { userinfo_endpoint, mtls_endpoint_aliases } = config.serverMetadata();
const der = own.cert.replace(/-----[A-Z ]+-----|\s/g, "");
const forged = { "client-cert": `:${der}:`, "x-forwarded-for": "127.0.0.2" };
const present = async (address, identity, extra = {}) => {
  const headers = { authorization: `Bearer ${refreshed.access_token}`, ...extra };
  const answer = await fetchAs(identity)(address, { headers });
  return [answer.status, answer.headers.get("www-authenticate") ?? ""];
};
const guarded = mtls_endpoint_aliases.userinfo_endpoint;
const presented = {
  own: await present(guarded, own),
  nobody: await present(guarded, {}),
  another: await present(guarded, other),
  forged_by_nobody: await present(guarded, {}, forged),
  forged_by_another: await present(guarded, other, forged),
  forged_past_the_front: await present(userinfo_endpoint, {}, forged),
};
const refreshed_by = async (identity) => refusal(async () =>
  oidc.refreshTokenGrant(await portal(identity), tokens.refresh_token));
const refused_refreshes = {
  nobody: await refreshed_by({}), another: await refreshed_by(other),
};
await oidc.tokenRevocation(config, refreshed.access_token);
const afterwards = await oidc.tokenIntrospection(config, refreshed.access_token);
say({
  claims, userinfo, afresh, introspected, presented, stolen_code, refused_refreshes,
  token_type: tokens.token_type,
  aliased: [...new Set(aliased)].sort(),
  active_afterwards: afterwards.active,
});
process.exit(0);
