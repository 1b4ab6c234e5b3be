"""A register of specimens that says what differs, as the public KYC API does. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from camdx_bridge.national_id import FACE_MEMBER, FACE_SCORE, WIRE_NAMES
from camdx_bridge.simulator.khmer import khmer_key

SPECIMENS = Path(__file__).parent / "citizens.json"


class RegistryInvalid(ValueError):
    """The file is not a register; the text names the entry and the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """One entry; dates are yyyy-MM-dd.

    `face_score` is what the simulator says of any face that is asked about: it looks
    at none. None says that there is no picture to compare with.
    """

    number: str
    surname_khmer: str
    given_name_khmer: str
    surname_latin: str
    given_name_latin: str
    sex: str
    birth_date: str
    issue_date: str
    expiry_date: str
    face_score: float | None = None


NINE = tuple(field.name for field in fields(Citizen) if field.name != "face_score")
Registry = Mapping[str, Citizen]


def load_registry(path: Path = SPECIMENS) -> dict[str, Citizen]:
    """Read a JSON list of citizens; RegistryInvalid when it is none."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RegistryInvalid(f"{path.name}: not JSON") from error
    if not isinstance(entries, list):
        raise RegistryInvalid(f"{path.name}: not a list")
    found: dict[str, Citizen] = {}
    for place, entry in enumerate(entries):
        try:
            citizen = read_citizen(entry)
        except RegistryInvalid as error:
            raise RegistryInvalid(f"{path.name}, entry {place}: {error}") from None
        if citizen.number in found:
            raise RegistryInvalid(f"{path.name}, entry {place}: a number twice")
        found[citizen.number] = citizen
    return found


def compare(registry: Registry, question: Mapping[str, str]) -> dict[str, Any]:
    """Return `{idNumber, score, incorrectFields}` for a question in wire names.

    With a face there is `faceMoiScore` too, as the entry says.

    The score is the share of fields that agree. An unknown number has every field
    incorrect, so that the answer does not tell who is in the register.
    """
    citizen = registry.get(question["idNumber"])
    wrong = [
        wire
        for ours, wire in WIRE_NAMES.items()
        if citizen is None
        or _key(ours, getattr(citizen, ours)) != _key(ours, question[wire])
    ]
    score = round(1 - len(wrong) / len(WIRE_NAMES), 4)
    found: dict[str, Any] = {
        "idNumber": question["idNumber"],
        "score": score,
        "incorrectFields": wrong,
    }
    if FACE_MEMBER in question:
        found[FACE_SCORE] = None if citizen is None else citizen.face_score
    return found


def _key(name: str, value: str) -> str:
    if name.endswith("_khmer"):
        return khmer_key(value)
    if name.endswith("_latin"):
        return " ".join(value.casefold().split())
    return value


def read_citizen(entry: object) -> Citizen:
    """Read one entry; RegistryInvalid names the field that is wrong."""
    if not isinstance(entry, dict) or entry.keys() - {"face_score"} != set(NINE):
        raise RegistryInvalid("not exactly the nine fields")
    for name in NINE:
        if not isinstance(entry[name], str) or not _is_good(name, entry[name]):
            raise RegistryInvalid(name)
    score = entry.get("face_score")
    if score is not None and not (isinstance(score, float) and 0 <= score <= 1):
        raise RegistryInvalid("face_score")
    return Citizen(**entry)


def _is_good(name: str, value: str) -> bool:
    if name.endswith("_date"):
        return _is_date(value)
    if name == "number":
        return re.fullmatch("[0-9]{9}", value) is not None
    if name == "sex":
        return value in {"M", "F"}
    return bool(value.strip())


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
