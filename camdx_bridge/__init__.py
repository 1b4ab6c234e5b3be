"""Ask services on CamDX, which is X-Road, through a security server.

    async with HttpTransport("http://localhost:8003", PlainHttp()) as transport:
        client = BridgeClient(transport=transport, client=ClientId.parse("…"))
        register = NationalIdClient(client, ServiceId.parse("…"))
        verification = await register.verify(number=…, …)

Every failure is a `BridgeError`; it names who failed (`party`) and says whether asking
later makes sense (`is_temporary`). Nothing is queued here.
"""

from camdx_bridge.circuit_breaker import CircuitBreaker
from camdx_bridge.client import Answer, BridgeClient
from camdx_bridge.errors import (
    AnswerForeign,
    AnswerInvalid,
    AnswerMalformed,
    AnswerTooLarge,
    BridgeError,
    CircuitOpen,
    DocumentInvalid,
    DocumentRefused,
    DocumentUnusable,
    Fault,
    IdentifierInvalid,
    KeyUnusable,
    MessageInvalid,
    Misuse,
    OurServerFailed,
    Party,
    QuestionRefused,
    RequestRefused,
    ServiceFailed,
    SourceFailed,
    TheirServerFailed,
    TheirSystemFailed,
    TimedOut,
    Unavailable,
    Unreachable,
)
from camdx_bridge.identifiers import ClientId, SecurityServerId, ServiceId
from camdx_bridge.messages import (
    CanonicalRequest,
    CanonicalResponse,
    Request,
    Response,
    request_hash,
)
from camdx_bridge.national_id import NationalIdClient, Verification
from camdx_bridge.refusals import Refusal
from camdx_bridge.transport import (
    HttpTransport,
    MutualTls,
    PlainHttp,
    PlainHttpWarning,
    ServerTls,
    Transport,
)

__all__ = [
    "Answer",
    "AnswerForeign",
    "AnswerInvalid",
    "AnswerMalformed",
    "AnswerTooLarge",
    "BridgeClient",
    "BridgeError",
    "CanonicalRequest",
    "CanonicalResponse",
    "CircuitBreaker",
    "CircuitOpen",
    "ClientId",
    "DocumentInvalid",
    "DocumentRefused",
    "DocumentUnusable",
    "Fault",
    "HttpTransport",
    "IdentifierInvalid",
    "KeyUnusable",
    "MessageInvalid",
    "Misuse",
    "MutualTls",
    "NationalIdClient",
    "OurServerFailed",
    "Party",
    "PlainHttp",
    "PlainHttpWarning",
    "QuestionRefused",
    "Refusal",
    "Request",
    "RequestRefused",
    "Response",
    "SecurityServerId",
    "ServerTls",
    "ServiceFailed",
    "ServiceId",
    "SourceFailed",
    "TheirServerFailed",
    "TheirSystemFailed",
    "TimedOut",
    "Transport",
    "Unavailable",
    "Unreachable",
    "Verification",
    "request_hash",
]
