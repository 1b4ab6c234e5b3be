"""Register, unlock, scan, approve: the calls of docs/mobile-api.md, one by one."""

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import httpx2
import orjson

from camdigikey.phone.keys import PhoneKeys
from idp.domain import jws
from idp.domain.assertions import Kind
from idp.domain.proof_of_work import solve
from idp.storage.columns import b64encode

LIFE = 60
CLIP_TYPE = "application/vnd.camdigikey.clip"


class Problem(Exception):
    """A refusal of the server: problem+json (RFC 9457)."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(
            f"{body.get('status')} {body.get('code')}: {body.get('title')}"
        )
        self.code = str(body.get("code"))
        self.body = body


@dataclass(slots=True)
class Phone:
    """One phone. `origin` is the app's origin; `issuer` the provider's."""

    http: httpx2.AsyncClient
    origin: str
    issuer: str
    pin: str = "493027"
    language: str = "en"
    keys: PhoneKeys = field(default_factory=PhoneKeys)
    account_id: str = ""
    nonce: str = ""
    ahead: float = 0.0

    async def call(
        self, method: str, path: str, body: Any = None, *, kind: str = ""
    ) -> dict[str, Any]:
        """Send one signed request; raises Problem. Bytes go as they are."""
        data = _encode(body, method)
        answer = await self._send(method, path, data, kind)
        if answer.status_code == 401 and _code(answer) == "proof-nonce":  # noqa: PLR2004
            self.nonce = ""
            answer = await self._send(method, path, data, kind)
        if answer.status_code >= 400:  # noqa: PLR2004
            raise Problem(answer.json())
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def _send(
        self, method: str, path: str, data: bytes, kind: str
    ) -> httpx2.Response:
        await self._have_nonce()
        url = self.origin + path
        proof = self.keys.proof(
            method=method, url=url, body=data, nonce=self.nonce, iat=self.now()
        )
        headers = {
            "Device-Proof": proof,
            "Content-Type": kind or "application/json",
            "Accept-Language": self.language,
        }
        answer = await self.http.request(method, url, content=data, headers=headers)
        self.nonce = answer.headers.get("proof-nonce", self.nonce)
        return answer

    def now(self) -> int:
        """Return the server's time, as far as the phone knows."""
        return int(time.time() + self.ahead)

    async def _have_nonce(self) -> None:
        if not self.nonce:
            answer = await self.http.get(f"{self.origin}/nonce")
            told = answer.json()
            self.nonce, self.ahead = told["nonce"], told["now"] - time.time()

    async def post(self, path: str, body: Any = None) -> dict[str, Any]:
        """POST JSON (`{}` when nothing is given)."""
        return await self.call("POST", path, {} if body is None else body)

    async def picture(self, path: str, image: bytes) -> dict[str, Any]:
        """POST a JPEG."""
        return await self.call("POST", path, image, kind="image/jpeg")

    async def start(self, number: str, *, locale: str = "en") -> dict[str, Any]:
        """POST /registrations; solve the puzzle when one is given."""
        body: dict[str, Any] = {"phone": number, "locale": locale}
        try:
            return await self.post("/registrations", body)
        except Problem as problem:
            if problem.code != "work-required":
                raise
            told = problem.body
        counter = solve(told["challenge"], told["difficulty"])
        work = {"challenge": told["challenge"], "counter": counter}
        return await self.post("/registrations", {**body, "work": work})

    async def clip(
        self, path: str, film: Callable[[dict[str, Any]], Awaitable[bytes]]
    ) -> dict[str, Any]:
        """Ask what to do before the camera, film it, send it; raises Problem.

        `path` is that of the registration or recovery; `film` gets the answer of
        `POST …/liveness` and returns the bytes of a clip.
        """
        told = await self.post(f"{path}/liveness")
        filmed = await film(told)
        return await self.call("POST", f"{path}/face", filmed, kind=CLIP_TYPE)

    async def bind(self, registration_id: str) -> dict[str, Any]:
        """Take the last step of a registration: prove both keys."""
        await self._have_nonce()
        pin_jwk = self.keys.pin_jwk(self.pin)
        claims = {
            "iss": self.keys.device_id,
            "aud": self.issuer,
            "registration": registration_id,
            "pin_key": jws.thumbprint(pin_jwk),
            **self._times(),
        }
        enrolment = self.keys.sign(claims, typ=Kind.ENROLMENT)
        body = {
            "pin_key": pin_jwk,
            "enrolment": enrolment,
            "uv": self.keys.pin_uv(enrolment, self.pin),
            "name": "Phone without a screen",
        }
        view = await self.post(f"/registrations/{registration_id}/device", body)
        self.account_id = view.get("result", {}).get("account_id", "")
        return view

    async def unlock(self, pin: str = "") -> dict[str, Any]:
        """Unlock with a PIN; the profile comes back."""
        return await self.post("/unlock", await self.signed(Kind.UNLOCK, pin=pin))

    async def signed(
        self, kind: Kind, *, pin: str = "", **claims: str
    ) -> dict[str, str]:
        """Return `assertion` and `uv` of a call that wants the PIN."""
        await self._have_nonce()
        said = {
            **self._who(),
            **self._times(),
            "nonce": self.nonce,
            **self._pin_uv(pin),
            **claims,
        }
        token = self.keys.sign(said, typ=kind)
        return {
            "assertion": token,
            "uv": self.keys.pin_uv(token, pin or self.pin),
        }

    async def scan(self, text: str) -> dict[str, Any]:
        """Claim the challenge whose QR text or same-device link this is."""
        kind, _, rest = text.removeprefix(f"{self.origin}/").partition("/")
        challenge_id, _, proof = rest.partition(".")
        body = {"channel": "qr", "code": proof}
        if kind == "s":
            body = {"channel": "same_device", "secret": proof}
        return await self.post(f"/challenges/{challenge_id}/claim", body)

    async def wait_for_challenge(self, *, tries: int = 3) -> dict[str, Any]:
        """Wait until the phone is asked something, and claim it.

        Each try is one long poll (25 s at most). Raises Problem when nothing came.
        """
        for _ in range(tries):
            waiting = (await self.post("/notices", {"seen": []}))["challenges"]
            if waiting:
                path = f"/challenges/{waiting[0]['id']}/claim"
                return await self.post(path, {"channel": "push"})
        raise Problem({"status": 408, "code": "timeout", "title": "nothing came"})

    def assertion(
        self,
        claimed: dict[str, Any],
        *,
        decision: str = "approve",
        pin: str = "",
        **more: Any,
    ) -> str:
        """Return the signed answer to a claimed challenge."""
        display = claimed["display"]
        shown = orjson.loads(display)
        claims = {
            **self._who(),
            **self._times(),
            "challenge": claimed["challenge"],
            "nonce": claimed["nonce"],
            "decision": decision,
            "rp": shown["relying_party"]["id"],
            "rp_domain": shown["relying_party"]["domain"],
            "shown": b64encode(sha256(display.encode()).digest()),
            "channel": claimed["channel"],
            **(self._pin_uv(pin) if decision == "approve" else {"uv_method": "none"}),
            **more,
        }
        return self.keys.sign(claims, typ=Kind.LOGIN)

    async def approve(
        self, claimed: dict[str, Any], *, pin: str = "", **more: Any
    ) -> dict[str, Any]:
        """Approve with a PIN; a push also needs the `binding_code` that is shown."""
        token = self.assertion(claimed, pin=pin, **more)
        uv = self.keys.pin_uv(token, pin or self.pin)
        path = f"/challenges/{claimed['challenge']}/approval"
        return await self.post(path, {"assertion": token, "uv": uv})

    async def deny(self, claimed: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Say no."""
        token = self.assertion(claimed, decision="deny", **more)
        path = f"/challenges/{claimed['challenge']}/approval"
        return await self.post(path, {"assertion": token, "uv": None})

    def _times(self) -> dict[str, Any]:
        now = self.now()
        return {"iat": now, "exp": now + LIFE, "jti": secrets.token_urlsafe(12)}

    def _who(self) -> dict[str, str]:
        return {
            "iss": self.keys.device_id,
            "sub": self.account_id,
            "aud": self.issuer,
        }

    def _pin_uv(self, pin: str) -> dict[str, str]:
        key = jws.thumbprint(self.keys.pin_jwk(pin or self.pin))
        return {"uv_method": "pin", "uv_key": key}


def _encode(body: Any, method: str) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None and method == "GET" else orjson.dumps(body)


def _code(answer: httpx2.Response) -> str:
    return str(answer.json().get("code"))
