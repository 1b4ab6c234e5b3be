"""Names in Khmer and Latin letters, and the key by which Khmer spellings compare.

A Khmer syllable can be typed in several orders that look the same, and Unicode
normalisation does not unite them. The name is kept as it was given; two names are
compared by `khmer_key`, which reads every syllable as

    base | robat | subscripts (RO last) | shifter | vowels | signs

and folds what the eye cannot tell apart: coeng DA and coeng TA, a vowel typed in two
parts, a register shifter that the vowel above turns into the shape of U, and the
invisible spaces. The stored text is never the key. Pure.
"""

import re
from typing import Final

KHMER_DIGITS: Final = {ord("០") + value: str(value) for value in range(10)}
LONGEST: Final = 60

_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\u17b4\u17b5]")
_SPACES: Final = re.compile(r"[ \u00a0\u3000\t]+")
_BASE: Final = "\u1780-\u17b3"
_MARK: Final = "\u17b6-\u17d1\u17d3\u17dd"
_SYLLABLE: Final = re.compile(f"[{_BASE}](?:\u17d2[{_BASE}]|[{_MARK}])*")
_KHMER_NAME: Final = re.compile(
    f"(?:{_SYLLABLE.pattern})+(?: (?:{_SYLLABLE.pattern})+)*"
)
_LATIN_NAME: Final = re.compile(r"[A-Z]+(?:[ '.-]{1,2}[A-Z]+)*\.?")
_PIECE: Final = re.compile(f"\u17d2[{_BASE}]|[{_MARK}]")

_COENG_DA, _COENG_TA, _COENG_RO = "\u17d2\u178a", "\u17d2\u178f", "\u17d2\u179a"
_OLD_LETTERS: Final = str.maketrans(
    {
        "\u17a3": "\u17a2",
        "\u17a4": "\u17a2\u17b6",
        "\u17a8": "\u17a7\u1780",
        "\u17b2": "\u17b1",
        "\u17d3": "\u17c6",
    }
)
_ROBAT, _U, _E = "\u17cc", "\u17bb", "\u17c1"
_SHIFTERS: Final = "\u17c9\u17ca"
_VOWELS: Final = tuple(chr(point) for point in range(0x17B6, 0x17C6))
_ABOVE: Final = frozenset("\u17b7\u17b8\u17b9\u17ba\u17be\u17d0")
_TWO_PARTS: Final = (("\u17b8", "\u17be"), ("\u17b6", "\u17c4"))


def ascii_digits(text: str) -> str:
    """Write Khmer digits as 0–9; `str.isdigit` and `int` would accept both."""
    return text.translate(KHMER_DIGITS)


def khmer_name(text: str) -> str:
    """Return a Khmer name as it will be kept; raises ValueError with a stable code."""
    name = _tidy(text)
    _require(name)
    if not _KHMER_NAME.fullmatch(name):
        raise ValueError("khmer-letters-only")
    return name


def latin_name(text: str) -> str:
    """Return a Latin name in capitals; raises ValueError with a stable code."""
    name = _tidy(text).upper()
    _require(name)
    if not _LATIN_NAME.fullmatch(name):
        raise ValueError("latin-letters-only")
    return name


def khmer_key(text: str) -> str:
    """Return the key under which look-alike spellings are equal."""
    plain = _INVISIBLE.sub("", text).translate(_OLD_LETTERS)
    plain = _SPACES.sub("", plain)
    return _SYLLABLE.sub(lambda found: _in_order(found.group()), plain)


def latin_key(text: str) -> str:
    """Return the letters of a Latin name, A–Z only (an MRZ has no hyphens)."""
    return re.sub(r"[^A-Z]", "", text.upper())


def _tidy(text: str) -> str:
    return _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip()


def _require(name: str) -> None:
    if not name:
        raise ValueError("missing")
    if len(name) > LONGEST:
        raise ValueError("too-long")


def _in_order(syllable: str) -> str:
    """Fold what looks alike in one syllable and sort its pieces."""
    pieces = _PIECE.findall(syllable[1:].replace(_COENG_DA, _COENG_TA))
    for second, whole in _TWO_PARTS:
        if _E in pieces and second in pieces:
            pieces.remove(_E)
            pieces[pieces.index(second)] = whole
    if not _ABOVE.isdisjoint(pieces):
        # Under a vowel that stands above, both shifters are drawn like U.
        pieces = [_U if piece in _SHIFTERS else piece for piece in pieces]
    return syllable[0] + "".join(sorted(pieces, key=_place))


def _place(piece: str) -> tuple[int, str]:
    """Say where a piece belongs; subscripts keep the order in which they came."""
    if piece == _ROBAT:
        return 0, ""
    if len(piece) > 1:
        return (2 if piece == _COENG_RO else 1), ""
    if piece in _SHIFTERS:
        return 3, piece
    if piece in _VOWELS:
        return 4, piece
    return 5, piece
