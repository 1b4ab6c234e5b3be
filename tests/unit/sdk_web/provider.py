"""A small OpenID Provider with real keys, that can be told to misbehave.

It is honest until one of its knobs is turned: `discovery`, `claims`, `header`
and `userinfo` change what it says (DROP removes a member), `sign` replaces how
an ID token is signed, and `answers` replaces a whole answer by path.
"""

import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

import httpx2
from joserfc import jws, jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

DROP = object()
ISSUER = "http://localhost:8000"
PERSON = {
    "name": "Sok Dara",
    "family_name": "Sok",
    "given_name": "Dara",
    "family_name#km": "សុខ",
    "given_name#km": "ដារ៉ា",
    "birthdate": "1990-01-31",
    "gender": "male",
    "phone_number": "+85510000000",
    "camdigikey_level": "substantial",
}
Override = Callable[[Request], Awaitable[Response]]


@dataclass
class Client:
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    secret: str | None = None
    key: ECKey | None = None


@dataclass
class Provider:
    issuer: str = ISSUER
    clock: Callable[[], float] = time.time
    clients: dict[str, Client] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    answers: dict[str, Override] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cache_control: str = "max-age=300"
    level: str = "substantial"

    def __post_init__(self) -> None:
        self.keys = [new_key("first")]
        self.parked: dict[str, dict[str, str]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.access: dict[str, dict[str, str]] = {}
        self.refreshes: dict[str, dict[str, str]] = {}
        self.app = Starlette(
            routes=[
                self.route("/.well-known/openid-configuration", self.describe),
                self.route("/jwks", self._jwks),
                self.route("/authorize", self._authorize),
                self.route("/login/{id}", self._login),
                self.route("/token", self._token, "POST"),
                self.route("/userinfo", self._userinfo),
                self.route("/end_session", self._end_session),
                self.route("/revoke", self._revoke, "POST"),
            ]
        )

    @property
    def transport(self) -> httpx2.ASGITransport:
        return httpx2.ASGITransport(self.app)

    def route(self, path: str, answer: Override, *methods: str) -> Route:
        async def endpoint(request: Request) -> Response:
            self.asked.append(path)
            return await self.answers.get(path, answer)(request)

        return Route(path, endpoint, methods=list(methods) or ["GET", "POST"])

    # What a test does in place of the citizen.

    async def approve(self, authorization_url: str) -> str:
        """Walk from the authorization URL to the address the browser returns to."""
        async with httpx2.AsyncClient(transport=self.transport) as browser:
            page = await browser.get(authorization_url)
            assert page.status_code == 303, page.text
            answer = await browser.post(page.headers["location"])
            assert answer.status_code == 303, answer.text
            return str(answer.headers["location"])

    # Endpoints.

    async def describe(self, request: Request) -> Response:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/end_session",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "scopes_supported": ["openid", "profile", "phone", "offline_access"],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
                "none",
            ],
            "authorization_response_iss_parameter_supported": True,
        }
        return self._cacheable(request, changed(document, self.discovery))

    async def _jwks(self, request: Request) -> Response:
        keys = [key.as_dict(private=False) for key in self.keys]
        return self._cacheable(request, {"keys": keys})

    def _cacheable(self, request: Request, document: dict[str, Any]) -> Response:
        answer = JSONResponse(document, headers={"Cache-Control": self.cache_control})
        etag = f'"{sha256(answer.body).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        answer.headers["ETag"] = etag
        return answer

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        client = self.clients.get(asked.get("client_id", ""))
        if client is None or asked.get("redirect_uri") not in client.redirect_uris:
            return PlainTextResponse("unknown relying party", status_code=400)
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        interaction = token_urlsafe(16)
        self.parked[interaction] = asked
        return redirect(f"{self.issuer}/login/{interaction}")

    async def _login(self, request: Request) -> Response:
        interaction = request.path_params["id"]
        if request.method == "GET":
            return PlainTextResponse("scan me")
        asked = self.parked.pop(interaction)
        code = token_urlsafe(16)
        self.codes[code] = asked | {"auth_time": str(int(self.clock()))}
        answer = {"code": code, "iss": self.issuer}
        if "state" in asked:
            answer["state"] = asked["state"]
        return redirect(f"{asked['redirect_uri']}?{urlencode(answer)}")

    async def _token(self, request: Request) -> Response:
        form = await form_of(request)
        client_id = self._authenticate(request, form)
        if client_id is None:
            return refusal("invalid_client", 401)
        if form["grant_type"] == "refresh_token":
            grant = self.refreshes.pop(form["refresh_token"], None)
            nonce = None
        else:
            grant = self.codes.pop(form["code"], None)
            if grant is None or not proves(form, grant):
                return refusal("invalid_grant")
            nonce = grant.get("nonce")
        if grant is None or grant["client_id"] != client_id:
            return refusal("invalid_grant")
        return JSONResponse(self._issue(grant, nonce, form.get("code")))

    def _authenticate(self, request: Request, form: dict[str, str]) -> str | None:
        header = request.headers.get("authorization", "")
        client_id, secret = form.get("client_id", ""), form.get("client_secret")
        if header.startswith("Basic "):
            pair = b64decode(header.removeprefix("Basic ")).decode()
            client_id, secret = map(unquote_plus, pair.split(":", 1))
        client = self.clients.get(client_id)
        if client is None:
            return None
        if client.key is not None:
            claims = jwt.decode(form["client_assertion"], client.key).claims
            assert claims["aud"] == self.issuer
            assert claims["iss"] == claims["sub"] == client_id
            return client_id
        return client_id if client.secret == secret else None

    def _issue(
        self, grant: dict[str, str], nonce: str | None, code: str | None
    ) -> dict[str, Any]:
        access_token = token_urlsafe(16)
        self.access[access_token] = grant
        body = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": grant["scope"],
            "id_token": self.id_token(grant, nonce, access_token, code),
        }
        if "offline_access" in grant["scope"].split():
            body["refresh_token"] = token_urlsafe(16)
            self.refreshes[body["refresh_token"]] = grant
        return changed(body, self.tokens)

    def id_token(
        self,
        grant: dict[str, str],
        nonce: str | None,
        access_token: str,
        code: str | None,
    ) -> str:
        now = int(self.clock())
        claims = {
            "iss": self.issuer,
            "sub": "pairwise-1",
            "aud": grant["client_id"],
            "iat": now,
            "exp": now + 300,
            "auth_time": int(grant["auth_time"]),
            "acr": f"{self.issuer}/acr/{self.level}",
            "amr": ["pop", "mfa", "pin", "swk"],
            "sid": "session-1",
            "at_hash": half_hash(access_token),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        if code is not None:
            claims["c_hash"] = half_hash(code)
        header = {"alg": "ES256", "kid": self.keys[-1].kid, "typ": "JWT"}
        claims, header = changed(claims, self.claims), changed(header, self.header)
        if self.sign is not None:
            return self.sign(header, claims)
        return jwt.encode(header, claims, self.keys[-1])

    async def _userinfo(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self.access:
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        return JSONResponse(changed({"sub": "pairwise-1", **PERSON}, self.userinfo))

    async def _end_session(self, request: Request) -> Response:
        asked = dict(request.query_params)
        hint = jws.deserialize_compact(asked["id_token_hint"], self.keys[0], ["ES256"])
        assert hint.payload
        target = asked["post_logout_redirect_uri"]
        known = [
            uri
            for client in self.clients.values()
            for uri in client.post_logout_redirect_uris
        ]
        assert target in known
        if "state" in asked:
            target += f"?{urlencode({'state': asked['state']})}"
        return redirect(target)

    async def _revoke(self, request: Request) -> Response:
        form = await form_of(request)
        if self._authenticate(request, form) is None:
            return refusal("invalid_client", 401)
        self.refreshes.pop(form["token"], None)
        return Response(status_code=200)


def new_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


def changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = {**members, **changes}
    return {name: value for name, value in merged.items() if value is not DROP}


def proves(form: dict[str, str], grant: dict[str, str]) -> bool:
    digest = sha256(form.get("code_verifier", "").encode()).digest()
    challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
    same_uri = form.get("redirect_uri") == grant["redirect_uri"]
    return same_uri and challenge == grant["code_challenge"]


def half_hash(value: str) -> str:
    half = sha256(value.encode()).digest()[:16]
    return urlsafe_b64encode(half).rstrip(b"=").decode()


def redirect(url: str) -> Response:
    return RedirectResponse(url, status_code=303)


def refusal(error: str, status: int = 400) -> Response:
    return JSONResponse({"error": error}, status_code=status)


async def form_of(request: Request) -> dict[str, str]:
    fields = parse_qs((await request.body()).decode(), strict_parsing=True)
    assert all(len(values) == 1 for values in fields.values())
    return {name: values[0] for name, values in fields.items()}
