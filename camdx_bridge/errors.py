"""Everything a call over X-Road can meet, as one tree that says who failed.

    BridgeError                 party, is_temporary, message_id
    ├─ Misuse                   our system: it cannot be sent as asked; nothing left
    │  ├─ IdentifierInvalid
    │  ├─ MessageInvalid
    │  └─ KeyUnusable           the file of a key
    ├─ Unavailable              nobody answered; asking again makes sense
    │  ├─ Unreachable           our security server: no connection, or it broke
    │  ├─ TimedOut              no whole answer within the time allowed
    │  ├─ CircuitOpen           not asked at all: it failed often just now
    │  └─ SourceFailed          a configuration source, OCSP responder or time-stamper
    ├─ AnswerInvalid            an answer came, and nothing may be concluded from it
    │  ├─ AnswerTooLarge
    │  ├─ AnswerMalformed
    │  └─ AnswerForeign         it answers some other question
    ├─ Fault                    a security server says what failed (X-Road-Error)
    │  ├─ RequestRefused        our side: unknown client, no access right, bad request
    │  ├─ OurServerFailed       our security server
    │  ├─ TheirServerFailed     the provider's security server
    │  └─ TheirSystemFailed     the provider's system, seen by its security server
    ├─ ServiceFailed            the provider's system answered with an HTTP error
    │  └─ QuestionRefused       … or with an error in its own envelope
    └─ DocumentRefused          a signed document, or a file of trust; `code` says why
       ├─ DocumentInvalid       it was read, and it does not hold
       └─ DocumentUnusable      it cannot be read; nothing may be concluded from it

Texts of these errors hold codes and identifiers, never what was asked or answered.
"""

from enum import StrEnum

from camdx_bridge.refusals import Refusal

TEMPORARY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
# Faults that waiting does not cure; a code we do not know may be over tomorrow.
LASTING_LEAVES = frozenset(
    {
        "clientproxyversionnotsupported",
        "invalidcertpath",
        "invalidsecurityserver",
        "invalidsignaturevalue",
        "malformedsignature",
        "sslauthenticationfailed",
    }
)
REFUSING_LEAVES = frozenset(
    {"accessdenied", "unknownmember", "unknownservice", "invalidrequest", "badrequest"}
)


class Party(StrEnum):
    """Who failed, as far as can be known from here."""

    OUR_SYSTEM = "our system"
    OUR_SERVER = "our security server"
    THEIR_SERVER = "their security server"
    THEIR_SYSTEM = "their system"
    UNKNOWN = "unknown"


class BridgeError(Exception):
    """A call over X-Road that gave no usable answer."""

    party = Party.UNKNOWN
    is_temporary = False

    def __init__(self, message: str, *, message_id: str | None = None) -> None:
        super().__init__(message)
        self.message_id = message_id


class Misuse(BridgeError):
    """It cannot be sent as asked; nothing left this process."""

    party = Party.OUR_SYSTEM


class IdentifierInvalid(Misuse):
    """Not an X-Road identifier."""


class MessageInvalid(Misuse):
    """Not a message that X-Road can carry."""


class KeyUnusable(Misuse):
    """The file of a key cannot be read, or its key is not for signing messages."""


class Unavailable(BridgeError):
    """Nobody answered; asking again makes sense."""

    is_temporary = True


class Unreachable(Unavailable):
    """Our security server took no connection, or broke it."""

    party = Party.OUR_SERVER


class TimedOut(Unavailable):
    """No whole answer came within the time allowed."""


