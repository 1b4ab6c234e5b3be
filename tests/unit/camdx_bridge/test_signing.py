"""Signing in a member's name, with the lab's services; what is signed is verified."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    pkcs12,
)

from camdx_bridge import (
    ClientId,
    DocumentRefused,
    KeyUnusable,
    Refusal,
    SourceFailed,
)
from camdx_bridge.documents import Verdict
from camdx_bridge.documents.container_writing import write_container
from camdx_bridge.documents.containers import MESSAGE
from camdx_bridge.documents.signing import SignedMessage, add_timestamp
from camdx_bridge.fetching import (
    ConfigurationClient,
    HttpFetcher,
    OcspClient,
    TimestampClient,
)
from camdx_bridge.signing import (
    MemberSigner,
    Pkcs12Key,
    StampedSignature,
    stamp_signatures,
)
from camdx_bridge.trust_lab import Holder
from camdx_bridge.trust_lab.running import running
from camdx_bridge.trust_lab.server import LIFE, LabServer
from tests.xroad import BODY, NOW, REQUEST, Clock, bank, judged, lab

PASSWORD = "ពាក្យសម្ងាត់ 1"


def written(folder: Path, holder: Holder, *, password: str = PASSWORD) -> Path:
    path = folder / "sign.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"sign",
            holder.key,
            holder.certificate,
            [lab().authority.certificate],
            BestAvailableEncryption(password.encode()),
        )
    )
    return path


@pytest.fixture
def key(tmp_path: Path) -> Pkcs12Key:
    return Pkcs12Key.load(written(tmp_path, bank().holder), PASSWORD)


@dataclass
class Scene:
    server: LabServer
    signer: MemberSigner
    stamper: TimestampClient
    clock: Clock


def play(key: Pkcs12Key, scene: Callable[[Scene], Awaitable[None]]) -> None:
    async def work() -> None:
        clock = Clock()
        async with running(lab(), clock=clock) as server, HttpFetcher() as fetcher:
            configuration = ConfigurationClient(
                server.publisher.anchor(now=NOW), fetcher=fetcher, clock=clock
            )
            await configuration.refresh()
            signer = MemberSigner(
                member=bank().subsystem,
                key=key,
                certificate=key.certificate,
                others=key.others,
                configuration=configuration,
                ocsp=OcspClient(fetcher=fetcher, clock=clock),
                clock=clock,
            )
            stamper = TimestampClient(fetcher=fetcher)
            await scene(Scene(server, signer, stamper, clock))

    asyncio.run(work())


def digests(message: bytes, attachments: dict[str, bytes]) -> dict[str, bytes]:
    files = {MESSAGE: message, **attachments}
    return {name: hashlib.sha512(data).digest() for name, data in files.items()}


def container(
    message: bytes,
    attachments: dict[str, bytes],
    signed: SignedMessage,
    stamped: StampedSignature,
) -> bytes:
    return write_container(
        message=message,
        signatures=stamped.signatures,
        signed_files=signed.files,
        attachments=attachments,
        batch=stamped.batch,
    )


@pytest.mark.parametrize("size", [1, 2, 7])
def test_what_a_member_signs_and_stamps_is_valid(key: Pkcs12Key, size: int) -> None:
    async def scene(s: Scene) -> None:
        trust = s.signer.configuration.current().shared
        messages = [REQUEST.replace(b"-1", f"-{n}".encode()) for n in range(size)]
        bodies = [BODY if n % 2 else {} for n in range(size)]
        signed = [
            await s.signer.sign(digests(message, body))
            for message, body in zip(messages, bodies, strict=True)
        ]
        stamped = await stamp_signatures(
            [one.signatures for one in signed], client=s.stamper, trust=trust
        )
        assert s.server.counts["tsa"] == 1
        # Two certificates were asked about once, however many messages were signed.
        assert s.server.counts["ocsp"] == 2
        for parts in zip(messages, bodies, signed, stamped, strict=True):
            found = judged(container(*parts))
            assert found.verdict is Verdict.VALID, found
            assert found.verified
            assert found.verified.signer == bank().id

    play(key, scene)


def test_nothing_is_signed_after_the_configuration_expired(key: Pkcs12Key) -> None:
    async def scene(s: Scene) -> None:
        s.clock.now = NOW + LIFE
        with pytest.raises(DocumentRefused) as refusal:
            await s.signer.sign(digests(REQUEST, {}))
        assert refusal.value.code is Refusal.CONFIGURATION_EXPIRED

    play(key, scene)


def test_nothing_is_signed_without_fresh_ocsp(key: Pkcs12Key) -> None:
    async def scene(s: Scene) -> None:
        s.server.is_away.add("ocsp")
        with pytest.raises(SourceFailed):
            await s.signer.sign(digests(REQUEST, {}))

    play(key, scene)


def test_nothing_is_signed_in_another_members_name(key: Pkcs12Key) -> None:
    async def scene(s: Scene) -> None:
        other = replace(s.signer, member=ClientId("CAMBODIA", "GOV", "REGISTER", "SUB"))
        with pytest.raises(DocumentRefused) as refusal:
            await other.sign(digests(REQUEST, {}))
        assert refusal.value.code is Refusal.SIGNER_MISMATCH

    play(key, scene)


def test_when_no_authority_stamps_nothing_is_stamped(key: Pkcs12Key) -> None:
    async def scene(s: Scene) -> None:
        trust = s.signer.configuration.current().shared
        signed = await s.signer.sign(digests(REQUEST, {}))
        s.server.is_away.add("tsa")
        for documents in ([signed.signatures], [signed.signatures] * 2):
            with pytest.raises(SourceFailed):
                await stamp_signatures(documents, client=s.stamper, trust=trust)
        assert await stamp_signatures([], client=s.stamper, trust=trust) == ()

    play(key, scene)


def test_a_document_without_a_place_for_a_time_stamp_is_refused() -> None:
    with pytest.raises(DocumentRefused):
        add_timestamp(b"<a/>", b"token")


def test_another_password_or_no_file_is_told_without_saying_what_is_in_it(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, bank().holder)
    with pytest.raises(KeyUnusable, match="another password"):
        Pkcs12Key.load(path, "wrong")
    with pytest.raises(KeyUnusable, match="cannot be read"):
        Pkcs12Key.load(tmp_path / "absent", PASSWORD)
    path.write_bytes(b"nothing")
    with pytest.raises(KeyUnusable):
        Pkcs12Key.load(path, PASSWORD)


def test_a_key_that_is_not_for_signing_is_refused(tmp_path: Path) -> None:
    unfit = lab().authority.issue(
        lab().sign_name("BANK"), now=NOW, usage="digital_signature"
    )
    with pytest.raises(KeyUnusable, match="not for signing"):
        Pkcs12Key.load(written(tmp_path, unfit), PASSWORD)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ec.p12"
    secret = BestAvailableEncryption(PASSWORD.encode())
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", key, None, None, secret)
    )
    with pytest.raises(KeyUnusable, match="no RSA key"):
        Pkcs12Key.load(path, PASSWORD)


def test_a_key_does_not_show_itself(key: Pkcs12Key) -> None:
    assert "_key" not in repr(key)
    assert "PrivateKey" not in repr(key)
