"""Identifiers: written strictly, read leniently, never ambiguous."""

import pytest

from camdx_bridge import ClientId, IdentifierInvalid, SecurityServerId, ServiceId

KYC = ServiceId("CAMBODIA", "GOV", "CAMDX-20201222", "CAMDIGIKEY_KYC", "kyc")


def test_a_service_is_written_with_five_parts() -> None:
    assert str(KYC) == "CAMBODIA/GOV/CAMDX-20201222/CAMDIGIKEY_KYC/kyc"
    assert KYC.provider == ClientId(
        "CAMBODIA", "GOV", "CAMDX-20201222", "CAMDIGIKEY_KYC"
    )


def test_an_underscore_is_read_although_the_strict_rule_has_none() -> None:
    assert ServiceId.parse(str(KYC)) == KYC


def test_a_slash_or_khmer_in_a_part_is_percent_encoded() -> None:
    member = ClientId("CAMBODIA", "GOV", "ក/1", "A B")
    assert str(member) == "CAMBODIA/GOV/%E1%9E%80%2F1/A%20B"
    assert ClientId.parse(str(member)) == member


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ClientId, "CAMBODIA/GOV"),
        (ClientId, "CAMBODIA/GOV/M/S/EXTRA"),
        (ServiceId, "CAMBODIA/GOV/M/kyc"),
        (SecurityServerId, "CAMBODIA/GOV/M"),
        (SecurityServerId, "CAMBODIA/GOV/M/S/EXTRA"),
        (ClientId, ""),
        (ClientId, "CAMBODIA//M"),
        (ClientId, "CAMBODIA/GOV/.."),
        (ClientId, "CAMBODIA/GOV/%2E%2e"),
        (ClientId, "CAMBODIA/GOV/%"),
        (ClientId, "CAMBODIA/GOV/%zz"),
        (ClientId, "CAMBODIA/GOV/%ff"),
        (ClientId, "CAMBODIA/GOV/a%0d%0ab"),
        (ClientId, "CAMBODIA/GOV/" + "a" * 256),
    ],
)
def test_what_is_no_identifier_is_refused(
    kind: type[ClientId | ServiceId | SecurityServerId], text: str
) -> None:
    with pytest.raises(IdentifierInvalid):
        kind.parse(text)
