"""Which key may have signed what, and which times are times: the last bounds."""

from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.client_jwts import LEEWAY, check_times, may_sign
from idp.errors import ClientJwtInvalid
from tests.party_keys import PartyKey

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
KINDS = {"ES256": "EC", "EdDSA": "OKP", "PS256": "RSA", "RS256": "RSA"}


@pytest.mark.parametrize("alg", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_key_signs_with_the_algorithms_of_its_kind_alone(
    alg: str, other: str
) -> None:
    bare = PartyKey.make(alg).bare
    assert may_sign(bare, other) == (KINDS[alg] == KINDS[other])
    assert may_sign({**bare, "alg": alg}, other) == (alg == other)


@pytest.mark.parametrize(
    "changes",
    [{"use": "enc"}, {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"key_ops": []}],
    ids=str,
)
def test_a_key_for_something_else_signs_nothing(changes: dict[str, object]) -> None:
    key = {**PartyKey.make().bare, **changes}
    assert not may_sign(key, "ES256")


def test_a_time_is_a_number_from_1970_on() -> None:
    assert check_times({"iat": 0}, NOW, max_life=HOUR, needs=())
    with pytest.raises(ClientJwtInvalid, match="range"):
        check_times({"iat": -1}, NOW, max_life=HOUR, needs=())


def test_the_leeway_is_half_a_minute() -> None:
    assert timedelta(seconds=30) == LEEWAY
