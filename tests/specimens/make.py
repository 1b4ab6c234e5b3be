"""Make the specimens that the package ships: `python -m tests.specimens.make`.

The same pixels come out each time; the JPEG bytes depend on the library's version.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.specimens import camera, faces
from tests.specimens.card import draw_card
from tests.specimens.persons import (
    BOPHA,
    DARA,
    SOPHEA,
    SOVANN,
    SREYPOV,
    Person,
    td1,
)

FOLDER = Path(__file__).resolve().parents[2] / "camdigikey" / "specimens"
TILT = 0.015


@dataclass(frozen=True, slots=True)
class Specimen:
    """One photo: whose card, what is shown on it, what must come of it."""

    name: str
    person: Person
    photo: faces.Image
    expect: str


def wrong_check_digit(person: Person) -> tuple[str, str, str]:
    """Return the zone with the check digit of the number one too high."""
    first, second, third = td1(person)
    wrong = str((int(first[14]) + 1) % 10)
    return first[:14] + wrong + first[15:], second, third


def specimens() -> Iterator[Specimen]:
    """Yield every photo, the good ones first."""
    for seed, person in enumerate((SREYPOV, SOVANN, DARA, SOPHEA), start=1):
        yield Specimen("card", person, photo(person, seed), "accepted")
    yield Specimen("card", BOPHA, photo(BOPHA, 5), "document-expired")
    wrong = draw_card(DARA, lines=wrong_check_digit(DARA))
    yield Specimen(
        "wrong-check-digit",
        DARA,
        camera.photograph(wrong, 6, tilt=TILT),
        "check-digit-wrong",
    )
    good = photo(SOPHEA, 7)
    yield Specimen("blurred", SOPHEA, camera.blurred(good), "blurred")
    yield Specimen("cut", SOPHEA, camera.cut(good), "cut-off")
    yield Specimen(
        "dark-blurred", SOPHEA, camera.dark(camera.blurred(good)), "too-dark"
    )
    yield Specimen("glare", SOPHEA, camera.glare(good), "glare")


def photo(person: Person, seed: int) -> faces.Image:
    """Return a good photo of the person's card."""
    return camera.photograph(draw_card(person), seed, tilt=TILT)


def main() -> None:
    """Write the pictures and `persons.json`."""
    persons: dict[str, dict[str, object]] = {}
    for specimen in specimens():
        key = specimen.person.given_name_latin.lower()
        file = f"{key}-{specimen.name}.jpg"
        (FOLDER / file).write_bytes(camera.jpeg(specimen.photo, 74))
        entry = persons.setdefault(key, _entry(specimen.person, f"{key}-selfie.jpg"))
        if specimen.name == "card":
            entry |= {"card": file, "expect": specimen.expect}
        else:
            bad = entry["bad_cards"]
            assert isinstance(bad, list)
            bad.append({"card": file, "expect": specimen.expect})
    for seed, entry in enumerate(persons.values()):
        selfie = camera.jpeg(faces.selfie(seed), 80)
        (FOLDER / str(entry["selfie"])).write_bytes(selfie)
    text = json.dumps(list(persons.values()), ensure_ascii=False, indent=2)
    (FOLDER / "persons.json").write_text(text + "\n", encoding="utf-8")


def _entry(person: Person, selfie: str) -> dict[str, object]:
    fields: Mapping[str, str] = person.register_entry()
    return {**fields, "selfie": selfie, "bad_cards": []}


if __name__ == "__main__":
    main()
