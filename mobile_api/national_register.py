"""The national register over CamDX, in the words of a registration."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from camdx_bridge.errors import BridgeError
from camdx_bridge.national_id import NationalIdClient, Verification
from idp.domain.evidence import Engine
from mobile_api.services import RegisterAnswer, RegisterAway, question_digest


@dataclass(frozen=True, slots=True)
class BridgeRegister:
    """Asks the register; agreement needs no incorrect field and a score."""

    client: NationalIdClient
    least_score: float = 0.8

    async def verify(
        self, details: Mapping[str, str], *, face: bytes | None = None
    ) -> RegisterAnswer:
        """Compare the details, and a living face (JPEG) too; raises RegisterAway."""
        try:
            found = await self.client.verify(
                number=details["number"],
                surname_khmer=details["surname_khmer"],
                given_name_khmer=details["given_name_khmer"],
                surname_latin=details["surname_latin"],
                given_name_latin=details["given_name_latin"],
                sex="M" if details["sex"] == "M" else "F",
                # The public wire has whole dates only: what nobody knows is asked as 1.
                birth_date=date.fromisoformat(
                    details["birth_date"].replace("XX", "01")
                ),
                issue_date=date.fromisoformat(details["issue_date"]),
                expiry_date=date.fromisoformat(details["expiry_date"]),
                face=face,
            )
        except BridgeError as error:
            kind = type(error).__name__
            raise RegisterAway(kind, is_temporary=error.is_temporary) from error
        return self._answer(found, question_digest(details))

    def _answer(self, found: Verification, asked: bytes) -> RegisterAnswer:
        if not found.incorrect_fields and found.score < self.least_score:
            # It contradicts itself: neither agreement nor a field to correct.
            raise RegisterAway("low score without a field", is_temporary=True)
        judged: dict[str, object] = {
            "score": found.score,
            "incorrect_fields": sorted(found.incorrect_fields),
            "message_id": found.message_id,
            "answered_at": int(found.answered_at.timestamp()),
        }
        engine = Engine(str(found.service), "2.0")
        incorrect = tuple(sorted(found.incorrect_fields))
        if found.face_score is not None:
            judged["face_score"] = found.face_score
        return RegisterAnswer(incorrect, engine, judged, asked, found.face_score)
