"""Client certificates that a trusted proxy hands on (RFC 8705, RFC 9440)."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from camdigikey.commands.serve import behind_proxies
from idp.domain.client_keys import ClientKeys
from idp.errors import RelyingPartyUnknown
from idp.oidc.client_certificates import (
    PEER,
    certificate_of,
    is_trusted,
    mtls_metadata,
    mtls_methods,
    verify_client_certificate,
)
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services
from idp.settings import IdpSettings
from idp.storage.columns import b64encode
from tests.certificates import Authority, certificate, header_of
from tests.party_keys import PartyKey, rsa_key
from tests.unit.idp.oidc.parties import party_with, request
from tests.unit.idp.oidc.world import ISSUER, MovableClock, open_wired

pytestmark = pytest.mark.anyio
PROXY = "192.0.2.7"
NOW = MovableClock().now()
KEY = PartyKey.make()
ROOT = Authority.make(NOW)
LEAF = certificate(KEY.private, now=NOW, issuer=ROOT)
SELF = certificate(KEY.private, now=NOW)
SELF_PARTY = party_with(KEY, auth_method="self_signed_tls_client_auth")


@pytest.fixture
async def services(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    opened = await open_wired(sqlite_url)
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(ROOT.pem)
    yield with_settings(
        opened,
        trusted_proxies=(PROXY,),
        tls_client_ca_file=authorities,
        mtls_origin=ISSUER,
    )
    await opened.store.close()


def with_settings(services: Services, **changes: Any) -> Services:
    settings = services.settings.model_copy(update=changes)
    return replace(services, settings=settings)


def presenting(
    certificate: x509.Certificate, *chain: x509.Certificate, client: str = PROXY
) -> Any:
    headers = [("Client-Cert", header_of(certificate))]
    if chain:
        headers.append(("Client-Cert-Chain", ", ".join(map(header_of, chain))))
    return request(headers=headers, client=client)


def named(**names: str) -> Any:
    return party_with(auth_method="tls_client_auth", **names)


async def test_the_thumbprint_is_the_digest_of_the_certificate(
    services: Services,
) -> None:
    found = certificate_of(services, presenting(LEAF))
    assert found is not None
    digest = hashlib.sha256(LEAF.public_bytes(Encoding.DER)).digest()
    assert found.thumbprint == b64encode(digest)


async def test_only_a_trusted_proxy_is_believed(services: Services) -> None:
    for stranger in ("203.0.113.9", "192.0.2.8", "::1", "127.0.0.1"):
        assert certificate_of(services, presenting(LEAF, client=stranger)) is None
    nobody = with_settings(services, trusted_proxies=())
    assert certificate_of(nobody, presenting(LEAF)) is None


async def test_a_certificate_is_believed_only_where_one_is_asked_for(
    services: Services,
) -> None:
    # A proxy that ends plain TLS passes on whatever a caller writes.
    for origin in ("", "https://mtls.example", f"{ISSUER}0"):
        elsewhere = with_settings(services, mtls_origin=origin)
        assert certificate_of(elsewhere, presenting(LEAF)) is None
    twice = presenting(LEAF)
    twice.scope["headers"].append((b"host", b"localhost:8000"))
    assert certificate_of(services, Request(twice.scope)) is None


async def test_the_peer_counts_and_not_the_address_that_a_header_claims(
    services: Services,
) -> None:
    # What a header says moved scope["client"]; the peer was noted before.
    forged = presenting(LEAF)
    forged.scope[PEER] = "203.0.113.9"
    assert certificate_of(services, forged) is None
    honest = presenting(LEAF, client="203.0.113.9")
    honest.scope[PEER] = PROXY
    assert certificate_of(services, honest) is not None


@pytest.mark.parametrize("more", [0, 1])
async def test_certificate_and_chain_are_bounded_together(
    services: Services, more: int
) -> None:
    whole = header_of(LEAF)
    chain = "," * (16 * 1024 - len(whole) + more)
    headers = [("Client-Cert", whole), ("Client-Cert-Chain", chain)]
    asked = request(headers=headers, client=PROXY)
    if more:
        with pytest.raises(ProtocolRefusal):
            certificate_of(services, asked)
    else:
        assert certificate_of(services, asked) is not None


@pytest.mark.parametrize("spoil", ["x{}:", ":{}x", "{}:", ":{}", ""])
async def test_a_certificate_stands_between_two_colons(
    services: Services, spoil: str
) -> None:
    text = spoil.format(header_of(LEAF).strip(":"))
    with pytest.raises(ProtocolRefusal):
        certificate_of(services, request(headers=[("Client-Cert", text)], client=PROXY))


async def call(peer: str, forwarded: str, proxies: tuple[str, ...]) -> Scope:
    seen: list[Scope] = []

    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def nothing(*_message: Any) -> Any:
        raise AssertionError

    asked = request(client=peer, headers={"X-Forwarded-For": forwarded})
    await behind_proxies(application, proxies)(asked.scope, nothing, nothing)
    return seen[0]


async def test_the_server_notes_the_peer_before_it_undoes_proxies() -> None:
    scope = await call(PROXY, "203.0.113.9", (PROXY,))
    assert scope["client"][0] == "203.0.113.9"
    assert scope[PEER] == PROXY


async def test_a_stranger_cannot_claim_to_be_the_proxy() -> None:
    for proxies in ((PROXY,), ()):
        scope = await call("203.0.113.9", PROXY, proxies)
        assert scope["client"][0] == scope[PEER] == "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "proxies", "trusted"),
    [
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("10.1.2.3", ("10.1.2.3",), True),
        ("10.1.2.3", ("10.9.9.9/8",), True),
        ("11.1.2.3", ("10.0.0.0/8",), False),
        ("fd00::5", ("fd00::/8",), True),
        ("10.1.2.3", ("*",), False),
        ("10.1.2.3", ("*", "10.0.0.0/8"), True),
        ("", ("10.0.0.0/8",), False),
        ("unix", ("unix",), False),
    ],
)
def test_proxies_are_addresses_and_networks(
    peer: str, proxies: tuple[str, ...], *, trusted: bool
) -> None:
    assert is_trusted(peer, proxies) is trusted


SHOWN = header_of(LEAF)


@pytest.mark.parametrize(
    "values",
    [
        ["x"],
        ["::"],
        [":"],
        [""],
        [SHOWN[1:]],
        [SHOWN[:-1]],
        [SHOWN[:-5] + ":"],
        [":!!!!:"],
        [":" + "QUFB" * 6000 + ":"],
        [SHOWN, SHOWN],
        [SHOWN[:9] + "!" + SHOWN[9:]],
    ],
    ids=range(11),
)
async def test_a_header_that_is_no_certificate_is_refused(
    services: Services, values: list[str]
) -> None:
    headers = [("Client-Cert", value) for value in values]
    with pytest.raises(ProtocolRefusal):
        certificate_of(services, request(headers=headers, client=PROXY))


@given(text=st.text(st.characters(codec="latin-1"), max_size=60))
def test_no_header_breaks_the_reader(text: str) -> None:
    class Known:
        settings = IdpSettings(
            environment="development",
            issuer="https://a.example",
            app_origin="https://b.example",
            mtls_origin=ISSUER,
            trusted_proxies=(PROXY,),
        )

    asked = request(client=PROXY)
    asked.scope["headers"].append((b"client-cert", f":{text}:".encode("latin-1")))
    with pytest.raises(ProtocolRefusal):
        certificate_of(Known(), asked)  # type: ignore[arg-type]  # it reads settings


async def authenticate(
    services: Services, party: Any, *shown: Any, **more: Any
) -> None:
    await verify_client_certificate(services, presenting(*shown, **more), party)


async def refuse(services: Services, party: Any, *shown: Any, **more: Any) -> None:
    with pytest.raises(RelyingPartyUnknown):
        await authenticate(services, party, *shown, **more)


async def test_2_1_the_registered_subject_is_the_certificates(
    services: Services,
) -> None:
    party = named(tls_client_auth_subject_dn="CN=portal,O=Ministry,C=KH")
    await authenticate(services, party, LEAF)
    for other in (
        "CN=portal",
        "CN=Portal2,O=Ministry,C=KH",
        "C=KH,O=Ministry,CN=portal",
    ):
        await refuse(services, named(tls_client_auth_subject_dn=other), LEAF)


@pytest.mark.parametrize("dn", ["=", "CN", "X=1,,", "CN=a\\"])
async def test_2_1_2_a_subject_that_is_none_matches_nobody(
    services: Services, dn: str
) -> None:
    await refuse(services, named(tls_client_auth_subject_dn=dn), LEAF)


async def test_2_1_2_one_alternative_name_is_the_certificates(
    services: Services,
) -> None:
    names = [
        x509.DNSName("api.example"),
        x509.DNSName("Portal.example"),
        x509.UniformResourceIdentifier("https://portal.example/id"),
    ]
    shown = certificate(KEY.private, now=NOW, issuer=ROOT, san=names)
    for right in (
        {"tls_client_auth_san_dns": "portal.example"},
        {"tls_client_auth_san_dns": "api.example"},
        {"tls_client_auth_san_uri": "https://portal.example/id"},
    ):
        await authenticate(services, named(**right), shown)
    for wrong in (
        {"tls_client_auth_san_dns": "example"},
        {"tls_client_auth_san_dns": "*.example"},
        {"tls_client_auth_san_uri": "https://portal.example/"},
        {"tls_client_auth_san_uri": "portal.example"},
        {},
    ):
        await refuse(services, named(**wrong), shown)


PORTAL = {"tls_client_auth_san_dns": "portal.example"}


async def test_2_1_a_name_that_nobody_vouches_for_is_refused(
    services: Services,
) -> None:
    await refuse(services, named(**PORTAL), SELF)
    stranger = Authority.make(NOW)  # the same name, another key
    await refuse(
        services, named(**PORTAL), certificate(KEY.private, now=NOW, issuer=stranger)
    )


async def test_2_1_a_chain_may_come_with_the_certificate(services: Services) -> None:
    between = Authority.make(NOW, issuer=ROOT, name="CN=Between,C=KH")
    leaf = certificate(KEY.private, now=NOW, issuer=between)
    await refuse(services, named(**PORTAL), leaf)
    await authenticate(services, named(**PORTAL), leaf, between.certificate)


async def test_2_1_without_authorities_nobody_logs_in_by_a_name(
    services: Services,
) -> None:
    none = with_settings(services, tls_client_ca_file=None)
    await refuse(none, named(**PORTAL), LEAF)


async def test_a_certificate_is_valid_now(services: Services) -> None:
    clock = services.clock
    assert isinstance(clock, MovableClock)
    clock.move(days=31)
    await refuse(services, named(**PORTAL), LEAF)
    await refuse(services, SELF_PARTY, SELF)
    clock.move(days=-33)
    await refuse(services, SELF_PARTY, SELF)


async def test_a_certificate_is_valid_from_its_first_to_its_last_second(
    services: Services,
) -> None:
    clock = services.clock
    assert isinstance(clock, MovableClock)
    for first, inward in (
        (SELF.not_valid_before_utc, 1),
        (SELF.not_valid_after_utc, -1),
    ):
        clock.at = first
        await verify_client_certificate(services, presenting(SELF), SELF_PARTY)
        clock.move(seconds=-inward)
        await refuse(services, SELF_PARTY, SELF)


async def test_2_2_one_of_several_registered_keys_will_do(services: Services) -> None:
    keys = {"keys": [PartyKey.make(kid="other").jwk, KEY.jwk]}
    await authenticate(
        services, party_with(auth_method="self_signed_tls_client_auth", jwks=keys), SELF
    )


@dataclass
class Published:
    """A party's `jwks_uri`, and how often it was read."""

    key: PartyKey
    read: int = 0

    async def get(self, url: str, *, accept: str, limit: int) -> bytes:
        del url, accept, limit
        self.read += 1
        return json.dumps(self.key.jwks).encode()

    async def post(self, url: str, *, body: bytes, headers: Any) -> int:
        raise AssertionError(url, body, headers)


