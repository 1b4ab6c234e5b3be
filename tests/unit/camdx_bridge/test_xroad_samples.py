"""X-Road's own sample data: our verdicts are its verdicts."""

from datetime import UTC, datetime

import pytest
from cryptography import x509

from camdx_bridge import ClientId, DocumentInvalid, DocumentUnusable, Refusal
from camdx_bridge.documents import Judgement, Verdict, Warned, judge_file
from camdx_bridge.documents.hash_chain import ChainOutcome, verify_hash_chain
from camdx_bridge.trust import (
    Directory,
    SharedParameters,
    read_anchor,
    read_directory,
    read_private_parameters,
    read_shared_parameters,
    require_entry,
)
from camdx_bridge.trust.certificates import common_name
from camdx_bridge.trust.directory import PRIVATE, SHARED
from tests.xroad import CONTAINERS, SAMPLES, sample_trust

VALID = [
    "valid-signed-message",
    "valid-signed-hashchain",
    "valid-batch-ts",
    "valid-non-batch-rest",
    "valid-non-batch-soap-attachments",
    "invalid-not-signed-hashchain",
]
INVALID = {
    "wrong-message": "InvalidSignatureValue",
    "invalid-digest": "InvalidSignatureValue",
    "invalid-signed-hashchain": "MalformedSignature.InvalidHashChainRef",
    "invalid-hashchain-modified-message": "MalformedSignature.HashChainUnusedInputs",
    "invalid-incorrect-references": "MalformedSignature",
    "invalid-ts-hashchainresult": "MalformedSignature",
}


def judgement(name: str) -> Judgement:
    (found,) = judge_file(CONTAINERS / f"{name}.asice", trust=sample_trust())
    return found


def test_every_sample_container_has_its_verdict_here() -> None:
    names = {path.stem for path in CONTAINERS.glob("*.asice")}
    assert names == {*VALID, *INVALID}


@pytest.mark.parametrize("name", VALID)
def test_what_xroad_accepts_is_valid(name: str) -> None:
    found = judgement(name)
    assert (found.verdict, found.code) == (Verdict.VALID, None)
    assert found.verified
    assert "message.xml" in found.verified.covered


@pytest.mark.parametrize("name", INVALID)
def test_what_xroad_refuses_is_invalid_for_the_same_reason(name: str) -> None:
    found = judgement(name)
    assert found.verdict is Verdict.INVALID
    assert found.verified is None
    assert found.code
    assert found.code.xroad == INVALID[name]


def test_the_facts_of_a_stamped_rest_answer_are_told() -> None:
    said = judgement("valid-non-batch-rest").verified
    assert said
    assert said.signer == ClientId("DEV", "COM", "1234")
    assert said.server_code == "SS0"
    assert said.claimed_at == datetime(2024, 7, 11, 12, 50, 37, tzinfo=UTC)
    assert said.stamped_at == datetime(2024, 7, 11, 12, 51, 12, tzinfo=UTC)
    assert said.stamped_by == "Test TSA"
    assert said.status_at == datetime(2024, 7, 11, 12, 48, 18, tzinfo=UTC)
    assert said.covered == ("attachment1", "message.xml")
    assert said.head
    assert said.head.is_request is False
    assert said.head.client == ClientId("DEV", "COM", "4422", "TestClient")
    assert said.head.service == "mock1"
    assert (said.unverified, said.unsigned, said.warnings) == ((), (), ())


def test_an_attachment_that_is_not_here_is_told_as_unverified() -> None:
    said = judgement("valid-signed-hashchain").verified
    assert said
    assert said.covered == ("message.xml",)
    assert said.unverified == ("attachment1",)
    assert said.warnings == (Warned.ATTACHMENTS_MISSING,)


def test_a_chain_that_nobody_signed_is_warned_about() -> None:
    said = judgement("invalid-not-signed-hashchain").verified
    assert said
    assert said.unsigned == ("hashchain.xml", "hashchainresult.xml")
    assert said.warnings == (Warned.HASH_CHAIN_NOT_SIGNED, Warned.FILES_NOT_SIGNED)


CONF = SAMPLES / "globalconf"
ANCHOR = read_anchor((CONF / "configuration_anchor_CS_internal.xml").read_bytes())
IN_FORCE = datetime(2030, 1, 1, tzinfo=UTC)
VERSIONS = {"V3": "CS", "V6": "DEV"}


def keys_of(version: str) -> tuple[x509.Certificate, ...]:
    """The anchor's keys; V3 is of another instance, whose key its sources name."""
    if version == "V6":
        return ANCHOR.certificates
    return shared_of(version).sources[0].internal


def shared_of(version: str) -> SharedParameters:
    (path,) = (CONF / version).glob("*/shared-params.xml")
    return read_shared_parameters(path.read_bytes())


def directory(version: str, now: datetime = IN_FORCE) -> Directory:
    data = (CONF / version / "internalconf").read_bytes()
    return read_directory(data, certificates=keys_of(version), now=now)


