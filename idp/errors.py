"""Everything the domain can refuse: one small tree, no HTTP in it.

    IdentityError
    ├─ Malformed                      the request cannot be understood
    ├─ NotFound                       there is no such thing, or not for this caller
    ├─ Refused                        understood, and not allowed
    │  ├─ RelyingPartyUnknown         client unknown, disabled or not authenticated
    │  ├─ RedirectUriUnknown          rendered, never redirected
    │  ├─ GrantSpent                  code or refresh token used before, or never ours
    │  ├─ ScopeRefused
    │  ├─ LoginNeeded, ConsentNeeded
    │  ├─ AssuranceTooLow
    │  ├─ ChallengePending, ChallengeDenied, ChallengeClosed, ChallengeTaken
    │  ├─ PushRefused                 this person may not be prompted now
    │  ├─ RequestExpired, PollTooFast
    │  ├─ QrStale                     the picture is older than it may be
    │  ├─ ProofInvalid, ProofNonceStale
    │  ├─ AssertionInvalid, AttestationInvalid
    │  ├─ ClientJwtInvalid            no key of the party signed this, for us, now
    │  ├─ DeviceUnknown, DeviceRevoked, DeviceSuspended, AccountSuspended, Locked
    │  ├─ AlreadyRegistered, DevicesFull, WrongStep, RoleMissing
    │  ├─ CodeWrong(attempts_left), CodeExpired, PhoneInvalid, EmailInvalid
    │  ├─ WorkRequired(challenge, difficulty)
    │  ├─ FieldsInvalid(fields)
    │  └─ EvidenceInsufficient(kind, advice)
    ├─ Exhausted(retry_after)         a budget is spent
    └─ Unavailable(dependency)        something we need does not answer

`code` is stable and public. The message of an exception is for the log only and
holds no personal data; public texts come from the catalogs, at the edges.
"""

from typing import ClassVar


class IdentityError(Exception):
    """Base of every refusal of the domain."""

    code: ClassVar[str] = "refused"


class Malformed(IdentityError):
    """The request cannot be understood."""

    code = "malformed"


class NotFound(IdentityError):
    """There is no such thing, or not for this caller."""

    code = "not-found"


class Refused(IdentityError):
    """The request was understood and is not allowed."""


class RelyingPartyUnknown(Refused):
    """The relying party is unknown, disabled or not authenticated."""

    code = "relying-party-unknown"


class RedirectUriUnknown(Refused):
    """The redirect URI is not registered: shown on a page, never followed."""

    code = "redirect-uri-unknown"


class GrantSpent(Refused):
    """A code or refresh token was used before, has expired, or is not ours."""

    code = "grant-spent"


class ScopeRefused(Refused):
    """The relying party may not ask for this scope."""

    code = "scope-refused"


class LoginNeeded(Refused):
    """Nobody is signed in, and the request forbids asking."""

    code = "login-needed"


class ConsentNeeded(Refused):
    """The person has not released these claims, and the request forbids asking."""

    code = "consent-needed"


class AssuranceTooLow(Refused):
    """The account or the login does not reach the asked acr."""

    code = "assurance-too-low"


class ChallengePending(Refused):
    """The device has not answered yet."""

    code = "challenge-pending"


class ChallengeDenied(Refused):
    """The person said no."""

    code = "challenge-denied"


class ChallengeClosed(Refused):
    """The challenge has ended: expired, cancelled, answered or used."""

    code = "challenge-closed"


class ChallengeTaken(Refused):
    """Another device claimed the challenge first."""

    code = "challenge-taken"


class PushRefused(Refused):
    """This person may not be prompted by this party now; why stays with us."""

    code = "push-refused"


class RequestExpired(Refused):
    """Nobody answered in time."""

    code = "request-expired"


class PollTooFast(Refused):
    """The party asks for the answer too often, or twice at the same time."""

    code = "poll-too-fast"


class QrStale(Refused):
    """The scanned code is older or newer than it may be, or not ours."""

    code = "qr-stale"


class ProofInvalid(Refused):
    """The request is not signed by the key that it names, or not for this call."""

    code = "proof-invalid"


class ProofNonceStale(Refused):
    """The request proof carries no nonce, or an old one: sign again."""

    code = "proof-nonce"


class AttestationInvalid(Refused):
    """Nothing that we trust vouches for this key."""

    code = "attestation-invalid"


class AssertionInvalid(Refused):
    """The signed answer is not what this device was asked."""

    code = "assertion-invalid"


class ClientJwtInvalid(Refused):
    """A JWT was not signed by a key of this relying party, or does not hold now."""

    code = "client-jwt-invalid"


class DeviceUnknown(Refused):
    """No account is bound to this device key."""

    code = "device-unknown"


class DeviceRevoked(Refused):
    """The device was revoked."""

    code = "device-revoked"


class RoleMissing(Refused):
    """This is for operators with another role."""

    code = "role-missing"


class DeviceSuspended(Refused):
    """The device was reported lost; its person may take that back with the PIN."""

    code = "device-suspended"


class AccountSuspended(Refused):
    """The account is suspended or closed."""

    code = "account-suspended"


class Locked(Refused):
    """Personal data is shown only after unlocking."""

    code = "locked"


class AlreadyRegistered(Refused):
    """This device or this document already belongs to an account."""

    code = "already-registered"


class DevicesFull(Refused):
    """The account has as many devices as one may have."""

    code = "devices-full"


class WrongStep(Refused):
    """The registration is at another step; ask for its view."""

    code = "wrong-step"


class CodeWrong(Refused):
    """A one-time code or PIN was wrong."""

    code = "code-wrong"

    def __init__(self, message: str = "", *, attempts_left: int) -> None:
        super().__init__(message)
        self.attempts_left = attempts_left


class CodeExpired(Refused):
    """A one-time code is too old or was never sent."""

    code = "code-expired"


class PhoneInvalid(Refused):
    """The number cannot receive a text message."""

    code = "phone-invalid"


class EmailInvalid(Refused):
    """The address cannot receive an e-mail."""

    code = "email-invalid"


class WorkRequired(Refused):
    """A puzzle is to be solved first: many ask from this network."""

    code = "work-required"

    def __init__(self, challenge: str, *, difficulty: int) -> None:
        super().__init__("proof of work")
        self.challenge = challenge
        self.difficulty = difficulty


class FieldsInvalid(Refused):
    """Some fields cannot be right; `fields` maps a name to a stable code."""

    code = "fields-invalid"

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(", ".join(sorted(fields)))
        self.fields = fields


class EvidenceInsufficient(Refused):
    """A picture or the register does not prove enough."""

    code = "evidence-insufficient"

    def __init__(
        self,
        kind: str,
        *,
        advice: tuple[str, ...] = (),
        attempts_left: int | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.advice = advice
        self.attempts_left = attempts_left


class Exhausted(IdentityError):
    """A budget is spent; `retry_after` is in whole seconds, 0 when never."""

    code = "exhausted"

    def __init__(self, message: str = "", *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(IdentityError):
    """Something we need does not answer; `dependency` names it."""

    code = "unavailable"

    def __init__(self, dependency: str, *, retry_after: int = 5) -> None:
        super().__init__(dependency)
        self.dependency = dependency
        self.retry_after = retry_after
