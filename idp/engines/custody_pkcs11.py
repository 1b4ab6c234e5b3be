"""Private signing keys in a PKCS#11 token: made there, used there, never out of it.

A handle is the object's CKA_ID. Every call blocks, so it runs in a thread: one for the
process, because python-pkcs11 does not ask the token's library for locks (C_Initialize
without arguments, PKCS #11 v3.0, 5.4) and SoftHSM then has none. More calls at once
need more processes. Those that would wait behind too many others are refused.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

import pkcs11
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import NoSuchKey, PKCS11Error
from pkcs11.mechanisms import MGF
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

from idp.errors import Unavailable
from idp.interfaces import MadeKey
from idp.settings import IdpSettings

logger = logging.getLogger(__name__)
T = TypeVar("T")

NAME = "pkcs11"
LABEL = "camdigikey"
PATIENCE = 10.0  # seconds for one call; an RSA key takes some to make
WAITING = 256  # calls at once, of which a few are in the token
RSA_BITS = 2048
ED25519 = bytes.fromhex("06032b6570")  # OBJECT IDENTIFIER 1.3.101.112 (RFC 8410, 3)
ED25519_OCTETS = 32
# The private half never leaves the token, not even wrapped.
PRIVATE = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
}


@dataclass(slots=True)
class Token:
    """One token and its session; for one thread at a time."""

    module: str
    label: str
    pin: str
    _session: Any = None

    def session(self) -> Any:
        """Return the session; open it and log in first if need be."""
        if self._session is None:
            token = pkcs11.lib(self.module).get_token(token_label=self.label)
            self._session = token.open(rw=True, user_pin=self.pin)
        return self._session

    def close(self) -> None:
        """Log out; the next call logs in again."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(PKCS11Error):
                session.close()


@dataclass(frozen=True, slots=True)
class Pkcs11Custody:
    """Makes, uses and destroys keys in the token."""

    token: Token
    thread: ThreadPoolExecutor
    slots: asyncio.Semaphore

    @property
    def name(self) -> str:
        """What the rows say."""
        return NAME

    async def make(self, alg: str) -> MadeKey:
        """Make a key pair in the token; raises Unavailable."""
        return await self.call(lambda session: _make(session, alg))

    async def open(self, *, alg: str, kid: str, handle: bytes) -> "Pkcs11Signer":
        """Find the key; raises Unavailable when it is not there."""
        del kid
        await self.call(lambda session: _private(session, handle))
        return Pkcs11Signer(self, alg, handle)

    async def destroy(self, handle: bytes) -> None:
        """Destroy both halves; raises Unavailable when the token does not answer."""
        await self.call(lambda session: _destroy(session, handle))

    async def close(self) -> None:
        """Let the calls that wait end, and log out."""
        self.thread.submit(self.token.close)
        await asyncio.to_thread(self.thread.shutdown)

    async def call(self, work: Callable[[Any], T]) -> T:
        """Run `work(session)` in the thread; raises Unavailable."""
        if self.slots.locked():
            raise Unavailable("signing keys", retry_after=1)
        async with self.slots:
            loop = asyncio.get_running_loop()
            done = loop.run_in_executor(self.thread, self._in_thread, work)
            try:
                return await asyncio.wait_for(done, PATIENCE)
            except (PKCS11Error, TimeoutError) as failure:
                logger.warning("pkcs11: %s", type(failure).__name__)
                raise Unavailable("signing keys") from failure

    def _in_thread(self, work: Callable[[Any], T]) -> T:
        try:
            return work(self.token.session())
        except NoSuchKey:
            raise
        except PKCS11Error:
            # Perhaps the token was away: log in again next time.
            self.token.close()
            raise


@dataclass(frozen=True, slots=True)
class Pkcs11Signer:
    """Signs in the token with one key."""

    custody: Pkcs11Custody
    alg: str
    handle: bytes

    async def sign(self, message: bytes) -> bytes:
        """Return the JWS signature; raises Unavailable."""
        sign = SIGN[self.alg]
        return await self.custody.call(
            lambda session: sign(_private(session, self.handle), message)
        )


