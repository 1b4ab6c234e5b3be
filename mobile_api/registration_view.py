"""A registration as its app sees it (docs/mobile-api.md, Registration). Pure."""

from typing import Any

from idp.domain.one_time_codes import CodeStatus
from idp.domain.person_details import optional_fields
from idp.domain.phones import phone_hint
from idp.domain.registration_rows import Registration, State, Told

SECOND = 1000
WITH_DOCUMENT = frozenset({State.DETAILS, State.REGISTER})


def registration_view(
    registration: Registration, *, code: CodeStatus | None, next_attempt_at: int
) -> dict[str, Any]:
    """Return the members that apply in this state; instants in whole seconds."""
    told, state = registration.told, registration.state
    view: dict[str, Any] = {
        "id": registration.id,
        "state": state.value,
        "locale": told.locale,
        "purpose": told.purpose,
    }
    if told.phone:
        view["phone_hint"] = phone_hint(told.phone)
    if state in WITH_DOCUMENT:
        optional = sorted(optional_fields(told.document))
        view |= {"document": {**told.document, "optional": optional}}
        view |= {"details": told.details} if told.details else {}
    members: dict[State, dict[str, Any]] = {
        State.PHONE_CODE: {"code": _code(code)},
        State.DETAILS: {"incorrect_fields": list(told.incorrect_fields)},
        State.REGISTER: {"register": {"next_attempt_at": next_attempt_at // SECOND}},
        State.FACE: {"face": {"attempts_left": registration.face_left}},
        State.WAITING: {"waiting": {"ready_at": _ready_at(told)}},
        State.DEVICE: {"level": _level(told)},
        State.DONE: {"result": told.result, "level": _level(told)},
        State.REFUSED: {"advice": list(told.judged.get("reasons", ()))},
    }
    return view | members.get(state, {})


def _ready_at(told: Told) -> int:
    return int(told.recovery.get("ready_at") or 0) // SECOND


def _level(told: Told) -> str:
    return str(told.judged.get("level", ""))


def _code(code: CodeStatus | None) -> dict[str, int]:
    if code is None:
        return {"attempts_left": 0, "expires_at": 0, "resend_at": 0}
    return {
        "attempts_left": code.attempts_left,
        "expires_at": code.expires_at // SECOND,
        "resend_at": code.resend_at // SECOND,
    }
