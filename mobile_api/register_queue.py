"""Questions to the national register, asked until it answers.

    details ─> question (a row) ─claim─> verify ─> answered: face, details or stopped
                       ^______later________|  away: it has said nothing

Any node works the rows. The first attempt is made at once, beside the request that
asked; the rest is the worker's. A register that is away never becomes an answer.
"""

import asyncio
import hmac
import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from idp.domain.evidence import EvidenceKind
from idp.domain.register_questions import ClaimedQuestion
from idp.domain.registration_rows import Registration, State
from idp.errors import IdentityError, NotFound
from idp.services import Services
from mobile_api.services import (
    Backoff,
    MobileServices,
    RegisterAnswer,
    RegisterAway,
    question_digest,
)

logger = logging.getLogger(__name__)

POLL: Final = 1.0  # seconds between two looks at the queue
ANSWER_WITHIN: Final = 30.0  # seconds, well inside the lease
JITTER: Final = 1000
MOST_DOUBLINGS: Final = 20


async def ask_soon(
    services: Services, mobile: MobileServices, registration_id: str
) -> None:
    """Make the first attempt now; return when it is over, or patience is."""
    task = asyncio.create_task(attempt(services, mobile, registration_id))
    mobile.tasks.add(task)
    task.add_done_callback(mobile.tasks.discard)
    await asyncio.wait({task}, timeout=mobile.patience.total_seconds())


async def register_worker(services: Services, mobile: MobileServices) -> None:
    """Work the queue until cancelled; a failure costs one turn."""
    while True:
        try:
            while await attempt(services, mobile):
                pass
        except Exception as failure:
            logger.exception("register queue: %s", type(failure).__name__)
        await asyncio.sleep(POLL)


async def ask_about_face(
    mobile: MobileServices, details: Mapping[str, str], face: bytes
) -> RegisterAnswer | None:
    """Ask how alike the living face is; None when no answer comes in time.

    A person waits for it, and the account can do without: it is asked once.
    """
    try:
        async with asyncio.timeout(mobile.patience.total_seconds()):
            answer = await mobile.register.verify(details, face=face)
        require_about(answer, details)
    except (RegisterAway, TimeoutError) as failure:
        logger.warning("the register did not see a face: %s", type(failure).__name__)
        return None
    return answer


async def attempt(
    services: Services, mobile: MobileServices, registration_id: str | None = None
) -> bool:
    """Ask one question that is due; False when there was none."""
    question = await _claim(services, registration_id)
    if question is None:
        return False
    registration = await _find(services, question)
    if registration is None:
        return True
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            answer = await mobile.register.verify(registration.told.details)
            require_about(answer, registration.told.details)
    except Exception as failure:  # noqa: BLE001 - no failure of ours is an answer
        await _postpone(services, mobile.backoff, question, failure)
    else:
        await _settle(services, question, registration, answer)
    return True


def require_about(answer: RegisterAnswer, details: Mapping[str, str]) -> None:
    """Refuse the answer to another question; raises RegisterAway.

    Numbers alone would let one person's answer serve for another's card.
    """
    if not hmac.compare_digest(answer.asked, question_digest(details)):
        raise RegisterAway("an answer to another question", is_temporary=True)


def wait_after(backoff: Backoff, attempts: int) -> timedelta:
    """Return the wait after this many attempts: doubling, with ±25 % of jitter."""
    doublings = min(attempts - 1, MOST_DOUBLINGS)
    doubled = min(backoff.first * (1 << doublings), backoff.most)
    return doubled * (0.75 + secrets.randbelow(JITTER) / JITTER / 2)


async def _claim(
    services: Services, registration_id: str | None
) -> ClaimedQuestion | None:
    questions = services.register_questions
    async with services.store.read() as tx:
        if not await questions.is_any_due(tx):
            return None
    async with services.store.begin() as tx:
        return await questions.claim(tx, registration_id)


async def _find(services: Services, question: ClaimedQuestion) -> Registration | None:
    """Return the registration that waits; the question goes when it does not."""
    try:
        async with services.store.read() as tx:
            found = await services.registrations.rows.find(tx, question.registration_id)
    except NotFound:
        found = None
    if found is not None and found.state is State.REGISTER:
        return found
    async with services.store.begin() as tx:
        await services.register_questions.close(tx, question)
    return None


async def _postpone(
    services: Services, backoff: Backoff, question: ClaimedQuestion, failure: Exception
) -> None:
    wait = wait_after(backoff, question.attempts)
    if isinstance(failure, RegisterAway) and not failure.is_temporary:
        logger.error("the register refuses our questions: %s", failure.reason)
        wait = backoff.permanent
    else:
        logger.warning("the register is away: %s", type(failure).__name__)
    until = services.clock.now() + wait
    async with services.store.begin() as tx:
        await services.register_questions.postpone(tx, question, until=until)


async def _settle(
    services: Services,
    question: ClaimedQuestion,
    registration: Registration,
    answer: RegisterAnswer,
) -> None:
    """Move the registration, once, if the lease is still ours."""
    registrations = services.registrations
    try:
        async with services.store.begin() as tx:
            if not await services.register_questions.close(tx, question):
                return
            if answer.incorrect_fields:
                await registrations.register_disagreed(
                    tx, registration, answer.incorrect_fields
                )
            else:
                await registrations.register_agreed(tx, registration)
            await services.evidence.keep(
                tx,
                registration.id,
                EvidenceKind.REGISTER,
                judged=b"",
                engine=answer.engine,
                facts=answer.judged,
            )
    except IdentityError as refusal:
        logger.info("an answer came too late: %s", refusal.code)
