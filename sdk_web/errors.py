"""Everything that can go wrong between a portal and CamDigiKey.

LoginError
├─ Misconfigured                  what the portal was given cannot work
├─ ProviderUnavailable            no usable answer in time
├─ UnexpectedAnswer               an answer that breaks the rules; never believed
├─ CallbackRefused                the browser came back with something else
│  ├─ CallbackMalformed           a field missing, repeated or too long
│  ├─ StateMismatch               not the login this browser started
│  ├─ ResponseIssuerMismatch      another provider answered (RFC 9207)
│  ├─ TransactionExpired          the login was started too long ago
│  ├─ TransactionSpent            this login was finished before
│  └─ LoginDenied                 the provider says no: .error, .description
├─ TokenRefused                   the token endpoint says no: .error, .description
├─ SealBroken                     a cookie was altered, or sealed with another key
└─ TokenInvalid                   an ID token or userinfo answer is not to be believed
   ├─ TokenMalformed              not a token of the right kind and shape
   ├─ AlgorithmNotAllowed         signed with an algorithm nobody agreed on
   ├─ KeyUnknown                  signed with a key the provider does not publish
   ├─ SignatureWrong              altered, or signed by someone else
   ├─ IssuerWrong                 made by another provider
   ├─ AudienceWrong               made for another relying party
   ├─ TokenExpired                past its time
   ├─ TokenNotYetValid            from the future
   ├─ NonceMismatch               made for another login
   ├─ HashMismatch                c_hash or at_hash of another code or access token
   ├─ LoginTooOld                 the person logged in longer ago than max_age
   ├─ AssuranceTooLow             less assurance than was asked for
   └─ SubjectMismatch             about another person than the ID token
"""


class LoginError(Exception):
    """Base of everything this package raises on purpose."""


class Misconfigured(LoginError):
    """What the portal was given cannot work."""


class ProviderUnavailable(LoginError):
    """The provider gave no usable answer in time."""


class UnexpectedAnswer(LoginError):
    """The provider's answer breaks the rules; nothing of it was believed."""


class CallbackRefused(LoginError):
    """The browser came back with something other than an answer to its login."""


class CallbackMalformed(CallbackRefused):
    """A field of the callback is missing, repeated or too long."""


class StateMismatch(CallbackRefused):
    """The callback does not belong to the login this browser started."""


class ResponseIssuerMismatch(CallbackRefused):
    """The answer comes from another provider, or hides from which (RFC 9207)."""


class TransactionExpired(CallbackRefused):
    """The login was started too long ago."""


class TransactionSpent(CallbackRefused):
    """This login was finished before."""


class LoginDenied(CallbackRefused):
    """The provider answered the login with an error (OIDC Core, 3.1.2.6)."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error
        self.description = description


class TokenRefused(LoginError):
    """The token endpoint answered with an error (RFC 6749, 5.2)."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error
        self.description = description


class SealBroken(LoginError):
    """A cookie was altered, or sealed with another key or for another use."""


class TokenInvalid(LoginError):
    """An ID token or userinfo answer is not to be believed."""


class TokenMalformed(TokenInvalid):
    """Not a token of the right kind and shape."""


class AlgorithmNotAllowed(TokenInvalid):
    """Signed with an algorithm that was not registered."""


class KeyUnknown(TokenInvalid):
    """Signed with a key the provider does not publish."""


class SignatureWrong(TokenInvalid):
    """Altered, or signed by someone else."""


class IssuerWrong(TokenInvalid):
    """Made by another provider."""


class AudienceWrong(TokenInvalid):
    """Made for another relying party."""


class TokenExpired(TokenInvalid):
    """Past its time."""


class TokenNotYetValid(TokenInvalid):
    """From the future."""


class NonceMismatch(TokenInvalid):
    """Made for another login."""


class HashMismatch(TokenInvalid):
    """Belongs to another code or access token than the one beside it."""


class LoginTooOld(TokenInvalid):
    """The person logged in longer ago than max_age allows."""


class AssuranceTooLow(TokenInvalid):
    """The login reached less assurance than was asked for."""


class SubjectMismatch(TokenInvalid):
    """About another person than the ID token."""
