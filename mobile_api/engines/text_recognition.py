"""What each step along a level line shows: probabilities of the zone's alphabet.

The recogniser knows 18,709 characters; what is no character of a zone is `other`,
and look-alikes of another script or case count for the character they look like.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobile_api.images import Pixels

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<"
BLANK = len(ALPHABET)
TURNED = BLANK + 1
OTHER = BLANK + 2
UPSIDE_DOWN = ">›»＞〉》"
LOOKS_LIKE = {
    "<": "<‹«＜く〈〱《{(",
    "I": "I|｜",
    "O": "OОΟ",
    "0": "0０Ø〇○",
    "C": "CС",
    "K": "KК",
    "M": "MМ",
    "H": "HН",
    "P": "PР",
    "X": "XХ×",
    "1": "1",
    "8": "8",
}
SMALL = "cikmopsuvwxz"
Steps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A text recogniser: `classes` are the model's numbers for each of ALPHABET.

    `turned` are those of a filler that is read from its other end.
    """

    session: Any
    classes: tuple[tuple[int, ...], ...]
    turned: tuple[int, ...]

    def read(self, lines: Sequence[Pixels]) -> list[Steps]:
        """Return for each line (48 x width RGB, one width) its steps x 40.

        The columns are ALPHABET, the blank, a filler upside down, and all else.
        """
        planes = np.stack(lines)[..., ::-1].astype(np.float32) / 127.5 - 1
        seen = self.session.run(None, {"x": planes.transpose(0, 3, 1, 2)})[0]
        return [self._folded(one) for one in seen]

    def _folded(self, seen: NDArray[np.float32]) -> Steps:
        parts = [seen[:, list(numbers)].sum(axis=1) for numbers in self.classes]
        turned = seen[:, list(self.turned)].sum(axis=1)
        known = np.stack([*parts, seen[:, 0], turned], axis=1)
        rest = np.clip(1 - known.sum(axis=1, keepdims=True), 0, 1)
        return np.hstack([known, rest]).astype(np.float32)


def recogniser_of(session: Any) -> Recogniser:
    """Return the recogniser: the model carries its list of characters."""
    listed = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    numbers = {character: at + 1 for at, character in enumerate(listed)}
    classes = tuple(_numbers(one, numbers) for one in ALPHABET)
    turned = tuple(numbers[one] for one in UPSIDE_DOWN if one in numbers)
    return Recogniser(session, classes, turned)


def _numbers(character: str, numbers: dict[str, int]) -> tuple[int, ...]:
    alike = set(LOOKS_LIKE.get(character, "")) | {character}
    if character.lower() in SMALL:
        alike.add(character.lower())
    return tuple(sorted(numbers[one] for one in alike if one in numbers))
