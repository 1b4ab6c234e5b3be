"""A mobile API in one file: the contract of docs/mobile-api.md, kept in memory.

It verifies every proof, assertion and user verification, so the app's tests
fail where a real server would refuse.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import webauthn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from webauthn.helpers import options_to_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    UserVerificationRequirement,
)

from idp.domain.proof_of_work import Work, is_solved
from mobile_api.clips import CLIP_TYPE
from tests.unit.citizen_app.fake_account import DAY, FakeAccount
from tests.unit.citizen_app.fake_checks import (
    Refused,
    b64,
    check_ecdsa,
    open_jws,
    sha256,
    thumbprint,
    unb64,
)
from tests.unit.citizen_app.fake_faces import FakeFaces, drawn

APP = Path(__file__).resolve().parents[3] / "mobile_api/citizen_app"
CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; "
    "media-src 'self' blob:; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PROFILE = {
    "camdigikey_id": "KH-7Q2M-49XD",
    "account_id": "acct-1",
    "surname_khmer": "សុខ",
    "given_name_khmer": "ស្រីពៅ",
    "surname_latin": "SOK",
    "given_name_latin": "SREYPOV",
    "birth_date": "1999-01-01",
    "sex": "F",
    "document_number": "012345678",
    "document_expires": "2031-01-01",
    "phone_hint": "+855 •• ••• 678",
    "level": "substantial",
}
DOCUMENT: dict[str, Any] = {
    "kind": "id_card",
    "number": "012345678",
    "surname_latin": "SOK",
    "given_name_latin": "SREYPOV",
    "birth_date": "1999-01-01",
    "sex": "F",
    "expiry_date": "2031-01-01",
    "nationality": "KHM",
    "proved": ["number", "birth_date", "expiry_date"],
}
Handler = Callable[[Request], Awaitable[Response]]


class FakeApi:
    """One server for one phone; tests turn its knobs and read what it saw."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.issuer = origin.replace("localhost", "issuer.localhost")
        self.nonces: list[str] = []
        self.jtis: set[str] = set()
        self.seen: list[tuple[str, str, Any]] = []
        self.registration: dict[str, Any] | None = None
        self.device: dict[str, Any] = {}
        self.issuer_of_return = ""
        self.unlocked_until = 0
        self.challenges: dict[str, dict[str, Any]] = {}
        self.refuse: dict[str, Refused] = {}
        self.register_answers: list[list[str]] = []
        self.slow_register = 0
        self.register_at_once = False
        self.reads = dict(DOCUMENT)
        self.puzzle: dict[str, Any] = {}
        self.consents = 0
        self.faces = FakeFaces()
        self.draws_heads = True
        self.credential: dict[str, Any] = {}
        self.profile = dict(PROFILE)
        self.pushed: list[str] = []
        self.streams = True
        self.blocks: list[str] = []
        self.account = FakeAccount(self)

    # -- what every call goes through

    def nonce(self) -> str:
        self.nonces.append(secrets.token_urlsafe(16))
        return self.nonces[-1]

    async def proved(self, request: Request) -> dict[str, Any]:
        body = await request.body()
        header = request.headers.get("device-proof")
        assert header is not None, "no request proof"
        proof = open_jws(header, typ="camdigikey-proof+jwt")
        claims = proof.claims
        assert set(claims) == {"htm", "htu", "iat", "jti", "bd", "nonce"}
        assert claims["htm"] == request.method
        assert claims["htu"] == self.origin + request.url.path
        assert claims["bd"] == b64(sha256(body))
        assert abs(claims["iat"] - time.time()) < 5
        assert claims["jti"] not in self.jtis
        self.jtis.add(claims["jti"])
        if claims["nonce"] not in self.nonces:
            raise Refused(401, "proof-nonce")
        key: dict[str, Any] = proof.header["jwk"]
        return key

    def route(self, path: str, act: Callable[..., Any], *methods: str) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                key = await self.proved(request)
                kind = request.headers.get("content-type", "")
                is_json = not kind.startswith(("image/", CLIP_TYPE))
                raw = await request.body()
                body = json.loads(raw or b"null") if is_json else raw
                self.seen.append((request.method, request.url.path, body))
                name = request.url.path.rsplit("/", 1)[-1]
                if name in self.refuse:
                    raise self.refuse.pop(name)
                self.account.check_standing(request.url.path)
                answer = act(key, body, **request.path_params)
                content = Response(status_code=204)
                if isinstance(answer, bytes):
                    content = Response(answer, media_type=CLIP_TYPE)
                elif answer is not None:
                    content = JSONResponse(answer)
            except Refused as fact:
                content = problem(fact)
            content.headers["Proof-Nonce"] = self.nonce()
            return content

        return Route(path, endpoint, methods=list(methods) or ["POST"])

    # -- registration

    def register(self, key: dict[str, Any], body: Any) -> Any:
        return self.begin(key, body, purpose="registration")

    def recover(self, key: dict[str, Any], body: Any) -> Any:
        return self.begin(key, body, purpose="recovery")

    def renew(self, key: dict[str, Any], body: Any) -> Any:
        assert set(body) == {"locale"}
        assert key == self.device["jwk"]
        started = {"id": "reg-1", "state": "document", "locale": body["locale"]}
        self.registration = {**started, "purpose": "renewal"}
        return self.open(self.registration)

    def begin(self, key: dict[str, Any], body: Any, *, purpose: str) -> Any:
        assert set(body) - {"work"} == {"phone", "locale"}
        if self.puzzle and not self.is_solved(body.get("work")):
            raise Refused(428, "work-required", **self.puzzle)
        now = int(time.time())
        self.device = {"jwk": key}
        self.registration = {
            "id": "reg-1",
            "state": "phone_code",
            "locale": body["locale"],
            "purpose": purpose,
            "phone_hint": "+855 •• ••• " + body["phone"][-3:],
            "code": {
                "attempts_left": 5,
                "expires_at": now + 300,
                "resend_at": now + 30,
            },
        }
        return self.registration

    def is_solved(self, work: dict[str, Any] | None) -> bool:
        """The challenge is good once; a puzzle that is not the last one is refused."""
        if work is None or work["challenge"] != self.puzzle["challenge"]:
            return False
        found = Work(work["challenge"], work["counter"])
        return is_solved(found, self.puzzle["difficulty"])

    def assistance(self, *_: Any, **__: Any) -> Any:
        self.consents += 1
        return {"code": f"0123456{self.consents}", "expires_at": int(time.time()) + 600}

    def current(self, key: dict[str, Any], _: Any) -> Any:
        if self.registration is None or key != self.device["jwk"]:
            raise Refused(404, "not-found")
        if self.registration["state"] == "register":
            self.slow_register -= 1
            if self.slow_register < 0:
                self.register_answered()
        return self.registration

    def phone_code(self, _: Any, body: Any, **__: Any) -> Any:
        assert self.registration is not None
        if body["code"] != "493027":
            left = self.registration["code"]["attempts_left"] - 1
            self.registration["code"]["attempts_left"] = left
            raise Refused(422, "code-wrong", attempts_left=left)
        is_recovery = self.registration["purpose"] == "recovery"
        return self.move("document", **({"binding_code": "42"} if is_recovery else {}))

    def document(self, _: Any, body: Any, **__: Any) -> Any:
        assert body[:2] == b"\xff\xd8"
        return self.move("details", document=self.reads)

    def unsure(self, pictures: int, *advice: str) -> Refused:
        """Refuse a picture whose lines are kept: so many are joined now."""
        assert self.registration is not None
        self.registration["pictures"] = pictures
        return Refused(422, "evidence-insufficient", advice=list(advice))

    def details(self, _: Any, body: Any, **__: Any) -> Any:
        assert set(body) == {
            *("number", "surname_latin", "given_name_latin", "surname_khmer"),
            *("given_name_khmer", "birth_date", "sex", "expiry_date", "issue_date"),
        }
        self.move("register", details=body)
        if self.register_at_once:
            self.register_answered()
        return self.registration

    def register_answered(self) -> None:
        wrong = self.register_answers.pop(0) if self.register_answers else []
        if wrong:
            self.move("details", incorrect_fields=wrong)
        else:
            self.move_to_face()

    def move_to_face(self) -> None:
        left = self.faces.attempts_left
        self.move("face", face={"attempts_left": left})

    def liveness(self, *_: Any, **__: Any) -> Any:
        return self.faces.tell()

    def face(self, _: Any, body: Any, **__: Any) -> Any:
        self.faces.take(body)
        assert self.registration is not None
        if self.registration["purpose"] == "renewal":
            return self.move("done")
        if self.registration["purpose"] == "recovery":
            return self.move("waiting", waiting={"ready_at": int(time.time()) + DAY})
        return self.move("device", level="substantial")

    def bind(self, key: dict[str, Any], body: Any, **__: Any) -> Any:
        assert set(body) == {"pin_key", "enrolment", "uv", "name"}
        jws = open_jws(body["enrolment"], typ="camdigikey-enrolment+jwt", jwk=key)
        claims = jws.claims
        names = {"iss", "aud", "jti", "iat", "exp", "registration", "pin_key"}
        assert set(claims) == names
        assert claims["pin_key"] == thumbprint(body["pin_key"])
        assert (claims["aud"], claims["registration"]) == (self.issuer, "reg-1")
        message = b"camdigikey-uv-pin1|" + body["enrolment"].encode()
        assert check_ecdsa(body["pin_key"], unb64(body["uv"]), message)
        self.device = {"jwk": key, "pin": body["pin_key"], "name": body["name"]}
        ids = {"account_id": "acct-1", "device_id": claims["iss"]}
        return self.move("done", result={"camdigikey_id": "KH-1", **ids})

    def cancel(self, *_: Any, **__: Any) -> None:
        self.registration = None

    def move(self, state: str, **members: Any) -> dict[str, Any]:
        assert self.registration is not None
        self.registration = {**self.registration, "state": state, **members}
        if state not in {"document", "details"}:
            self.registration.pop("binding_code", None)
        if state in {"face", "device", "waiting"}:
            self.registration.pop("details", None)
        return self.registration

    # -- assertions

    def verified(self, key: Any, body: Any, *, typ: str) -> dict[str, Any]:
        assert key == self.device["jwk"]
        claims = open_jws(body["assertion"], typ=typ, jwk=key).claims
        assert claims["iss"] == thumbprint(key)
        assert (claims["sub"], claims["aud"]) == ("acct-1", self.issuer)
        assert 0 < claims["exp"] - claims["iat"] <= 60
        getattr(self, f"uv_{claims['uv_method']}")(claims, body)
        return claims

    def uv_none(self, claims: dict[str, Any], body: Any) -> None:
        assert body["uv"] is None
        assert "uv_key" not in claims

    def uv_pin(self, claims: dict[str, Any], body: Any) -> None:
        message = b"camdigikey-uv-pin1|" + body["assertion"].encode()
        right = check_ecdsa(self.device["pin"], unb64(body["uv"]), message)
        if not right or claims["uv_key"] != thumbprint(self.device["pin"]):
            raise Refused(422, "code-wrong", attempts_left=4)

    def uv_webauthn(self, claims: dict[str, Any], body: Any) -> None:
        assert claims["uv_key"] == self.credential["id"]
        message = b"camdigikey-uv-webauthn1|" + body["assertion"].encode()
        webauthn.verify_authentication_response(
            credential=body["uv"],
            expected_challenge=sha256(message),
            expected_rp_id="localhost",
            expected_origin=self.origin,
            credential_public_key=self.credential["key"],
            credential_current_sign_count=0,
            require_user_verification=True,
        )

    def unlock(self, key: Any, body: Any) -> Any:
        claims = self.verified(key, body, typ="camdigikey-unlock+jwt")
        assert claims["nonce"] in self.nonces
        self.unlocked_until = int(time.time()) + 300
        return {"profile": self.profile, "unlocked_until": self.unlocked_until}

    def open(self, answer: dict[str, Any]) -> dict[str, Any]:
        if self.unlocked_until < time.time():
            raise Refused(403, "locked")
        return answer

    def lock(self, *_: Any) -> None:
        self.unlocked_until = 0

    def activity(self, *_: Any) -> Any:
        event = {"event": "login:approved", "relying_party": "portal.gov.example"}
        return self.open({"events": [{"at": 1_780_000_000, **event, "device": "Web"}]})

    def biometric_options(self, *_: Any) -> Any:
        options = webauthn.generate_registration_options(
            rp_id="localhost",
            rp_name="CamDigiKey",
            user_name="acct-1",
            authenticator_selection=AuthenticatorSelectionCriteria(
                user_verification=UserVerificationRequirement.REQUIRED
            ),
        )
        self.credential = {"challenge": options.challenge}
        return {"options": json.loads(options_to_json(options))}

    def biometric(self, key: Any, body: Any) -> Any:
        claims = self.verified(key, body, typ="camdigikey-credential+jwt")
        made = webauthn.verify_registration_response(
            credential=body["credential"],
            expected_challenge=self.credential["challenge"],
            expected_rp_id="localhost",
            expected_origin=self.origin,
            require_user_verification=True,
        )
        credential_id = b64(made.credential_id)
        assert (claims["action"], claims["key"]) == ("bind", credential_id)
        self.credential = {"id": credential_id, "key": made.credential_public_key}
        return {"credential_id": credential_id}

    def biometric_removal(self, key: Any, body: Any) -> None:
        claims = self.verified(key, body, typ="camdigikey-credential+jwt")
        assert claims["action"] == "remove"
        assert claims["key"] == self.credential["id"]

    # -- challenges

    def challenge(self, *, warnings: list[str] | None = None, life: int = 120) -> str:
        """Park a login; return the challenge id. Any live code claims it."""
        name = b64(secrets.token_bytes(16))
        self.challenges[name] = {"warnings": warnings or [], "life": life}
        return name

    def push(self, *, message: str = "") -> str:
        """Ask the person on the phone; return the challenge id."""
        name = self.challenge()
        self.challenges[name] |= {"code": "42", "message": message}
        self.pushed.append(name)
        return name

    def waiting(self) -> dict[str, Any]:
        listed = [{"id": name, "channel": "push"} for name in self.pushed]
        return {"challenges": listed}

    async def notices(self, request: Request) -> Response:
        await self.proved(request)
        if not self.streams:
            return problem(Refused(503, "unavailable"))
        media = "text/event-stream"
        return StreamingResponse(self.stream(), media_type=media)

    async def stream(self) -> AsyncIterator[str]:
        told = None
        for _ in range(200):
            if told != self.pushed:
                told = list(self.pushed)
                yield f"event: challenges\ndata: {json.dumps(self.waiting())}\n\n"
            await asyncio.sleep(0.05)

    def next_notices(self, _: Any, body: Any) -> Any:
        assert set(body) == {"seen"}
        return self.waiting()

    def push_blocks(self, *_: Any) -> Any:
        name = {"km": "ច្រកសេវា", "en": "Portal"}
        party = [{"id": one, "name": name} for one in self.blocks]
        rows = [{"relying_party": one, "ends_at": 1_780_000_000} for one in party]
        return self.open({"blocks": rows})

    def lift(self, _: Any, body: Any) -> None:
        self.blocks.remove(body["relying_party"])

    def claim(self, _: Any, body: Any, challenge: str) -> Any:
        kept = self.challenges[challenge]
        if "code" in kept:
            assert body == {"channel": "push"}
            self.pushed = [name for name in self.pushed if name != challenge]
        if body.get("code", "").startswith("0."):
            raise Refused(422, "qr-stale")
        if "answer" not in kept:
            kept["answer"] = self.claimed(challenge, body["channel"], kept)
        return kept["answer"]

    def claimed(self, name: str, channel: str, kept: dict[str, Any]) -> Any:
        labels = [("name", "ឈ្មោះពេញ", "Full name"), ("phone", "លេខទូរសព្ទ", "Phone")]
        claims = [
            {"name": n, "label": {"km": km, "en": en}, "voluntary": n == "phone"}
            for n, km, en in labels
        ]
        display = {
            "version": 1,
            "relying_party": {
                "id": "portal",
                "name": {"km": "ច្រកសេវាសាធារណៈ", "en": "<b>Public service portal</b>"},
                "domain": "portal.gov.example",
                "logo": None,
                "names_itself": True,
            },
            "purpose": {"km": "ដាក់ពាក្យសុំអាជ្ញាប័ណ្ណ", "en": "Apply for a licence"},
            "claims": claims,
            "requester": {
                "browser": "Firefox, Windows",
                "network": "203.0.113.0/24",
                "place": "Phnom Penh",
            },
            "started_at": int(time.time()) - 20,
            "channel": channel,
            "locale": "km",
        }
        if channel == "push":
            display["binding_message"] = kept["message"]
            display["requester"] = {"browser": "", "network": "", "place": ""}
        return {
            "challenge": name,
            "nonce": b64(secrets.token_bytes(32)),
            "display": json.dumps(display, ensure_ascii=False),
            "channel": channel,
            "acr": "substantial",
            "deadline": int(time.time()) + kept["life"],
            "warnings": kept["warnings"],
        }

    def approval(self, key: Any, body: Any, challenge: str) -> Any:
        claims = self.verified(key, body, typ="camdigikey-assertion+jwt")
        kept = self.challenges[challenge]
        answer = kept["answer"]
        assert claims["challenge"] == challenge
        for name in ("nonce", "channel"):
            assert claims[name] == answer[name]
        assert claims["shown"] == b64(sha256(answer["display"].encode()))
        assert (claims["rp"], claims["rp_domain"]) == ("portal", "portal.gov.example")
        kept["claims"] = claims
        if claims["decision"] == "deny":
            assert claims["uv_method"] == "none"
            return {"state": "denied"}
        assert claims["uv_method"] != "none"
        if claims.get("binding_code") != kept.get("code"):
            return {"state": "denied"}
        if answer["channel"] == "same_device":
            at = f"{self.issuer_of_return or self.issuer}/return/{challenge}"
            return {"state": "approved", "return_url": at, "value": "val-1"}
        return {"state": "approved"}

    # -- the application

    def application(self) -> Starlette:
        steps = "/registrations/{registration}/"
        return Starlette(
            routes=[
                Route("/nonce", self.give_nonce),
                Route("/configuration", self.configuration),
                self.route("/registrations", self.register),
                self.route("/recoveries", self.recover),
                self.route("/documents/renewals", self.renew),
                self.route("/registrations/current", self.current, "GET"),
                self.route(steps + "phone-code", self.phone_code),
                self.route(steps + "document", self.document),
                self.route(steps + "details", self.details),
                self.route(steps + "assistance", self.assistance),
                self.route(steps + "liveness", self.liveness),
                self.route(steps + "face", self.face),
                self.route("/development/film", lambda _, body: drawn(body)),
                self.route(steps + "device", self.bind),
                self.route(steps + "cancellation", self.cancel),
                self.route("/unlock", self.unlock),
                self.route("/lock", self.lock),
                self.route(
                    "/profile", lambda *_: self.open({"profile": self.profile}), "GET"
                ),
                *self.account.routes(),
                self.route("/activity", self.activity, "GET"),
                self.route("/biometric/options", self.biometric_options),
                self.route("/biometric", self.biometric),
                self.route("/biometric/removal", self.biometric_removal),
                Route("/notices", self.notices, methods=["GET"]),
                self.route("/notices", self.next_notices),
                self.route("/push-blocks", self.push_blocks, "GET"),
                self.route("/push-blocks/removal", self.lift),
                self.route("/challenges/{challenge}/claim", self.claim),
                self.route("/challenges/{challenge}/approval", self.approval),
                Route("/return/{challenge}", returned),
                Route("/{path:path}", static),
            ],
        )

    async def give_nonce(self, _: Request) -> Response:
        return JSONResponse({"nonce": self.nonce(), "now": int(time.time())})

    async def configuration(self, _: Request) -> Response:
        named = {"issuer": self.issuer, "app": self.origin, "rp_id": "localhost"}
        if self.draws_heads:
            named["development_film"] = "/development/film"
        return JSONResponse(named)


def problem(fact: Refused) -> Response:
    body = {
        "type": f"urn:camdigikey:problem:{fact.code}",
        "code": fact.code,
        "title": fact.code,
        "detail": fact.code,
        "status": fact.status,
        **fact.members,
    }
    media = "application/problem+json"
    return JSONResponse(body, status_code=fact.status, media_type=media)


async def returned(request: Request) -> Response:
    return Response(f"back: {request.url.query}", media_type="text/plain")


async def static(request: Request) -> Response:
    path = request.url.path
    name = "index.html" if path == "/" or path[:3] in {"/q/", "/s/"} else path[1:]
    if not (APP / name).is_file():
        return Response(status_code=404)
    types = {".js": "text/javascript", ".wasm": "application/wasm"}
    types |= {".webmanifest": "application/manifest+json", ".woff2": "font/woff2"}
    media = types.get(Path(name).suffix)
    headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-cache"}
    return FileResponse(APP / name, media_type=media, headers=headers)
