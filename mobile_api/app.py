"""The citizen app's back end as one ASGI application."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from idp.engines import DisabledSmsSender
from idp.services import Services, Transaction
from mobile_api import (
    approvals,
    assistance,
    attestation,
    biometric,
    contacts,
    devices,
    documents,
    messages,
    notices,
    pin_change,
    profile,
    push_blocks,
    recovery,
    registration,
    registration_pictures,
    reviews,
    unlock,
)
from mobile_api.citizen_files import load_citizen_files
from mobile_api.endpoints import mobile_of, services_of
from mobile_api.errors import HANDLERS
from mobile_api.middleware import Surroundings
from mobile_api.register_queue import register_worker
from mobile_api.services import MobileServices

logger = logging.getLogger(__name__)

SWEEP_EVERY: Final = 60.0  # seconds
MOST_BATCHES: Final = 1000
Sweep = Callable[[Transaction], Awaitable[int]]
GET, POST = ["GET"], ["POST"]


async def nonce(request: Request) -> Response:
    """GET /nonce: what the next proof must carry, and the time here."""
    services = services_of(request)
    fresh = await services.request_proofs.new_nonce()
    now = int(services.clock.now().timestamp())
    return JSONResponse({"nonce": fresh, "now": now})


async def configuration(request: Request) -> Response:
    """GET /configuration: where the app belongs."""
    services = services_of(request)
    settings = services.settings
    told = {
        "issuer": settings.issuer,
        "app": settings.app_origin,
        "rp_id": services.webauthn_party.rp_id,
    }
    film = request.app.state.drawn_head
    return JSONResponse(told if film is None else {**told, "development_film": film})


async def health(request: Request) -> Response:
    """GET /health: whether the database answers, and which engines are off."""
    services = services_of(request)
    async with services.store.read() as tx:
        await tx.one("SELECT 1")
    disabled = mobile_of(request).workers.disabled_engines()
    if isinstance(services.sms, DisabledSmsSender):
        disabled.append(services.settings.sms_sender)
    status = "degraded" if disabled else "ok"
    return JSONResponse({"status": status, "disabled": disabled})


ROUTES: Final = [
    Route("/nonce", nonce, methods=GET),
    Route("/configuration", configuration, methods=GET),
    Route("/health", health, methods=GET),
    Route("/registrations", registration.start, methods=POST),
    Route("/registrations/current", registration.current, methods=GET),
    Route("/registrations/{id}/phone-code", registration.phone_code, methods=POST),
    Route("/registrations/{id}/phone-code/resend", registration.resend, methods=POST),
    Route("/registrations/{id}/document", registration_pictures.document, methods=POST),
    Route("/registrations/{id}/details", registration.details, methods=POST),
    Route("/registrations/{id}/liveness", registration_pictures.liveness, methods=POST),
    Route("/registrations/{id}/face", registration_pictures.face, methods=POST),
    Route("/registrations/{id}/device", registration.device, methods=POST),
    Route("/registrations/{id}/cancellation", registration.cancellation, methods=POST),
    Route("/recoveries", recovery.start, methods=POST),
    Route("/recoveries", recovery.known, methods=GET),
    Route("/recoveries/{id}/approval", recovery.approve, methods=POST),
    Route("/recoveries/{id}/addition", recovery.add, methods=POST),
    Route("/recoveries/{id}/objection", recovery.object_to, methods=POST),
    Route("/registrations/{id}/assistance", assistance.offer, methods=POST),
    Route("/assistance", assistance.begin, methods=POST),
    Route("/assistance/{id}/document", assistance.document, methods=POST),
    Route("/assistance/{id}/details", assistance.details, methods=POST),
    Route("/assistance/{id}/face", assistance.face, methods=POST),
    Route("/contacts", contacts.contacts, methods=GET),
    Route("/contacts/phone", contacts.change_phone, methods=POST),
    Route("/contacts/email", contacts.change_email, methods=POST),
    Route("/contacts/email/removal", contacts.remove_email, methods=POST),
    Route("/contacts/{id}/code", contacts.prove, methods=POST),
    Route("/contacts/{id}/old-code", contacts.ask_old_number, methods=POST),
    Route("/contacts/{id}/old-proof", contacts.confirm_by_old_number, methods=POST),
    Route("/contacts/{id}/objection", contacts.object_to, methods=POST),
    Route("/reviews", reviews.waiting, methods=GET),
    Route("/reviews/{id}/taking", reviews.take, methods=POST),
    Route("/reviews/{id}/decision", reviews.decide, methods=POST),
    Route("/unlock", unlock.unlock, methods=POST),
    Route("/lock", unlock.lock, methods=POST),
    Route("/profile", profile.profile, methods=GET),
    Route("/documents", documents.documents, methods=GET),
    Route("/documents/renewals", documents.renew, methods=POST),
    Route("/devices", devices.devices, methods=GET),
    Route("/devices/revocations", devices.revoke_others, methods=POST),
    Route("/devices/resumption", devices.resume, methods=POST),
    Route("/devices/{id}/name", devices.rename, methods=POST),
    Route("/devices/{id}/revocation", devices.revoke, methods=POST),
    Route("/attestation/challenge", attestation.challenge, methods=POST),
    Route("/attestation", attestation.attest, methods=POST),
    Route("/pin", pin_change.change, methods=POST),
    Route("/activity", profile.activity, methods=GET),
    Route("/biometric/options", biometric.options, methods=POST),
    Route("/biometric", biometric.bind, methods=POST),
    Route("/biometric/removal", biometric.remove, methods=POST),
    Route("/messages", messages.messages, methods=GET),
    Route("/messages/seen", messages.seen, methods=POST),
    Route("/push-blocks", push_blocks.blocks, methods=GET),
    Route("/push-blocks/removal", push_blocks.lift, methods=POST),
    Route("/notices", notices.NoticeStream(), methods=GET),
    Route("/notices", notices.poll, methods=POST),
    Route("/challenges/{id}/claim", approvals.claim, methods=POST),
    Route("/challenges/{id}/approval", approvals.answer, methods=POST),
]


@contextlib.asynccontextmanager
async def running(services: Services, mobile: MobileServices) -> AsyncIterator[None]:
    """Work the register's queue and sweep, while the block lasts."""
    tasks: list[asyncio.Task[Any]] = [
        asyncio.create_task(register_worker(services, mobile)),
        asyncio.create_task(sweeper(services)),
    ]
    try:
        yield
    finally:
        tasks.extend(mobile.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def create_app(
    services: Services, mobile: MobileServices, *, drawn_head: Route | None = None
) -> ASGIApp:
    """Return the application over open services; its lifespan works the queue.

    `drawn_head` is where a development installation gets a film without a person;
    raises ValueError when one is given in production.
    """
    if drawn_head is not None and services.settings.environment == "production":
        raise ValueError("no drawn head stands in for a person in production")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with running(services, mobile):
            yield

    files = load_citizen_files()
    pages = [
        Route("/", files.page, methods=GET),
        Route("/q/{rest}", files.page, methods=GET),
        Route("/s/{rest}", files.page, methods=GET),
        Route("/{path:path}", files.file, methods=GET),
    ]
    drawn = [drawn_head] if drawn_head else []
    routes = [*ROUTES, *drawn, *pages]
    app = Starlette(routes=routes, exception_handlers=HANDLERS, lifespan=lifespan)
    app.state.drawn_head = drawn_head.path if drawn_head else None
    return Surroundings(app, services, mobile)


async def sweeper(services: Services) -> None:
    """Delete what has expired, in small batches, until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_EVERY)
        await sweep_once(services)


async def sweep_once(services: Services) -> None:
    """Delete all that has expired; what fails is tried again at the next turn."""
    for sweep in (
        services.evidence.sweep,
        partial(reviews.lapse, services),
        services.registrations.sweep,
        services.document_reminders.sweep,
        services.contacts.sweep,
        services.budgets.sweep,
    ):
        try:
            await _until_nothing_is_due(services, sweep)
        except Exception as failure:
            logger.exception("sweep: %s", type(failure).__name__)


async def _until_nothing_is_due(services: Services, sweep: Sweep) -> None:
    for _ in range(MOST_BATCHES):
        async with services.store.begin() as tx:
            if not await sweep(tx):
                return
