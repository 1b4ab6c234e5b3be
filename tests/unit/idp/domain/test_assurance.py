import itertools

import pytest

from idp.domain.assurance import (
    LEVELS,
    UserVerification,
    acr_uri,
    amr_of,
    authenticator_level,
    highest,
    level_of,
    lowest,
    reaches,
)

ISSUER = "https://id.example"


@pytest.mark.parametrize("level", LEVELS)
def test_an_acr_is_read_short_and_as_a_uri(level: str) -> None:
    assert level_of(level, issuer=ISSUER) == level
    assert level_of(acr_uri(level, issuer=ISSUER), issuer=ISSUER) == level
    assert level_of(f"https://evil.example/acr/{level}", issuer=ISSUER) is None


def test_a_level_reaches_itself_and_what_is_below() -> None:
    reached = {
        (have, need)
        for have, need in itertools.product(LEVELS, LEVELS)
        if reaches(have, needed=need)
    }
    assert len(reached) == 6
    assert ("low", "high") not in reached
    assert not reaches("", needed="low")
    assert not reaches("high", needed="highest")


def test_the_sum_of_two_levels_is_the_lower_one() -> None:
    assert lowest("high", "substantial") == "substantial"
    assert highest("low", "substantial") == "substantial"
    with pytest.raises(ValueError, match="not in tuple"):
        lowest("imaginary", "low")


def test_only_attested_unsynced_keys_on_the_same_device_are_high() -> None:
    flags = list(itertools.product([False, True], repeat=3))
    high = [
        (attested, synced, cross)
        for attested, synced, cross in flags
        if authenticator_level(
            UserVerification.WEBAUTHN,
            is_attested_hardware=attested,
            is_synced=synced,
            is_cross_device=cross,
        )
        == "high"
    ]
    assert high == [(True, False, False)]
    assert authenticator_level(UserVerification.PIN) == "substantial"
    assert authenticator_level(UserVerification.SMS, is_attested_hardware=True) == "low"


def test_methods_are_those_of_rfc_8176() -> None:
    assert amr_of(UserVerification.PIN) == ("mfa", "pin", "pop", "swk")
    assert amr_of(UserVerification.WEBAUTHN, is_attested_hardware=True) == (
        "hwk",
        "mfa",
        "pop",
        "user",
    )
    assert amr_of(UserVerification.SMS) == ("sms",)