def create(settings: IdpSettings) -> Pkcs11Custody:
    """Log in to the token that the settings name; any failure stops the start."""
    module, label = settings.hsm_module, settings.hsm_token
    pin = settings.hsm_pin.get_secret_value()
    if not (module and label and pin):
        raise ValueError("IDP_HSM_MODULE, _TOKEN and _PIN are needed")
    token, thread = Token(module, label, pin), ThreadPoolExecutor(1, NAME)
    thread.submit(token.session).result(PATIENCE)
    return Pkcs11Custody(token, thread, asyncio.Semaphore(WAITING))


def _make(session: Any, alg: str) -> MadeKey:
    handle = secrets.token_bytes(16)
    return MadeKey(MAKE[alg](session, handle), handle)


def _templates(handle: bytes) -> dict[str, Any]:
    return {
        "id": handle,
        "label": LABEL,
        "store": True,
        "private_template": PRIVATE,
        "public_template": {Attribute.TOKEN: True, Attribute.VERIFY: True},
    }


def _curve(session: Any, kind: KeyType, params: bytes) -> Any:
    return session.create_domain_parameters(
        kind, {Attribute.EC_PARAMS: params}, local=True
    )


def _make_es256(session: Any, handle: bytes) -> bytes:
    params = encode_named_curve_parameters("secp256r1")
    curve = _curve(session, KeyType.EC, params)
    public, _ = curve.generate_keypair(**_templates(handle))
    return bytes(encode_ec_public_key(public))


def _make_rsa(session: Any, handle: bytes) -> bytes:
    public, _ = session.generate_keypair(KeyType.RSA, RSA_BITS, **_templates(handle))
    return bytes(encode_rsa_public_key(public))


def _make_eddsa(session: Any, handle: bytes) -> bytes:
    curve = _curve(session, KeyType.EC_EDWARDS, ED25519)
    public, _ = curve.generate_keypair(**_templates(handle))
    point = bytes(public[Attribute.EC_POINT])
    # Some tokens wrap the 32 octets in an OCTET STRING (two octets more), some do not.
    return Ed25519PublicKey.from_public_bytes(point[-ED25519_OCTETS:]).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


def _private(session: Any, handle: bytes) -> Any:
    return session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=handle)


def _destroy(session: Any, handle: bytes) -> None:
    for half in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
        try:
            session.get_key(object_class=half, id=handle).destroy()
        except NoSuchKey:
            continue


def _sign_es256(key: Any, message: bytes) -> bytes:
    digest = sha256(message).digest()
    return bytes(key.sign(digest, mechanism=Mechanism.ECDSA))


def _sign_rs256(key: Any, message: bytes) -> bytes:
    return bytes(key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))


def _sign_ps256(key: Any, message: bytes) -> bytes:
    # The salt is as long as the hash (RFC 7518, 3.5).
    salted = (Mechanism.SHA256, MGF.SHA256, sha256().digest_size)
    mechanism = Mechanism.SHA256_RSA_PKCS_PSS
    return bytes(key.sign(message, mechanism=mechanism, mechanism_param=salted))


def _sign_eddsa(key: Any, message: bytes) -> bytes:
    return bytes(key.sign(message, mechanism=Mechanism.EDDSA))


MAKE: Mapping[str, Callable[[Any, bytes], bytes]] = {
    "ES256": _make_es256,
    "PS256": _make_rsa,
    "RS256": _make_rsa,
    "EdDSA": _make_eddsa,
}
SIGN: Mapping[str, Callable[[Any, bytes], bytes]] = {
    "ES256": _sign_es256,
    "PS256": _sign_ps256,
    "RS256": _sign_rs256,
    "EdDSA": _sign_eddsa,
}
