"""Log people in to a web portal with CamDigiKey: plain OpenID Connect.

    client = CamDigiKeyClient(RelyingParty(issuer=…, client_id=…, redirect_uri=…))
    started = await client.start_login(level="substantial")
    # send the browser to started.url; keep started.transaction sealed
    tokens = await client.finish_login(transaction, unverified_callback_address)
    tokens.id_token.subject

What is not checked yet is called `unverified_…`; only a `VerifiedIdToken` has
claims. `sdk_web.starlette` does all of it for a Starlette portal.
"""

from sdk_web.client import CamDigiKeyClient, StartedLogin, UserInfo
from sdk_web.errors import (
    AlgorithmNotAllowed,
    AssuranceTooLow,
    AudienceWrong,
    CallbackMalformed,
    CallbackRefused,
    HashMismatch,
    IssuerWrong,
    KeyUnknown,
    LoginDenied,
    LoginError,
    LoginTooOld,
    Misconfigured,
    NonceMismatch,
    ProviderUnavailable,
    ResponseIssuerMismatch,
    SealBroken,
    SignatureWrong,
    StateMismatch,
    SubjectMismatch,
    TokenExpired,
    TokenInvalid,
    TokenMalformed,
    TokenNotYetValid,
    TokenRefused,
    TransactionExpired,
    TransactionSpent,
    UnexpectedAnswer,
)
from sdk_web.metadata import ProviderMetadata
from sdk_web.relying_party import (
    ClientAuthentication,
    ClientSecretBasic,
    ClientSecretPost,
    Credentials,
    PrivateKeyJwt,
    PublicClient,
    RelyingParty,
)
from sdk_web.sealing import CookieSealer
from sdk_web.tokens import Tokens, VerifiedIdToken
from sdk_web.transaction import LoginTransaction, SpentInMemory, SpentTransactions

__all__ = [
    "AlgorithmNotAllowed",
    "AssuranceTooLow",
    "AudienceWrong",
    "CallbackMalformed",
    "CallbackRefused",
    "CamDigiKeyClient",
    "ClientAuthentication",
    "ClientSecretBasic",
    "ClientSecretPost",
    "CookieSealer",
    "Credentials",
    "HashMismatch",
    "IssuerWrong",
    "KeyUnknown",
    "LoginDenied",
    "LoginError",
    "LoginTooOld",
    "LoginTransaction",
    "Misconfigured",
    "NonceMismatch",
    "PrivateKeyJwt",
    "ProviderMetadata",
    "ProviderUnavailable",
    "PublicClient",
    "RelyingParty",
    "ResponseIssuerMismatch",
    "SealBroken",
    "SignatureWrong",
    "SpentInMemory",
    "SpentTransactions",
    "StartedLogin",
    "StateMismatch",
    "SubjectMismatch",
    "TokenExpired",
    "TokenInvalid",
    "TokenMalformed",
    "TokenNotYetValid",
    "TokenRefused",
    "Tokens",
    "TransactionExpired",
    "TransactionSpent",
    "UnexpectedAnswer",
    "UserInfo",
    "VerifiedIdToken",
]
