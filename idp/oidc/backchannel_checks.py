"""What is asked of a backchannel authentication request, check by check. Pure.

CIBA Core 1.0, 7.1 and 7.2; FAPI-CIBA, 5.2.2. The binding code that every answer
carries and the person types is the unique authorization context of FAPI-CIBA, so a
binding message is never demanded.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from idp.domain.assurance import REACHABLE_BY_PUSH, highest, level_of, lowest
from idp.domain.backchannel_requests import POLL, PUSH
from idp.domain.consents import CLAIMS_OF_SCOPE, VOLUNTARY, claims_of
from idp.domain.interactions import AuthorizationRequest
from idp.domain.party_metadata import CIBA
from idp.domain.profiles import profile_of
from idp.domain.relying_parties import RelyingParty
from idp.errors import AssuranceTooLow, ScopeRefused
from idp.oidc.errors import ProtocolRefusal

TOKEN68 = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)
EXPIRY = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
MAX_NOTIFICATION_TOKEN = 1024
MAX_MESSAGE = 60
ZERO_WIDTH_SPACE = "\u200b"  # between Khmer words
HINTS = ("login_hint", "id_token_hint", "login_hint_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBackchannel:
    """A request of a known party; its parameters wherever they stood."""

    party: RelyingParty
    issuer: str
    parameters: Mapping[str, str]
    is_signed: bool

    @property
    def delivery(self) -> str:
        """How the party wants to be told: poll, ping or push."""
        return self.party.metadata.backchannel_token_delivery_mode

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that we know, once each."""
        words = dict.fromkeys(self.parameters.get("scope", "").split())
        return tuple(word for word in words if word in CLAIMS_OF_SCOPE)


def check_party(asked: AskedBackchannel) -> None:
    """Refuse a party without CIBA, without credentials, or with FAPI and push."""
    party = asked.party
    is_allowed = party.metadata.may_use(CIBA) and bool(asked.delivery)
    is_push_under_fapi = profile_of(party).is_fapi and asked.delivery == PUSH
    if not is_allowed or party.is_public or is_push_under_fapi:
        raise ProtocolRefusal("unauthorized_client", "not registered for this")


def check_signature(asked: AskedBackchannel) -> None:
    """Who promised to sign does (FAPI-CIBA, 5.2.2; Core 1.0, 4)."""
    registered = asked.party.metadata.backchannel_authentication_request_signing_alg
    if (profile_of(asked.party).is_fapi or registered) and not asked.is_signed:
        raise ProtocolRefusal("invalid_request", "the request must be signed")


def check_scope(asked: AskedBackchannel) -> None:
    """`openid` is there, and nothing that this party may not ask for."""
    if "openid" not in asked.scopes:
        raise ProtocolRefusal("invalid_scope", "scope must contain openid")
    if not set(asked.scopes) <= set(asked.party.scopes):
        raise ScopeRefused(asked.party.id)


def check_hints(asked: AskedBackchannel) -> None:
    """Exactly one hint says who is meant."""
    if sum(name in asked.parameters for name in HINTS) != 1:
        raise ProtocolRefusal("invalid_request", "exactly one hint is needed")


def check_notification_token(asked: AskedBackchannel) -> None:
    """Ping and push carry the token that we will present (RFC 6750, 2.1)."""
    token = asked.parameters.get("client_notification_token", "")
    if not token and asked.delivery == POLL:
        return
    if len(token) > MAX_NOTIFICATION_TOKEN or not TOKEN68.fullmatch(token):
        raise ProtocolRefusal(
            "invalid_request", "client_notification_token is missing or malformed"
        )


def check_binding_message(asked: AskedBackchannel) -> None:
    """Take short plain text only: a phone shows all of it, as it is."""
    message = asked.parameters.get("binding_message")
    if message is None:
        return
    seen = message.replace(ZERO_WIDTH_SPACE, "")
    is_plain = not any(unicodedata.category(c) in UNSEEN for c in seen)
    if len(message) > MAX_MESSAGE or not seen.strip() or not is_plain:
        raise ProtocolRefusal(
            "invalid_binding_message", "at most 60 visible characters"
        )


# Control, format (direction overrides), private, surrogate, unassigned; line ends.
UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


def check_user_code(asked: AskedBackchannel) -> None:
    """Refuse a user code: to ignore it would seem to protect."""
    if "user_code" in asked.parameters:
        raise ProtocolRefusal("invalid_request", "user_code is not supported")


def check_expiry(asked: AskedBackchannel) -> None:
    """`requested_expiry` is a positive whole number of seconds."""
    if not EXPIRY.fullmatch(asked.parameters.get("requested_expiry", "1")):
        raise ProtocolRefusal("invalid_request", "requested_expiry is not positive")


CHECKS: tuple[Callable[[AskedBackchannel], None], ...] = (
    check_party,
    check_signature,
    check_scope,
    check_hints,
    check_notification_token,
    check_binding_message,
    check_user_code,
    check_expiry,
)


def checked_backchannel(asked: AskedBackchannel) -> AuthorizationRequest:
    """Run every check in order and return the request, still for nobody.

    It has no redirect URI and no code challenge: no browser takes part. Raises
    ProtocolRefusal, ScopeRefused, AssuranceTooLow.
    """
    for check in CHECKS:
        check(asked)
    claims = claims_of(asked.scopes)
    return AuthorizationRequest(
        client_id=asked.party.id,
        redirect_uri="",
        code_challenge="",
        scopes=asked.scopes,
        claims=claims,
        voluntary=tuple(claim for claim in claims if claim in VOLUNTARY),
        acr=needed_level(asked),
    )


def needed_level(asked: AskedBackchannel) -> str:
    """Return the least level that will do: the party's, or a higher asked one.

    A push can be relayed like a QR code, so `high` has none: raises AssuranceTooLow.
    """
    words = asked.parameters.get("acr_values", "").split()
    known = [level_of(word, issuer=asked.issuer) for word in words]
    levels = [level for level in known if level is not None]
    needed = highest(asked.party.acr, *([lowest(*levels)] if levels else []))
    if needed not in REACHABLE_BY_PUSH:
        raise AssuranceTooLow(needed)
    return needed


def life_of(asked: AskedBackchannel, *, usual: timedelta, most: timedelta) -> timedelta:
    """Return how long the request will wait; the party may ask for more or less."""
    wanted = asked.parameters.get("requested_expiry")
    return usual if wanted is None else min(timedelta(seconds=int(wanted)), most)