@pytest.mark.parametrize(("version", "instance"), VERSIONS.items())
def test_a_served_configuration_verifies_to_its_keys(
    version: str, instance: str
) -> None:
    found = directory(version)
    assert found.version == int(version[1:])
    for kind in (SHARED, PRIVATE):
        entry = require_entry(found, kind, instance)
        path = CONF / entry.location.removeprefix("/")
        assert entry.require(path.read_bytes())
        with pytest.raises(DocumentUnusable) as refusal:
            entry.require(path.read_bytes() + b" ")
        assert refusal.value.code is Refusal.CONFIGURATION_UNSIGNED


@pytest.mark.parametrize("version", VERSIONS)
def test_an_expired_configuration_is_refused(version: str) -> None:
    end = directory(version).expires_at
    with pytest.raises(DocumentUnusable) as refusal:
        directory(version, now=end)
    assert refusal.value.code is Refusal.CONFIGURATION_EXPIRED
    assert refusal.value.code.xroad == "OutdatedGlobalConf"


def test_a_changed_configuration_is_refused() -> None:
    data = (CONF / "V6" / "internalconf").read_bytes()
    for before, after in ((b"Version: 6", b"Version: 7"), (b"2035", b"2036")):
        assert before in data
        with pytest.raises(DocumentUnusable):
            read_directory(
                data.replace(before, after),
                certificates=ANCHOR.certificates,
                now=IN_FORCE,
            )


def test_a_configuration_signed_by_another_key_is_refused() -> None:
    data = (CONF / "V6" / "internalconf").read_bytes()
    with pytest.raises(DocumentUnusable) as refusal:
        read_directory(data, certificates=keys_of("V3"), now=IN_FORCE)
    assert refusal.value.code is Refusal.CONFIGURATION_UNSIGNED


@pytest.mark.parametrize(("version", "instance"), VERSIONS.items())
def test_shared_and_private_parameters_of_every_version_are_read(
    version: str, instance: str
) -> None:
    (path,) = (CONF / version).glob("*/private-params.xml")
    shared, private = shared_of(version), read_private_parameters(path.read_bytes())
    assert (shared.instance, private.instance) == (instance, instance)
    assert private.timestamping_interval_s == 60
    assert private.management
    assert private.management.provider.subsystem
    assert shared.ocsp_freshness_s == 3600
    assert {str(server.id.server) for server in shared.servers} == {"SS0", "SS1"}
    assert all(len(d) == 32 for s in shared.servers for d in s.auth_digests)
    (group,) = shared.groups
    assert {one.member for one in group.members} <= {
        m.id.member for m in shared.members
    }


def test_certificates_are_read_from_der_and_from_pem() -> None:
    (authority,) = sample_trust().authorities
    assert common_name(authority.top.certificate) == "Test CA"
    older = shared_of("V3")
    assert common_name(older.authorities[0].top.certificate) == "X-Road Test CA CN"


CHAINS = SAMPLES / "hashchain"


def followed(
    number: int, chains: dict[str, str], required: set[str] | None = None
) -> ChainOutcome:
    files = {name: CHAINS / f"hc-verifier{number}-{f}" for name, f in chains.items()}
    files["message.xml"] = CHAINS / f"hc-verifier{number}-message.xml"

    def resolve(name: str) -> bytes | None:
        path = files.get(name)
        return path.read_bytes() if path and path.exists() else None

    result = (CHAINS / f"hc-verifier{number}-hashchainresult.xml").read_bytes()
    return verify_hash_chain(result, resolve=resolve, required=required or set())


@pytest.mark.parametrize("number", [1, 3])
def test_a_sample_chain_holds(number: int) -> None:
    found = followed(number, {"hashchain.xml": "hashchain.xml"}, {"message.xml"})
    assert found == ChainOutcome(frozenset({"message.xml"}), frozenset())


def test_a_sample_chain_over_absent_files_holds_and_says_so() -> None:
    found = followed(2, {"hashchain.xml": "hashchain.xml"})
    names = {"message.xml", "attachment1", "attachment2", "attachment3"}
    assert found == ChainOutcome(frozenset(), frozenset(names))


def test_a_sample_chain_goes_on_in_another_file() -> None:
    chains = {"hashchain.xml": "hashchain1.xml", "hashchain2.xml": "hashchain2.xml"}
    assert followed(4, chains, {"message.xml"}).verified == {"message.xml"}
    with pytest.raises(DocumentInvalid):
        followed(4, {"hashchain.xml": "hashchain1.xml"})


def test_an_invalid_sample_chain_is_refused() -> None:
    with pytest.raises(DocumentInvalid) as refusal:
        followed(3, {"hashchain.xml": "hashchain-invalid.xml"})
    assert refusal.value.code is Refusal.HASH_CHAIN_REFERENCE
    result = (CHAINS / "hc-verifier1-hashchainresult.xml").read_bytes()
    chain = (CHAINS / "hc-verifier5-hashchain-invalid-schema.xml").read_bytes()
    with pytest.raises(DocumentInvalid) as refusal:
        verify_hash_chain(
            result, resolve={"hashchain.xml": chain}.get, required={"message.xml"}
        )
    assert refusal.value.code is Refusal.HASH_CHAIN_MALFORMED
