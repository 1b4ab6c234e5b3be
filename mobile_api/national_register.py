"""The national register over CamDX, in the words of a registration."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from camdx_bridge.errors import BridgeError
from camdx_bridge.national_id import NationalIdClient, Verification
from idp.domain.evidence import Engine
from mobile_api.services import RegisterAnswer, RegisterAway


@dataclass(frozen=True, slots=True)
class BridgeRegister:
    """Asks the register; agreement needs no incorrect field and a score."""

    client: NationalIdClient
    least_score: float = 0.8

    async def verify(self, details: Mapping[str, str]) -> RegisterAnswer:
        """Compare the details; raises RegisterAway."""
        try:
            found = await self.client.verify(
                number=details["number"],
                surname_khmer=details["surname_khmer"],
                given_name_khmer=details["given_name_khmer"],
                surname_latin=details["surname_latin"],
                given_name_latin=details["given_name_latin"],
                sex="M" if details["sex"] == "M" else "F",
                birth_date=date.fromisoformat(details["birth_date"]),
                issue_date=date.fromisoformat(details["issue_date"]),
                expiry_date=date.fromisoformat(details["expiry_date"]),
            )
        except BridgeError as error:
            kind = type(error).__name__
            raise RegisterAway(kind, is_temporary=error.is_temporary) from error
        return self._answer(found)

    def _answer(self, found: Verification) -> RegisterAnswer:
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
        return RegisterAnswer(tuple(sorted(found.incorrect_fields)), engine, judged)