class CircuitOpen(Unavailable):
    """Not asked at all: the service failed often just now."""

    def __init__(self, *, retry_after_s: float) -> None:
        super().__init__(f"not asked; next try in {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s


class SourceFailed(Unavailable):
    """A service of trust gave no answer: configuration, OCSP or time-stamps."""


class AnswerInvalid(BridgeError):
    """An answer came, and nothing may be concluded from it.

    It is temporary: it says nothing about the question. An operator should look.
    """

    is_temporary = True


class AnswerTooLarge(AnswerInvalid):
    """The answer is larger than allowed."""


class AnswerMalformed(AnswerInvalid):
    """The answer does not have the agreed shape."""


class AnswerForeign(AnswerInvalid):
    """The answer belongs to another question, or to nobody's."""


class Fault(BridgeError):
    """A security server says what failed (PR-REST, error responses).

    `code` is as it was sent; `leaf` is its telling part, lower case without `_`,
    because versions spell it `AccessDenied` or `access_denied`. `detail` names the
    entry in that server's log. `fault_message` may hold anything: log it with care.
    """

    def __init__(
        self,
        *,
        code: str,
        detail: str = "",
        fault_message: str = "",
        message_id: str | None = None,
    ) -> None:
        super().__init__(f"{self.party}: {code} ({detail})", message_id=message_id)
        self.code = code
        self.detail = detail
        self.fault_message = fault_message
        self.leaf = leaf_of(code)
        self.is_temporary = not (
            isinstance(self, RequestRefused) or self.leaf in LASTING_LEAVES
        )


class RequestRefused(Fault):
    """Our side asked for what it may not have, or asked wrongly."""

    party = Party.OUR_SYSTEM


class OurServerFailed(Fault):
    """Our security server failed, or could not reach the provider's."""

    party = Party.OUR_SERVER


class TheirServerFailed(Fault):
    """The provider's security server failed."""

    party = Party.THEIR_SERVER


class TheirSystemFailed(Fault):
    """The provider's security server could not get an answer from its system."""

    party = Party.THEIR_SYSTEM


class ServiceFailed(BridgeError):
    """The provider's system answered, but not with success."""

    party = Party.THEIR_SYSTEM

    def __init__(self, status: int, *, message_id: str | None = None) -> None:
        super().__init__(f"their system answered {status}", message_id=message_id)
        self.status = status
        self.is_temporary = status in TEMPORARY_STATUSES


class QuestionRefused(ServiceFailed):
    """The provider's system refused in its own envelope; `error` is its number."""

    def __init__(
        self, *, error: int, status: int, message_id: str | None = None
    ) -> None:
        super().__init__(status, message_id=message_id)
        self.args = (f"their system refused with error {error}",)
        self.error = error
        self.is_temporary = False


class DocumentRefused(BridgeError):
    """A signed document, its evidence or a file of trust is not to be relied on.

    `code` stays the same from version to version; `detail` names the part, and holds
    names of files and algorithms only.
    """

    def __init__(self, code: Refusal, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class DocumentInvalid(DocumentRefused):
    """It was read, and it does not hold."""


class DocumentUnusable(DocumentRefused):
    """It cannot be read, or trust cannot; nothing may be concluded."""


def refused(code: Refusal, detail: str = "") -> DocumentRefused:
    """Return the error of a code; raise the result."""
    kind = DocumentUnusable if code.is_unreadable else DocumentInvalid
    return kind(code, detail)


def fault_of(
    *, code: str, detail: str = "", fault_message: str = "", message_id: str | None
) -> Fault:
    """Turn a fault code of either spelling into the error that names who failed."""
    return _kind_of(code)(
        code=code, detail=detail, fault_message=fault_message, message_id=message_id
    )


def leaf_of(code: str) -> str:
    """Return the part of a fault code that says what happened, normalised."""
    parts = [p for p in _parts_of(code) if p not in _PREFIXES]
    return parts[0] if parts else ""


_PREFIXES = frozenset({"server", "client", "clientproxy", "serverproxy"})


def _parts_of(code: str) -> list[str]:
    return code.lower().replace("_", "").strip().split(".")


def _kind_of(code: str) -> type[Fault]:
    parts = _parts_of(code)
    if parts[0] == "client" or leaf_of(code) in REFUSING_LEAVES:
        return RequestRefused
    if "clientproxy" in parts:
        return OurServerFailed
    if leaf_of(code) == "servicefailed":
        return TheirSystemFailed
    return TheirServerFailed
