"""Ask the national register whether a person's details are right.

The register says which fields differ and how alike the whole is; it never hands out
the record, and anything else in its answer is not looked at. The shape is that of the
public CamDigiKey KYC API, `…/kyc/info`; with a living face `…/kyc/info-face`, which
says how alike that face is to the one on record.
"""

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, Literal

from camdx_bridge.client import Answer, BridgeClient
from camdx_bridge.errors import AnswerMalformed, MessageInvalid, QuestionRefused
from camdx_bridge.identifiers import ServiceId

INFO_PATH = "/api/2.0/kyc/info"
FACE_PATH = "/api/2.0/kyc/info-face"
FACE_MEMBER, FACE_SCORE = "faceImage", "faceMoiScore"
LARGEST_FACE = 512 * 1024
WIRE_NAMES = {
    "number": "idNumber",
    "given_name_khmer": "firstNameKh",
    "surname_khmer": "lastNameKh",
    "given_name_latin": "firstNameEn",
    "surname_latin": "lastNameEn",
    "sex": "gender",
    "birth_date": "dob",
    "issue_date": "issuedDate",
    "expiry_date": "expiredDate",
}
OUR_NAMES = {wire: ours for ours, wire in WIRE_NAMES.items()}
_LONGEST_NAME = 100
_HEADERS = (("Content-Type", "application/json"), ("Accept", "application/json"))
_NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*\S[^\x00-\x1f\x7f\ud800-\udfff]*")


@dataclass(frozen=True, slots=True)
class Verification:
    """What the register said of one set of details.

    `score` runs from 0 to 1. `incorrect_fields` holds the argument names of `verify`.
    `face_score` (0 to 1) is there when a face was asked about and could be compared.
    """

    score: float
    incorrect_fields: frozenset[str]
    message_id: str
    answered_at: datetime
    service: ServiceId
    face_score: float | None = None


@dataclass(frozen=True, slots=True)
class NationalIdClient:
    """Asks one verification service; `clock` gives seconds since 1970."""

    client: BridgeClient
    service: ServiceId
    path: str = INFO_PATH
    face_path: str = FACE_PATH
    clock: Callable[[], float] = time.time

    async def verify(
        self,
        *,
        number: str,
        surname_khmer: str,
        given_name_khmer: str,
        surname_latin: str,
        given_name_latin: str,
        sex: Literal["M", "F"],
        birth_date: date,
        issue_date: date,
        expiry_date: date,
        face: bytes | None = None,
    ) -> Verification:
        """Ask whether these details are one person's in the register.

        `number` is written in 0-9 and A-Z; `face` is a JPEG of at most 512 KiB.
        A BridgeError when no usable answer came; ask again later when it
        `is_temporary`.
        """
        question = {
            "idNumber": _number(number),
            "firstNameKh": _name(given_name_khmer),
            "lastNameKh": _name(surname_khmer),
            "firstNameEn": _name(given_name_latin),
            "lastNameEn": _name(surname_latin),
            "gender": _sex(sex),
            "dob": birth_date.isoformat(),
            "issuedDate": issue_date.isoformat(),
            "expiredDate": expiry_date.isoformat(),
        }
        if face is not None:
            question[FACE_MEMBER] = _face(face)
        body = json.dumps(question, ensure_ascii=False).encode()
        # A question changes nothing at the register, so asking twice is safe.
        answer = await self.client.call(
            self.service,
            method="POST",
            path=self.path if face is None else self.face_path,
            headers=_HEADERS,
            body=body,
            is_safe=True,
        )
        return self._read(answer, number, with_face=face is not None)

    def _read(self, answer: Answer, number: str, *, with_face: bool) -> Verification:
        try:
            data = _data_of(answer)
            score, fields = _judgement(data, number)
            face_score = _face_score(data) if with_face else None
        except _Wrong as wrong:
            raise AnswerMalformed(str(wrong), message_id=answer.message_id) from None
        answered_at = datetime.fromtimestamp(self.clock(), UTC)
        return Verification(
            score, fields, answer.message_id, answered_at, self.service, face_score
        )


class _Wrong(ValueError):
    """The answer has not the agreed shape; the text holds no data of it."""


def _data_of(answer: Answer) -> dict[str, Any]:
    if answer.response.status != HTTPStatus.OK:
        raise _Wrong("a success without an answer")
    kind = answer.response.header("Content-Type") or ""
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise _Wrong("not JSON by its content type")
    envelope = _json_object(answer.response.body)
    error, data = envelope.get("error"), envelope.get("data")
    if type(error) is not int or not isinstance(envelope.get("message"), str):
        raise _Wrong("not the agreed envelope")
    if error != 0:
        raise QuestionRefused(
            error=error, status=answer.response.status, message_id=answer.message_id
        )
    if not isinstance(data, dict):
        raise _Wrong("an envelope without data")
    return data


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(
            body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise _Wrong("broken JSON") from None
    if not isinstance(found, dict):
        raise _Wrong("not a JSON object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise _Wrong("a repeated member")
    return dict(pairs)


def _no_constant(_: str) -> None:
    raise _Wrong("not a number")


def _judgement(data: dict[str, Any], number: str) -> tuple[float, frozenset[str]]:
    if data.get("idNumber") != number:
        raise _Wrong("the answer is about another number")
    score, fields = _score(data), _incorrect_fields(data)
    # Readers look at one of the two: they must not say opposite things.
    if (score == 1 and fields) or (score == 0 and not fields):
        raise _Wrong("score and incorrect fields contradict each other")
    return score, fields


def _face_score(data: dict[str, Any]) -> float | None:
    """Return how alike the faces are; None when there was nothing to compare with."""
    found = data.get(FACE_SCORE)
    return None if found is None else _share(found)


def _score(data: dict[str, Any]) -> float:
    return _share(data.get("score"))


def _share(score: object) -> float:
    if not isinstance(score, int | float) or isinstance(score, bool):
        raise _Wrong("not a number")
    if not 0 <= score <= 1:
        raise _Wrong("not a score")
    return float(score)


def _incorrect_fields(data: dict[str, Any]) -> frozenset[str]:
    names = data.get("incorrectFields")
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise _Wrong("not a list of field names")
    if len(set(names)) != len(names) or not OUR_NAMES.keys() >= set(names):
        raise _Wrong("an unknown or repeated field name")
    return frozenset(OUR_NAMES[name] for name in names)


def _face(picture: bytes) -> str:
    if not picture or len(picture) > LARGEST_FACE:
        raise MessageInvalid("a face is a picture of at most 512 KiB")
    return base64.b64encode(picture).decode("ascii")


def _number(number: str) -> str:
    if not re.fullmatch(r"[0-9A-Z]{1,20}", number):
        raise MessageInvalid("a document number is written in 0-9 and A-Z")
    return number


def _name(name: str) -> str:
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise MessageInvalid("not a name")
    return name


def _sex(sex: str) -> str:
    if sex not in {"M", "F"}:
        raise MessageInvalid("sex is M or F")
    return sex
