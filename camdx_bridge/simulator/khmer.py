"""A comparison key for Khmer names: look-alike spellings get one key. Pure.

Unicode normalisation does not unify them: subscript TA and DA look the same, marks of
one cluster may be typed in any order, and invisible joiners come and go. The key is
for comparing only; it is never shown or stored.
"""

import re

_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad\u17b4\u17b5]")
_COENG = "\u17d2"
_LETTER = "[\u1780-\u17b3]"
_CLUSTER = re.compile(
    f"({_LETTER})((?:{_COENG}{_LETTER}|[\u17b6-\u17d1\u17d3\u17dd])+)"
)
_PIECE = re.compile(f"{_COENG}{_LETTER}|.", re.DOTALL)
_FOLDED = (
    ("\u17d2\u178a", "\u17d2\u178f"),  # subscript DA and TA
    ("\u17a3", "\u17a2"),  # a deprecated letter A
    ("\u17b2", "\u17b1"),  # two shapes of the independent vowel OO
)
_COMPOSED = (("\u17c1\u17b8", "\u17be"), ("\u17c1\u17b6", "\u17c4"))
_SHIFTERS = frozenset("\u17c9\u17ca")
_UPPER_VOWELS = frozenset("\u17b7\u17b8\u17b9\u17ba\u17be")
_BELOW = "\u17bb"  # the sign U; a shifter takes its shape under an upper vowel


def khmer_key(text: str) -> str:
    """Return the key: equal for spellings that look the same on a card."""
    text = _INVISIBLE.sub("", text)
    for written, folded in _FOLDED:
        text = text.replace(written, folded)
    text = _CLUSTER.sub(lambda found: found[1] + _in_order(found[2]), text)
    return " ".join(text.split())


def _in_order(marks: str) -> str:
    pieces = _PIECE.findall(marks)
    if _UPPER_VOWELS.intersection(pieces):
        pieces = [_BELOW if piece in _SHIFTERS else piece for piece in pieces]
    text = "".join(sorted(pieces, key=_place))
    for written, composed in _COMPOSED:
        text = text.replace(written, composed)
    return text


def _place(piece: str) -> tuple[int, str]:
    """Subscripts (RO last), shifters, below, before, other vowels, signs."""
    if piece.startswith(_COENG):
        return (1 if piece.endswith("\u179a") else 0), piece
    if piece in _SHIFTERS:
        return 2, piece
    if "\u17b6" <= piece <= "\u17c5":
        return 3, _VOWEL_ORDER.get(piece, piece)
    return 4, piece


# The half of a composed vowel that stands before the letter comes first.
_VOWEL_ORDER = {_BELOW: "\u0000", "\u17c1": "\u0001"}