async def test_2_2_keys_are_read_again_for_an_unknown_certificate_alone(
    services: Services,
) -> None:
    clock, server, new = services.clock, Published(KEY), PartyKey.make()
    assert isinstance(clock, MovableClock)
    reading = replace(services, client_keys=ClientKeys(clock, server))
    party = party_with(
        auth_method="self_signed_tls_client_auth", jwks_uri="https://party.example/jwks"
    )
    for _ in range(2):
        await authenticate(reading, party, SELF)
        clock.move(minutes=2)
    assert server.read == 1
    server.key = new
    await authenticate(reading, party, certificate(new.private, now=NOW))
    assert server.read == 2


async def test_2_1_2_an_empty_name_is_nobodys(services: Services) -> None:
    empty: list[x509.GeneralName] = [x509.UniformResourceIdentifier("")]
    shown = certificate(KEY.private, now=NOW, issuer=ROOT, san=empty)
    await refuse(services, named(), shown)


EC_KEY = bytes.fromhex("06072a8648ce3d0201")
UNKNOWN_KEY = EC_KEY[:-1] + b"\x7f"


@pytest.mark.parametrize(
    "der",
    [
        certificate(
            ed448.Ed448PrivateKey.generate(), now=NOW, issuer=ROOT
        ).public_bytes(Encoding.DER),
        SELF.public_bytes(Encoding.DER).replace(EC_KEY, UNKNOWN_KEY),
    ],
    ids=["used nowhere here", "known to nobody"],
)
async def test_2_2_another_kind_of_key_is_nobodys(
    services: Services, der: bytes
) -> None:
    await refuse(services, SELF_PARTY, x509.load_der_x509_certificate(der))


