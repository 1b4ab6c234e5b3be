import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from idp.domain.qr_codes import QrCode, check_code, make_code, parse_code
from idp.errors import QrStale

SECRET = bytes(range(32))
IDS = st.text("ABCab01-_", min_size=1, max_size=22)


@given(IDS, st.integers(0, 9999), st.floats(0, 10_010))
def test_a_code_is_accepted_from_one_second_early_to_five_late(
    challenge: str, t: int, age: float
) -> None:
    code = make_code(challenge_id=challenge, secret=SECRET, t=t)
    facts = {"challenge_id": challenge, "secret": SECRET, "age": age}
    if -1 <= age - t <= 5:
        check_code(scanned=QrCode(t, code), **facts)  # type: ignore[arg-type]
    else:
        with pytest.raises(QrStale):
            check_code(scanned=QrCode(t, code), **facts)  # type: ignore[arg-type]


@given(IDS, IDS, st.integers(0, 9999), st.integers(0, 9999))
def test_a_code_is_good_for_its_challenge_and_second_only(
    mine: str, other: str, t: int, u: int
) -> None:
    assume((mine, t) != (other, u))
    code = make_code(challenge_id=mine, secret=SECRET, t=t)
    with pytest.raises(QrStale):
        check_code(
            challenge_id=other, secret=SECRET, scanned=QrCode(u, code), age=float(u)
        )


@given(st.text(max_size=60))
def test_anything_else_is_stale_and_nothing_worse(text: str) -> None:
    try:
        found = parse_code(text)
    except QrStale:
        return
    assert text == f"{found.t}.{found.code}"
    assert text.isascii()


@pytest.mark.parametrize(
    "text", ["០." + "A" * 22, "01." + "A" * 22, "1." + "A" * 21, "1." + "A" * 23,
             "10000." + "A" * 22, "-1." + "A" * 22, "1." + "=" * 22, "", "1.", "."],
)  # fmt: skip
def test_other_spellings_of_a_code_are_refused(text: str) -> None:
    with pytest.raises(QrStale):
        parse_code(text)
