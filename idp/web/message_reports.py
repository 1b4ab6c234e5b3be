"""What providers report of the messages they took: checked, then noted.

    GET or POST /messages/reports/{provider}

Each provider proves itself in its own way (its engine's `read_report`); what does not
is refused, and a message that is not ours changes nothing.
"""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from idp.domain.sent_messages import SentState
from idp.errors import Malformed, ProofInvalid
from idp.interfaces import ReceivedReport, ReportReader
from idp.web.guard import services_of


async def take(request: Request) -> Response:
    """Take one report."""
    services = services_of(request)
    provider = request.path_params["provider"]
    reader = services.messaging.watch.providers.get(provider)
    if not isinstance(reader, ReportReader):
        return PlainTextResponse("not found\n", HTTPStatus.NOT_FOUND)
    try:
        report = reader.read_report(await _received(request))
    except ProofInvalid:
        return PlainTextResponse("forbidden\n", HTTPStatus.FORBIDDEN)
    except Malformed:
        return PlainTextResponse("bad request\n", HTTPStatus.BAD_REQUEST)
    if report.state:
        async with services.store.begin() as tx:
            await services.messaging.sent.reported(
                tx,
                provider=provider,
                reference=report.reference,
                state=SentState(report.state),
            )
    return PlainTextResponse(report.acknowledgement)


async def _received(request: Request) -> ReceivedReport:
    services = services_of(request)
    query = f"?{request.url.query}" if request.url.query else ""
    return ReceivedReport(
        url=services.settings.issuer + request.url.path + query,
        headers=dict(request.headers),
        query=dict(request.query_params),
        body=await request.body(),
        now=services.clock.now().timestamp(),
    )