@pytest.mark.parametrize("alg", ["ES256", "PS256"])
async def test_2_2_a_registered_key_is_the_certificates(
    services: Services, alg: str
) -> None:
    key = PartyKey.make(alg)
    party = party_with(key, auth_method="self_signed_tls_client_auth")
    await authenticate(services, party, certificate(key.private, now=NOW))
    other = certificate(PartyKey.make().private, now=NOW)
    await refuse(services, party, other)


async def test_2_2_keys_that_are_not_used_here_are_refused(services: Services) -> None:
    small = certificate(rsa_key(1024), now=NOW)
    large = certificate(ec.generate_private_key(ec.SECP384R1()), now=NOW)
    for shown in (small, large):
        await refuse(services, SELF_PARTY, shown)


async def test_without_a_certificate_nobody_is_authenticated(
    services: Services,
) -> None:
    await refuse(services, SELF_PARTY, SELF, client="203.0.113.9")
    with pytest.raises(RelyingPartyUnknown, match="no client certificate"):
        await verify_client_certificate(services, request(client=PROXY), SELF_PARTY)


async def test_another_method_is_not_authenticated_by_a_certificate(
    services: Services,
) -> None:
    await refuse(services, party_with(KEY), SELF)


async def test_5_aliases_are_told_when_there_are_any(services: Services) -> None:
    settings = services.settings.model_copy(update={"mtls_origin": ""})
    rest = {
        "token_endpoint": f"{ISSUER}/token",
        "userinfo_endpoint": f"{ISSUER}/userinfo",
        "jwks_uri": f"{ISSUER}/jwks",
    }
    assert mtls_metadata(settings, rest) == {}
    assert mtls_methods(settings) == ()
    alias = settings.model_copy(update={"mtls_origin": "https://mtls.example"})
    assert mtls_metadata(alias, rest) == {
        "tls_client_certificate_bound_access_tokens": True,
        "mtls_endpoint_aliases": {
            "token_endpoint": "https://mtls.example/token",
            "userinfo_endpoint": "https://mtls.example/userinfo",
        },
    }
    both = ("tls_client_auth", "self_signed_tls_client_auth")
    assert mtls_methods(alias) == both
    without = alias.model_copy(update={"tls_client_ca_file": None})
    assert mtls_methods(without) == both[1:]
    assert mtls_methods(alias.model_copy(update={"trusted_proxies": ()})) == ()
