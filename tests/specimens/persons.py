"""Invented persons for specimen documents; nobody real is meant."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import cycle
from random import Random

KHMER_DIGITS = str.maketrans("0123456789", "០១២៣៤៥៦៧៨៩")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The fields that the register holds, and where the person lives."""

    number: str
    surname_khmer: str
    given_name_khmer: str
    surname_latin: str
    given_name_latin: str
    sex: str
    birth_date: date
    issue_date: date
    expiry_date: date
    birth_place: str = "រាជធានីភ្នំពេញ"
    address: str = "ផ្ទះលេខ ១២ ផ្លូវ ៣៤ សង្កាត់បឹងកេងកង១ ខណ្ឌបឹងកេងកង"

    def register_entry(self) -> Mapping[str, str]:
        """Return what the register simulator loads."""
        entry = asdict(self)
        del entry["birth_place"], entry["address"]
        return {name: str(value) for name, value in entry.items()}


SREYPOV = Person(
    number="012345678",
    surname_khmer="សុខ",
    given_name_khmer="ស្រីពៅ",
    surname_latin="SOK",
    given_name_latin="SREYPOV",
    sex="F",
    birth_date=date(1999, 1, 1),
    issue_date=date(2021, 1, 2),
    expiry_date=date(2031, 1, 1),
)
SOVANN = Person(
    number="040112233",
    surname_khmer="ជា",
    given_name_khmer="សុវណ្ណ",
    surname_latin="CHEA",
    given_name_latin="SOVANN",
    sex="M",
    birth_date=date(1958, 3, 14),
    issue_date=date(2022, 5, 10),
    expiry_date=date(2032, 5, 9),
    birth_place="ខេត្តសៀមរាប",
    address="ភូមិវត្តបូព៌ សង្កាត់សាលាកំរើក ក្រុងសៀមរាប",
)
BOPHA = Person(
    number="051223344",
    surname_khmer="កែវ",
    given_name_khmer="បុប្ផា",
    surname_latin="KEO",
    given_name_latin="BOPHA",
    sex="F",
    birth_date=date(1990, 7, 22),
    issue_date=date(2012, 2, 3),
    expiry_date=date(2022, 2, 2),
    birth_place="ខេត្តកំពត",
    address="ភូមិ ១ ឃុំចំការដូង ស្រុកកែប",
)
DARA = Person(
    number="062334455",
    surname_khmer="មាស",
    given_name_khmer="តារា",
    surname_latin="MEAS",
    given_name_latin="DARA",
    sex="M",
    birth_date=date(1985, 11, 30),
    issue_date=date(2020, 8, 17),
    expiry_date=date(2030, 8, 16),
    birth_place="ខេត្តបាត់ដំបង",
    address="ភូមិរំចេក ៤ សង្កាត់រតនៈ ក្រុងបាត់ដំបង",
)
SOPHEA = Person(
    number="073445566",
    surname_khmer="លឹម",
    given_name_khmer="សុភា",
    surname_latin="LIM",
    given_name_latin="SOPHEA",
    sex="F",
    birth_date=date(2001, 5, 9),
    issue_date=date(2019, 4, 1),
    expiry_date=date(2029, 3, 31),
    birth_place="ខេត្តកំពង់ចាម",
    address="ភូមិវាលវង់ សង្កាត់វាលវង់ ក្រុងកំពង់ចាម",
)

SYLLABLES_LATIN = ("SOK", "CHAN", "DARA", "KOSAL", "MEAS", "NARY", "VUTHY", "RITHY")
SYLLABLES_KHMER = ("សុខ", "ចាន់", "តារា", "កុសល", "មាស", "ណារី", "វុទ្ធី", "ឫទ្ធី")


def invent(seed: int) -> Person:
    """Return another invented person, always the same for the same seed."""
    chance = Random(seed)
    surname, given = chance.sample(range(len(SYLLABLES_LATIN)), 2)
    issued = date(2018, 1, 1).replace(year=chance.randint(2018, 2025))
    return replace(
        SREYPOV,
        number=f"{chance.randint(10_000_000, 199_999_999):09}",
        surname_khmer=SYLLABLES_KHMER[surname],
        given_name_khmer=SYLLABLES_KHMER[given],
        surname_latin=SYLLABLES_LATIN[surname],
        given_name_latin=SYLLABLES_LATIN[given],
        sex=chance.choice("MF"),
        birth_date=date(
            chance.randint(1950, 2008), chance.randint(1, 12), chance.randint(1, 28)
        ),
        issue_date=issued,
        expiry_date=date(issued.year + 9, 12, 31),
    )


def check_digit(text: str) -> str:
    """Compute ICAO 9303-3 4.9 on purpose apart from the code under test."""
    order = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    values = [0 if c == "<" else order.index(c) for c in text]
    return str(sum(v * w for v, w in zip(values, cycle((7, 3, 1)), strict=False)) % 10)


def td1(person: Person, *, composite: bool = True) -> tuple[str, str, str]:
    """Return the three lines on the front of the card (9303-5)."""
    birth = f"{person.birth_date:%y%m%d}"
    expiry = f"{person.expiry_date:%y%m%d}"
    first = f"IDKHM{person.number}{check_digit(person.number)}".ljust(30, "<")
    left = f"{birth}{check_digit(birth)}"
    right = f"{expiry}{check_digit(expiry)}"
    filler = "<" * 11
    last = check_digit(first[5:] + left + right + filler) if composite else "<"
    names = f"{person.surname_latin}<<{person.given_name_latin}".replace(" ", "<")
    return (
        first,
        f"{left}{person.sex}{right}KHM{filler}{last}",
        names.ljust(30, "<")[:30],
    )


def td3(person: Person) -> tuple[str, str]:
    """Return the two lines of a passport of the person (9303-4)."""
    birth = f"{person.birth_date:%y%m%d}"
    expiry = f"{person.expiry_date:%y%m%d}"
    number = f"N{person.number[1:]}"
    names = f"{person.surname_latin}<<{person.given_name_latin}".replace(" ", "<")
    number += check_digit(number)
    left = birth + check_digit(birth)
    right = expiry + check_digit(expiry) + "<" * 14 + "0"
    last = check_digit(number + left + right)
    return (
        f"P<KHM{names}".ljust(44, "<")[:44],
        f"{number}KHM{left}{person.sex}{right}{last}",
    )
