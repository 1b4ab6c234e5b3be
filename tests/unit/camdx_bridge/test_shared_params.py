"""Files of the global configuration: read as every version writes them, or refused."""

from base64 import b64encode
from hashlib import sha1, sha256

import pytest

from camdx_bridge import DocumentUnusable, Refusal
from camdx_bridge.trust import (
    SharedParameters,
    read_anchor,
    read_private_parameters,
    read_shared_parameters,
)
from camdx_bridge.trust.certificates import der_of
from camdx_bridge.trust_lab import Publisher
from tests.xroad import NOW, bank, lab


def changed(before: str, after: str) -> bytes:
    text = lab().shared_params().decode()
    assert before in text
    return text.replace(before, after, 1).encode()


def with_digest(digest: bytes) -> SharedParameters:
    added = f"<authCertHash>{b64encode(digest).decode()}</authCertHash><client>"
    return read_shared_parameters(changed("<client>", added))


def test_a_server_knows_its_certificate_by_the_digest_of_either_version() -> None:
    own = bank().holder.certificate
    other = lab().members[1].holder.certificate
    for digest in (sha1(der_of(own)).digest(), sha256(der_of(own)).digest()):
        first, second = with_digest(digest).servers
        assert first.is_its_certificate(own)
        assert not first.is_its_certificate(other)
        assert not second.is_its_certificate(own)
    assert not with_digest(b"").servers[0].is_its_certificate(own)


def test_a_version_without_sources_names_no_keys() -> None:
    assert lab().trust.sources == ()
    keys = (lab().root.certificate,)
    named = read_shared_parameters(lab().shared_params(configuration_keys=keys))
    assert named.sources[0].internal == keys


def test_members_servers_and_clients_are_joined_by_their_ids() -> None:
    trust = lab().trust
    assert [one.id.member for one in trust.members] == ["BANK", "REGISTER"]
    server = trust.servers[0]
    assert str(server.id) == "CAMBODIA/GOV/BANK/SS-BANK"
    assert [str(one) for one in server.clients] == ["CAMBODIA/GOV/BANK/SUB"]


def test_elements_of_later_versions_are_left_alone() -> None:
    added = "<maintenanceMode><message>x</message></maintenanceMode><client>"
    assert read_shared_parameters(changed("<client>", added)) == lab().trust


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<owner>m0</owner>", "<owner>m9</owner>"),
        ("<client>s0</client>", "<client>s9</client>"),
        ('id="m1"', 'id="m0"'),
        ("<memberCode>BANK</memberCode>", "<memberCode></memberCode>"),
        ("<memberCode>BANK</memberCode>", ""),
        (">3600<", ">99999999<"),
        (">3600<", ">-1<"),
        (">false<", ">maybe<"),
        ("<topCA><cert>", "<topCA><cert>!"),
        ("<topCA><cert>", "<topCA><cert>AAAA"),
        ("<approvedCA>", "<instanceIdentifier>A</instanceIdentifier><approvedCA>"),
        ("http://x-road.eu/xsd/xroad.xsd", "http://x-road.eu/xsd/other.xsd"),
        ("<ns3:conf", "<!DOCTYPE a><ns3:conf"),
    ],
)
def test_trust_that_is_not_as_it_should_be_cannot_be_used(
    before: str, after: str
) -> None:
    with pytest.raises(DocumentUnusable) as refusal:
        read_shared_parameters(changed(before, after))
    assert refusal.value.code is Refusal.TRUST_MALFORMED


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<generatedAt>", b"<generatedAt>x"),
        (b"Z</generatedAt>", b"</generatedAt>"),
        (b"<verificationCert>", b"<other>x</other><verificationCert>x"),
        (b"source>", b"sauce>"),
        (b"configurationAnchor", b"conf"),
    ],
)
def test_an_anchor_that_is_not_as_it_should_be_cannot_be_used(
    before: bytes, after: bytes
) -> None:
    data = Publisher.make("CAMBODIA", "http://x/conf", now=NOW).anchor(now=NOW)
    assert read_anchor(data).sources[0].url == "http://x/conf"
    assert before in data
    with pytest.raises(DocumentUnusable):
        read_anchor(data.replace(before, after))


def test_private_parameters_name_their_partners_anchors() -> None:
    anchor = Publisher.make("DEV", "http://partner/conf", now=NOW).anchor(now=NOW)
    inner = anchor[anchor.index(b"<generatedAt>") : anchor.rindex(b"</ns3:")]
    partner = b"<configurationAnchor>" + inner + b"</configurationAnchor></ns3:conf>"
    data = lab().private_params().replace(b"</ns3:conf>", partner)
    (found,) = read_private_parameters(data).partners
    assert (found.instance, found.sources[0].url) == ("DEV", "http://partner/conf")
