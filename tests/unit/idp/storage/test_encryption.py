import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.storage.columns import b64encode
from idp.storage.encryption import MasterKey, SealBroken, Sealer

OLD, NEW = MasterKey.of(b"o" * 32), MasterKey.of(b"n" * 32)


@given(st.binary(max_size=200), st.text(max_size=30))
def test_what_is_sealed_opens_for_its_context_only(data: bytes, context: str) -> None:
    sealer = Sealer([OLD])
    sealed = sealer.seal(data, context=context)
    assert sealer.open(sealed, context=context) == data
    with pytest.raises(SealBroken):
        sealer.open(sealed, context=context + "x")


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_anywhere_is_noticed(place: int, flip: int) -> None:
    sealer = Sealer([OLD])
    for sealed, opened in (
        (sealer.seal(b"secret", context="c"), sealer.open),
        (sealer.seal_token(b"secret", context="c"), sealer.open_token),
    ):
        altered = bytearray(sealed)
        altered[place % len(altered)] ^= flip
        with pytest.raises(SealBroken):
            opened(bytes(altered), context="c")


@given(st.binary(max_size=150))
def test_anything_else_is_a_broken_seal_and_nothing_worse(data: bytes) -> None:
    for opened in (Sealer([OLD]).open, Sealer([OLD]).open_token):
        with pytest.raises(SealBroken):
            opened(data, context="c")


def test_a_new_master_key_seals_and_the_old_one_still_opens() -> None:
    before = Sealer([OLD]).seal(b"x", context="c")
    rotated = Sealer([NEW, OLD])
    assert rotated.open(before, context="c") == b"x"
    after = rotated.seal(b"y", context="c")
    with pytest.raises(SealBroken):
        Sealer([OLD]).open(after, context="c")


def test_an_index_is_equal_for_equal_values_of_one_name_and_survives_rotation() -> None:
    index = Sealer([OLD]).blind_index("phone", "+85512345678")
    assert index == Sealer([NEW, OLD]).blind_index("phone", "+85512345678")
    assert index != Sealer([OLD]).blind_index("document", "+85512345678")
    assert index != Sealer([OLD]).blind_index("phone", "+85512345679")


def test_two_seals_of_one_value_differ() -> None:
    sealer = Sealer([OLD])
    assert sealer.seal(b"x", context="c") != sealer.seal(b"x", context="c")


def test_a_master_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKey.of(b"short")
    assert len(b64encode(OLD.key)) == 43
