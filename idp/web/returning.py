"""`GET /return/{challenge}`: back from the app on the same device.

Three facts are checked, each in constant time (login.md, 6): the cookie's
interaction owns the challenge; `value` is what the server answered the approval
with; SHA-256 of `v` is the hash that the app signed. If only the first is wrong, the
link was carried to another browser: the approval is cancelled.
"""

import hmac
import re
from hashlib import sha256
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.audit import EventTag
from idp.domain.challenge_records import State
from idp.domain.decisions import Decision, Decisions
from idp.domain.interactions import Interaction
from idp.errors import ChallengeClosed, NotFound
from idp.services import Services
from idp.storage.columns import b64encode
from idp.translations import translate
from idp.web import pages
from idp.web.finishing import finish
from idp.web.guard import cookie_of, for_its_browser, kept_interaction, services_of

DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


@for_its_browser
async def come_back(request: Request) -> Response:
    """Finish a same-device login in the browser where it began."""
    services, locale = services_of(request), pages.locale_of(request)
    decision = await _decision(services, request.path_params["challenge"])
    if decision is None or not is_genuine(
        services.decisions,
        decision,
        value=request.query_params.get("value", ""),
        v=request.query_params.get("v", ""),
    ):
        return _guarded(_say("return.refused", locale))
    try:
        interaction = await _owner(request, decision)
    except NotFound:
        if services.decisions.may_finish(decision):
            await _cancel(services, decision)
        return _guarded(_say("return.wrong_browser", locale))
    try:
        return _guarded(
            await finish(services, interaction, decision, cookies=request.cookies)
        )
    except ChallengeClosed:
        return _guarded(_say("closed.ended", locale))


def is_genuine(decisions: Decisions, decision: Decision, *, value: str, v: str) -> bool:
    """Say whether `value` is the server's half and `v` the app's. Constant time."""
    signed = decision.verdict.return_hash
    if not (DIGEST.fullmatch(value) and DIGEST.fullmatch(v)):
        return False
    expected = decisions.return_value(decision.challenge_id, signed)
    is_ours = hmac.compare_digest(expected, value)
    digest = b64encode(sha256(v.encode("ascii")).digest())
    return hmac.compare_digest(signed, digest) and is_ours


async def _decision(services: Services, challenge_id: str) -> Decision | None:
    if not CHALLENGE.fullmatch(challenge_id):
        return None
    async with services.store.read() as tx:
        return await services.decisions.find(tx, challenge_id)


async def _owner(request: Request, decision: Decision) -> Interaction:
    """Return this browser's interaction that owns the challenge, or NotFound."""
    services, challenge_id = services_of(request), decision.challenge_id
    cookie = cookie_of(request, decision.interaction.id)
    if not decision.interaction.owns(cookie):
        raise NotFound("cookie of another browser")
    kept = await kept_interaction(services, challenge_id)
    if kept is not None:
        await services.interactions.restore(kept)
    found = await services.interactions.find(decision.interaction.id, cookie=cookie)
    if not hmac.compare_digest(found.challenge_id, challenge_id):
        raise NotFound("challenge of another login")
    return found


async def _cancel(services: Services, decision: Decision) -> None:
    async with services.store.begin() as tx:
        if not await services.decisions.cancel(tx, decision.challenge_id):
            return
        await services.audit.record(
            tx,
            EventTag.LOGIN_CANCELLED,
            account=decision.verdict.account_id,
            device=decision.verdict.device_id,
            relying_party=decision.interaction.request.client_id,
            detail={"reason": "other-browser"},
        )
    try:
        challenge = await services.challenges.find(decision.challenge_id)
    except NotFound:
        return
    await services.challenges.cancel(challenge, was=State.APPROVED)


def _say(key: str, locale: str) -> Response:
    has_text = key == "return.wrong_browser"
    said = pages.Notice(
        title=translate(f"{key}.title", locale),
        text=translate(f"{key}.text", locale) if has_text else "",
        next=translate(f"{key}.next", locale),
    )
    return pages.notice(said, locale=locale, status=HTTPStatus.FORBIDDEN)


def _guarded(answer: Response) -> Response:
    """Keep the query string of this address to ourselves."""
    answer.headers["referrer-policy"] = "no-referrer"
    answer.headers["cache-control"] = "no-store"
    return answer
