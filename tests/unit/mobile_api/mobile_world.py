"""The mobile API over a real store, real keys and a register that tests answer for."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)

from idp.domain.evidence import Engine
from idp.domain.jws import header_bytes, raw_signature, sign, thumbprint
from idp.domain.liveness_sessions import Action, Script, Step
from idp.domain.proof_of_work import solve
from idp.engines.development import ConsoleSmsSender
from idp.services import Services, wire
from idp.storage.columns import b64encode, new_id
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.ephemeral import MemoryEphemeral
from idp.storage.signals import LocalSignals
from idp.storage.sqlite import SqliteStore
from mobile_api.app import create_app
from mobile_api.clips import CLIP_TYPE
from mobile_api.engines import EngineNames, PoolLimits, Workers
from mobile_api.engines.development import development_picture
from mobile_api.engines.development_landmarks import development_clip
from mobile_api.face_index import FaceIndex
from mobile_api.interfaces import Engine as ImageEngine
from mobile_api.interfaces import FaceReading, Similarity
from mobile_api.services import (
    MobileServices,
    RegisterAnswer,
    RegisterAway,
    question_digest,
)
from tests.unit.idp.domain.registration_world import (
    DETAILS,
    KEY,
    SETTINGS,
    MovingClock,
    make_tables,
)

APP = SETTINGS.app_origin
MRZ = (
    "IDKHM0123456784<<<<<<<<<<<<<<<",
    "9901018F3101012KHM<<<<<<<<<<<8",
    "SOK<<SREYPOV<<<<<<<<<<<<<<<<<<",
)
CARD = development_picture(mrz=MRZ, faces=("sreypov",))
SREYPOV, DARA = "sreypov", "dara"
NAMES = EngineNames(
    mrz_reader="mobile_api.engines.development:create_mrz_reader",
    face_matcher="mobile_api.engines.development:create_face_matcher",
    landmarks="mobile_api.engines.development_landmarks:create",
)


def open_workers() -> Workers:
    return Workers(NAMES, PoolLimits(workers=1, job_seconds=60.0))


@dataclass
class Register:
    """Answers as the test says: fields that differ, or an exception."""

    answers: list[tuple[str, ...] | Exception] = field(default_factory=list)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    faces: list[bytes | None] = field(default_factory=list)
    face_score: float | None = None
    about: Mapping[str, str] | None = None

    async def verify(
        self, details: Mapping[str, str], *, face: bytes | None = None
    ) -> RegisterAnswer:
        self.asked.append(details)
        self.faces.append(face)
        answer = self.answers.pop(0) if self.answers else ()
        if isinstance(answer, Exception):
            raise answer
        judged = {"score": 0.97, "incorrect_fields": list(answer)}
        about = self.about or details
        score = None if face is None else self.face_score
        engine = Engine("test register", "1")
        return RegisterAnswer(answer, engine, judged, question_digest(about), score)


class OneFace:
    """Sees one good face in whatever it is shown, and keeps nothing of it."""

    async def compare_faces(self, **_: object) -> FaceReading:
        return FaceReading(
            engine=ImageEngine(name="test", version="1"),
            document_faces=(200,),
            selfie_faces=(200,),
            similarity=Similarity(1.0, 0.4),
        )


def away(*, is_temporary: bool = True) -> RegisterAway:
    return RegisterAway("TimedOut", is_temporary=is_temporary)


@dataclass
class World:
    services: Services
    mobile: MobileServices
    register: Register
    clock: MovingClock
    sms: ConsoleSmsSender
    http: httpx2.AsyncClient

    def use(self, services: Services) -> None:
        """Put other services behind the same API."""
        self.services = services
        app = create_app(services, self.mobile)
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx2.AsyncClient(transport=transport, base_url=APP)

    def phone(self) -> "Phone":
        return Phone(self)

    @property
    def code(self) -> str:
        text = self.sms.outbox[-1].text
        return "".join(c for c in text if c in "0123456789")[:6]


@asynccontextmanager
async def open_world(
    folder: Path, workers: Workers, clock: MovingClock | None = None
) -> AsyncIterator[World]:
    """Open everything on `folder`; opening it again is a server that was restarted."""
    path = folder / "db"
    make_tables(path)
    clock, sms, register = clock or MovingClock(), ConsoleSmsSender(), Register()
    services = wire(
        SETTINGS,
        store=SqliteStore(str(path)),
        sealer=Sealer([MasterKey.of(KEY)]),
        ephemeral=MemoryEphemeral(),
        signals=LocalSignals(),
        sms=sms,
        clock=clock,
    )
    mobile = MobileServices(
        workers,
        register,
        faces=FaceIndex(engine="development-face"),
        patience=timedelta(seconds=30),
    )
    transport = httpx2.ASGITransport(
        create_app(services, mobile), raise_app_exceptions=False
    )
    async with httpx2.AsyncClient(transport=transport, base_url=APP) as http:
        yield World(services, mobile, register, clock, sms, http)
    await services.store.close()


def clip_of(told: dict[str, Any], face: str, **film: Any) -> bytes:
    """Return the clip of somebody who does what was told."""
    steps = tuple(Step(Action(one["action"]), one["hold_ms"]) for one in told["steps"])
    script = Script(steps, told["neutral_ms"])
    return development_clip(told["session"], script, face=face, **film)


def jwk_of(key: EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (b64encode(n.to_bytes(32)) for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


@dataclass
class Phone:
    """A phone with real keys that signs every request."""

    world: World
    key: EllipticCurvePrivateKey = field(
        default_factory=lambda: generate_private_key(SECP256R1())
    )
    pin_key: EllipticCurvePrivateKey = field(
        default_factory=lambda: generate_private_key(SECP256R1())
    )
    locale: str = "en"
    id: str = ""

    @property
    def device_id(self) -> str:
        return thumbprint(jwk_of(self.key))

    async def proof(self, method: str, path: str, body: bytes) -> str:
        fresh = (await self.world.http.get("/nonce")).json()
        jwk = jwk_of(self.key)
        header = header_bytes(
            {"typ": "camdigikey-proof+jwt", "alg": "ES256", "kid": self.device_id,
             "jwk": jwk}
        )  # fmt: skip
        payload = {
            "htm": method, "htu": APP + path, "iat": fresh["now"], "jti": new_id(),
            "bd": b64encode(sha256(body).digest()), "nonce": fresh["nonce"],
        }  # fmt: skip
        return sign(payload, key=self.key, header=header)

    async def send(
        self, method: str, path: str, body: bytes = b"", media: str = ""
    ) -> httpx2.Response:
        headers = {
            "Device-Proof": await self.proof(method, path, body),
            "Accept-Language": self.locale,
        }
        if media:
            headers["Content-Type"] = media
        return await self.world.http.request(
            method, path, content=body, headers=headers
        )

    async def get(self, path: str) -> httpx2.Response:
        return await self.send("GET", path)

    async def post(self, path: str, value: Any = None) -> httpx2.Response:
        body = json.dumps({} if value is None else value).encode()
        return await self.send("POST", path, body, "application/json")

    async def upload(self, path: str, picture: bytes) -> httpx2.Response:
        return await self.send("POST", path, picture, "image/png")

    # The journey, step by step; each returns the whole answer.

    async def start(self, number: str = "012 345 678") -> httpx2.Response:
        body: dict[str, Any] = {"phone": number, "locale": "km"}
        answer = await self.post("/registrations", body)
        if answer.status_code == 428:
            told = answer.json()
            counter = solve(told["challenge"], told["difficulty"])
            work = {"challenge": told["challenge"], "counter": counter}
            answer = await self.post("/registrations", {**body, "work": work})
        if answer.status_code == 201:
            self.id = answer.json()["id"]
        return answer

    async def step(self, name: str, value: Any = None) -> httpx2.Response:
        return await self.post(f"/registrations/{self.id}/{name}", value)

    async def prove_phone(self) -> httpx2.Response:
        return await self.step("phone-code", {"code": self.world.code})

    async def show_card(self, picture: bytes = CARD) -> httpx2.Response:
        return await self.upload(f"/registrations/{self.id}/document", picture)

    async def confirm(self, **changes: str) -> httpx2.Response:
        return await self.step("details", {**DETAILS, **changes})

    async def show_face(self, face: str = SREYPOV, **film: Any) -> httpx2.Response:
        told = await self.step("liveness")
        if told.status_code != 201:
            return told
        # Nobody can do faster than told what takes so long: the clock goes on.
        self.world.clock.pass_time(seconds=20)
        return await self.send_clip(clip_of(told.json(), face, **film))

    async def send_clip(self, clip: bytes) -> httpx2.Response:
        return await self.send(
            "POST", f"/registrations/{self.id}/face", clip, CLIP_TYPE
        )

    async def enrol(self, **changes: Any) -> httpx2.Response:
        pin_jwk, now = jwk_of(self.pin_key), int(self.world.clock.now().timestamp())
        header = header_bytes(
            {"alg": "ES256", "typ": "camdigikey-enrolment+jwt", "kid": self.device_id}
        )
        payload = {
            "iss": self.device_id, "aud": SETTINGS.issuer, "jti": new_id(), "iat": now,
            "exp": now + 60, "registration": self.id, "pin_key": thumbprint(pin_jwk),
        }  # fmt: skip
        enrolment = sign({**payload, **changes}, key=self.key, header=header)
        message = f"camdigikey-uv-pin1|{enrolment}".encode()
        uv = b64encode(raw_signature(self.pin_key, message))
        body = {"pin_key": pin_jwk, "enrolment": enrolment, "uv": uv, "name": "Phone"}
        return await self.step("device", body)

    async def reach(self, state: str) -> dict[str, Any]:
        """Walk until the registration is at `state`; return the view."""
        answer = await self.start()
        steps = {
            "phone_code": self.prove_phone,
            "document": self.show_card,
            "details": self.confirm,
            "face": self.show_face,
            "device": self.enrol,
        }
        while answer.json()["state"] != state:
            answer = await steps[answer.json()["state"]]()
            assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view
