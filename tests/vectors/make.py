"""Write the vectors of QR codes and assertions: `python -m tests.vectors.make`.

Keys are derived from texts and signatures are deterministic (RFC 6979), so the same
files come out each time. Never use these keys for anything else.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from idp.domain.jws import thumbprint
from idp.domain.keys import jwk_of
from idp.domain.qr_codes import AHEAD, OLDEST, qr_text

FOLDER = Path(__file__).parent
NOW = 1_800_000_000
AUDIENCE = "https://id.example"
ORIGIN = "https://app.id.example"
Case = dict[str, Any]


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def key(name: str) -> EllipticCurvePrivateKey:
    scalar = int.from_bytes(sha256(f"camdigikey vector: {name}".encode()).digest())
    return derive_private_key(scalar, SECP256R1())


def raw_signature(signer: EllipticCurvePrivateKey, message: bytes) -> bytes:
    r, s = decode_dss_signature(der_signature(signer, message))
    return r.to_bytes(32) + s.to_bytes(32)


def der_signature(signer: EllipticCurvePrivateKey, message: bytes) -> bytes:
    return signer.sign(message, ECDSA(SHA256(), deterministic_signing=True))


DEVICE, OTHER, PIN, WRONG_PIN, CREDENTIAL = map(
    key, ("device", "another device", "pin", "wrong pin", "credential")
)
DEVICE_ID = thumbprint(jwk_of(DEVICE.public_key()))
PIN_ID = thumbprint(jwk_of(PIN.public_key()))
CREDENTIAL_ID = b64(sha256(b"camdigikey vector: credential id").digest()[:16])
LOGIN = "camdigikey-assertion+jwt"
UNLOCK = "camdigikey-unlock+jwt"
EXPECTED = {
    LOGIN: {
        "challenge": b64(bytes(range(16))),
        "nonce": b64(bytes(range(32))),
        "rp": "obr",
        "rp_domain": "registrationservices.example",
        "shown": b64(sha256(b"what the phone showed").digest()),
        "channel": "qr",
    },
    UNLOCK: {},
}
OPTIONAL = {
    LOGIN: {
        "decision": "string",
        "withheld": "list",
        "reason": "string",
        "return_hash": "string",
    },
    UNLOCK: {"nonce": "string"},
}


def claims(typ: str = LOGIN, **changes: Any) -> dict[str, Any]:
    """The claims of a good approval by PIN, with changes (None takes one away)."""
    base = {
        "iss": DEVICE_ID,
        "sub": "account-1",
        "aud": AUDIENCE,
        "jti": "jti-of-a-vector",
        "iat": NOW,
        "exp": NOW + 60,
        "uv_method": "pin",
        "uv_key": PIN_ID,
        **EXPECTED[typ],
    }
    if typ == LOGIN:
        base["decision"] = "approve"
    return {k: v for k, v in {**base, **changes}.items() if v is not None}


def assertion(
    payload: Mapping[str, Any] | bytes,
    *,
    signer: EllipticCurvePrivateKey = DEVICE,
    header: Mapping[str, Any] | None = None,
) -> str:
    head = {"alg": "ES256", "typ": LOGIN, "kid": DEVICE_ID} | dict(header or {})
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    message = f"{b64(json.dumps(head).encode())}.{b64(body)}"
    return f"{message}.{b64(raw_signature(signer, message.encode()))}"


def pin_uv(token: str, *, signer: EllipticCurvePrivateKey = PIN) -> str:
    return b64(raw_signature(signer, f"camdigikey-uv-pin1|{token}".encode()))


@dataclass(frozen=True)
class Touch:
    """How a WebAuthn answer may differ from a good one."""

    prefix: str = "camdigikey-uv-webauthn1|"
    origin: str = ORIGIN
    rp_id: str = "id.example"
    flags: int = 0x05  # user present and verified
    count: int = 8
    extra: tuple[tuple[str, Any], ...] = ()


def webauthn_uv(token: str, touch: Touch) -> Case:
    client_data = {
        "type": "webauthn.get",
        "challenge": b64(sha256((touch.prefix + token).encode()).digest()),
        "origin": touch.origin,
        "crossOrigin": False,
        **dict(touch.extra),
    }
    client = json.dumps(client_data).encode()
    authenticator = (
        sha256(touch.rp_id.encode()).digest()
        + bytes([touch.flags])
        + touch.count.to_bytes(4)
    )
    signature = der_signature(CREDENTIAL, authenticator + sha256(client).digest())
    return {
        "id": CREDENTIAL_ID,
        "rawId": CREDENTIAL_ID,
        "type": "public-key",
        "response": {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(authenticator),
            "signature": b64(signature),
        },
    }


def case(name: str, expect: str, token: str, uv: Any, *, kind: str = LOGIN) -> Case:
    return {"name": name, "expect": expect, "kind": kind, "assertion": token, "uv": uv}


def accepted() -> Iterator[Case]:
    token = assertion(claims())
    yield case("an approval by PIN", "accepted", token, pin_uv(token))
    token = assertion(claims(withheld=["phone"]))
    yield case("an approval that withholds", "accepted", token, pin_uv(token))
    token = assertion(claims(decision="deny", uv_method="none", uv_key=None))
    yield case("a denial", "accepted", token, None)
    token = assertion(claims(UNLOCK, nonce="n"), header={"typ": UNLOCK})
    yield case("unlocking by PIN", "accepted", token, pin_uv(token), kind=UNLOCK)
    token = assertion(claims(uv_method="webauthn", uv_key=CREDENTIAL_ID))
    yield case(
        "an approval by WebAuthn", "accepted", token, webauthn_uv(token, Touch())
    )
    token = assertion(claims(iat=NOW + 30, exp=NOW + 90))
    yield case("a clock half a minute ahead", "accepted", token, pin_uv(token))
    token = assertion(claims(iat=NOW - 89, exp=NOW - 29))
    yield case("a clock half a minute behind", "accepted", token, pin_uv(token))
    token = assertion(claims(exp=NOW + 1))
    yield case("a life of one second", "accepted", token, pin_uv(token))


def bad_headers() -> Iterator[Case]:
    changes: dict[str, dict[str, Any]] = {
        "another kind of assertion": {"typ": UNLOCK},
        "no algorithm": {"alg": "none"},
        "a symmetric algorithm": {"alg": "HS256"},
        "the name of another key": {"kid": thumbprint(jwk_of(OTHER.public_key()))},
        "a key that it brings along": {"jwk": jwk_of(OTHER.public_key())},
        "a critical extension": {"crit": ["b64"], "b64": True},
    }
    for name, header in changes.items():
        token = assertion(claims(), header=header)
        yield case(f"header with {name}", "header", token, pin_uv(token))


def bad_forms() -> Iterator[Case]:
    good = assertion(claims())
    twice = json.dumps(claims()).encode()[:-1] + b', "decision": "approve"}'
    head, body, signature = good.split(".")
    spare = signature[:-1] + chr(ord(signature[-1]) + 1)  # same bits, spare bits set
    forms = {
        "a member twice": assertion(twice),
        "an array for claims": assertion(b"[]"),
        "padding": f"{good}==",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.",
        "spare bits set": f"{head}.{body}.{spare}",
    }
    for name, token in forms.items():
        yield case(name, "malformed", token, pin_uv(token))


def bad_signatures() -> Iterator[Case]:
    head, body, signature = assertion(claims()).split(".")
    deny = b64(json.dumps(claims(decision="deny")).encode())
    der = b64(der_signature(DEVICE, f"{head}.{body}".encode()))
    forms = {
        "signed by another device": assertion(claims(), signer=OTHER),
        "signed by the PIN key": assertion(claims(), signer=PIN),
        "claims changed after signing": f"{head}.{deny}.{signature}",
        "a DER signature": f"{head}.{body}.{der}",
        "an empty signature": f"{head}.{body}.",
        "a signature of zeros": f"{head}.{body}.{b64(bytes(64))}",
    }
    for name, token in forms.items():
        yield case(name, "signature", token, pin_uv(token))


def bad_claims() -> Iterator[Case]:
    for name in ("iss", "sub", "aud", *EXPECTED[LOGIN]):
        for what, value in (("another", "other"), ("no", None)):
            token = assertion(claims(**{name: value}))
            yield case(f"{what} {name}", "claim", token, pin_uv(token))
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "a life of 61 seconds": ("time", {"exp": NOW + 61}),
        "an end before the beginning": ("time", {"exp": NOW - 1}),
        "an end at the beginning": ("time", {"exp": NOW}),
        "a time that is no integer": ("time", {"iat": float(NOW)}),
        "no end": ("time", {"exp": None}),
        "made 31 seconds ahead": ("time", {"iat": NOW + 31, "exp": NOW + 60}),
        "over for 30 seconds": ("time", {"iat": NOW - 90, "exp": NOW - 30}),
        "no jti": ("jti", {"jti": None}),
        "a long jti": ("jti", {"jti": "j" * 65}),
        "an unknown claim": ("unknown-claim", {"scope": "all"}),
        "a key without a method": ("unknown-claim", {"uv_method": "none"}),
        "an unknown method": ("uv-method", {"uv_method": "face"}),
        "no method": ("uv-method", {"uv_method": None}),
        "a PIN without its key": ("uv-method", {"uv_key": None}),
        "another credential": ("uv-method", {"uv_method": "webauthn", "uv_key": "x"}),
        "a decision that is no text": ("type", {"decision": True}),
        "withholding that is no list": ("type", {"withheld": "phone"}),
    }
    for name, (kind, changes) in kinds.items():
        token = assertion(claims(**changes))
        yield case(name, kind, token, pin_uv(token))


def bad_persons() -> Iterator[Case]:
    token = assertion(claims())
    another = assertion(claims(jti="another"))
    pins = {
        "a PIN key of another PIN": pin_uv(token, signer=WRONG_PIN),
        "the device key for the PIN key": pin_uv(token, signer=DEVICE),
        "the PIN key over another assertion": pin_uv(another),
        "the PIN key without the prefix": b64(raw_signature(PIN, token.encode())),
        "no PIN signature": None,
    }
    for name, uv in pins.items():
        yield case(name, "pin", token, uv)
    named = assertion(claims(uv_key=thumbprint(jwk_of(WRONG_PIN.public_key()))))
    yield case("the right PIN under another name", "pin", named, pin_uv(named))
    token = assertion(claims(uv_method="webauthn", uv_key=CREDENTIAL_ID))
    touches = {
        "another payload": Touch(prefix="camdigikey-uv-pin1|"),
        "a page of another origin": Touch(origin="https://phish.example"),
        "another relying party identifier": Touch(rp_id="phish.example"),
        "a user who was not verified": Touch(flags=0x01),
        "a page inside another": Touch(extra=(("crossOrigin", True),)),
        "a top origin": Touch(extra=(("topOrigin", ORIGIN),)),
        "a sign count that goes back": Touch(count=7),
        "a registration": Touch(extra=(("type", "webauthn.create"),)),
    }
    for name, touch in touches.items():
        yield case(
            f"WebAuthn with {name}", "webauthn", token, webauthn_uv(token, touch)
        )
    yield case("a PIN signature for WebAuthn", "webauthn", token, pin_uv(token))


def qr_vectors() -> Case:
    secret = bytes(range(32))
    challenge = b64(bytes(range(16)))
    texts = [
        {
            "t": t,
            "text": qr_text(
                app_origin=ORIGIN, challenge_id=challenge, secret=secret, t=t
            ),
        }
        for t in (0, 1, 9, 10, 59, 180, 9999)
    ]
    scanned = texts[4]["text"].rsplit("/", 1)[1].split(".", 1)[1]
    t, code = scanned.split(".")
    return {
        "about": "docs/login.md, The QR code. Written by tests/vectors/make.py.",
        "app_origin": ORIGIN,
        "challenge": challenge,
        "secret": secret.hex(),
        "codes": texts,
        "scans": [
            {"text": scanned, "age": 59 + n / 2, "expect": _expect(n / 2)}
            for n in range(-4, 14)
        ],
        "refused": [
            {"text": text, "expect": "stale"}
            for text in (
                f"{t}.{code[:-1]}",
                f"{t}.{code}A",
                f"{t}.{code}=",
                f"0{t}.{code}",
                f"58.{code}",
                f"{t}.{code.swapcase()}",
                f"៥៩.{code}",
                f"+{t}.{code}",
                f"10000.{code}",
                f"{t}{code}",
                "",
            )
        ],
    }


def _expect(later: float) -> str:
    return "accepted" if -AHEAD <= later <= OLDEST else "stale"


def assertion_vectors() -> dict[str, Case]:
    common = {
        "about": "docs/login.md, The assertion. Written by tests/vectors/make.py.",
        "now": NOW,
        "audience": AUDIENCE,
        "account": "account-1",
        "device_key": jwk_of(DEVICE.public_key()),
        "pin_key": jwk_of(PIN.public_key()),
        "credential": {
            "id": CREDENTIAL_ID,
            "key": jwk_of(CREDENTIAL.public_key()),
            "sign_count": 7,
            "rp_id": "id.example",
            "origins": [AUDIENCE, ORIGIN],
        },
        "expected": EXPECTED,
        "optional": OPTIONAL,
    }
    files = {
        "accepted": accepted(),
        "rejected-headers": bad_headers(),
        "rejected-forms": bad_forms(),
        "rejected-signatures": bad_signatures(),
        "rejected-claims": bad_claims(),
        "rejected-persons": bad_persons(),
    }
    return {name: {**common, "cases": list(cases)} for name, cases in files.items()}


def files() -> dict[Path, str]:
    """Return every file and what must stand in it."""
    made = {FOLDER / "qr" / "codes.json": qr_vectors()}
    for name, content in assertion_vectors().items():
        made[FOLDER / "assertions" / f"{name}.json"] = content
    return {
        path: json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        for path, content in made.items()
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
