"""What is asked of an authorization request, one small check after the other. Pure.

Two phases: until client and redirect URI are known good nothing may be redirected;
after that every refusal goes back to the relying party (RFC 6749, 4.1.2.1). Each
profile has its list, in the order of its clauses; the same list judges a request at
/authorize and at /par.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import orjson

from idp.domain.consents import CLAIMS_OF_SCOPE
from idp.domain.profiles import (
    BASIC_PROFILE,
    FAPI2,
    FAPI2_MESSAGE_SIGNING,
    Profile,
    may_omit_pkce,
)
from idp.domain.relying_parties import RelyingParty
from idp.errors import RedirectUriUnknown, ScopeRefused
from idp.oidc.addresses import with_parameters
from idp.oidc.authorization_request import Asked
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.response_modes import may_answer

__all__ = [
    "CHECKS",
    "check_redirect_uri",
    "check_way_back",
    "checks_of",
    "resources_of",
    "with_parameters",
]

CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
THUMBPRINT = CODE_CHALLENGE
VISIBLE = re.compile(r"[\x20-\x7e]*", re.ASCII)
MAX_STATE = 1024
MAX_NONCE = 255
MAX_HINT = 1024
MAX_AGE_DIGITS = 9
MAX_RESOURCES = 8
PROMPTS = frozenset({"none", "login", "consent", "select_account"})

Check = Callable[[Asked], None]


# --- before anything may be redirected ---------------------------------------------


def check_redirect_uri(party: RelyingParty, parameters: Mapping[str, str]) -> str:
    """Return the redirect URI, equal to a registered one character by character.

    Raises RedirectUriUnknown. OpenID Connect requires the parameter (Core, 3.1.2.1),
    FAPI 2.0 in the pushed request (5.3.2.2).
    """
    uri = parameters.get("redirect_uri", "")
    if uri not in party.redirect_uris:
        raise RedirectUriUnknown(party.id)
    return uri


def check_way_back(asked: Asked) -> None:
    """Is there a redirect URI for what will be said? A fault is then told by a page.

    Raises RedirectUriUnknown, and ProtocolRefusal for a request without a source.
    """
    try:
        check_redirect_uri(asked.party, asked.parameters)
    except RedirectUriUnknown:
        if asked.fault is not None:
            raise asked.fault from None
        raise


# --- where it came from -------------------------------------------------------------


def check_source(asked: Asked) -> None:
    """`request` or `request_uri` led to a request (RFC 9101, 6; RFC 9126, 4)."""
    if asked.fault is not None:
        raise asked.fault


def check_registration(asked: Asked) -> None:
    """`registration` is refused, not ignored (Core, 3.1.2.6)."""
    if asked.get("registration") is not None:
        raise ProtocolRefusal("registration_not_supported")


def check_pushed_if_registered(asked: Asked) -> None:
    """Whether it was pushed, by a party that registered so (RFC 9126, 6)."""
    if asked.party.metadata.require_pushed_authorization_requests:
        check_pushed(asked)


def check_signed_if_registered(asked: Asked) -> None:
    """Whether it is signed, by a party that registered so (RFC 9101, 10.5)."""
    if asked.party.metadata.require_signed_request_object:
        check_signed(asked)


def check_pushed(asked: Asked) -> None:
    """Only pushed requests (FAPI 2.0, 5.3.2.2: PAR is the one way in)."""
    if not asked.pushed_id and not asked.is_at_par:
        raise ProtocolRefusal("invalid_request", "the request must be pushed")


def check_signed(asked: Asked) -> None:
    """Only signed request objects (FAPI 2.0 Message Signing, 5.3.1)."""
    if not asked.is_signed:
        raise ProtocolRefusal("invalid_request", "the request must be signed")


def check_confidential(asked: Asked) -> None:
    """Only parties that prove who they are (FAPI 2.0, 5.3.2.1)."""
    if asked.party.is_public:
        raise ProtocolRefusal("unauthorized_client", "the client must authenticate")


# --- what it says -------------------------------------------------------------------


def check_lengths(asked: Asked) -> None:
    """`state`, `nonce` and `login_hint` are bounded and printable.

    A `login_hint` is a hint only: nothing is looked up by it, nobody is prompted by
    it, and no page shows it (Core, 3.1.2.1).
    """
    for name, limit in (("state", MAX_STATE), ("nonce", MAX_NONCE)):
        value = asked.get(name) or ""
        if len(value) > limit or not VISIBLE.fullmatch(value):
            raise ProtocolRefusal("invalid_request", f"{name} is too long or malformed")
    if len(asked.get("login_hint") or "") > MAX_HINT:
        raise ProtocolRefusal("invalid_request", "login_hint is too long")


def check_response_type(asked: Asked) -> None:
    """Only a code: no implicit, no hybrid flow (RFC 9700, 2.1.2)."""
    if asked.get("response_type") != "code":
        raise ProtocolRefusal("unsupported_response_type", "only code is supported")


def check_response_mode(asked: Asked) -> None:
    """In the query or a form, signed or not; never in a fragment."""
    if not may_answer(asked.party, asked.get("response_mode") or ""):
        raise ProtocolRefusal("invalid_request", "response_mode is not acceptable")


def check_scope(asked: Asked) -> None:
    """`openid` is there, and nothing that this party may not ask for."""
    words = set(asked.words("scope"))
    if "openid" not in words:
        raise ProtocolRefusal("invalid_scope", "scope must contain openid")
    if not words & set(CLAIMS_OF_SCOPE) <= set(asked.party.scopes):
        raise ScopeRefused(asked.party.id)


def check_pkce(asked: Asked) -> None:
    """PKCE with S256, for every party (RFC 9700, 2.1.1; FAPI 2.0, 5.3.2.2).

    Who is exempt, in a sandbox, sends none of it or all of it.
    """
    is_absent = not (
        {"code_challenge", "code_challenge_method"} & set(asked.parameters)
    )
    if is_absent and may_omit_pkce(asked.party, is_sandbox=asked.is_sandbox):
        return
    if not CODE_CHALLENGE.fullmatch(asked.get("code_challenge") or ""):
        raise ProtocolRefusal("invalid_request", "code_challenge is missing or wrong")
    if asked.get("code_challenge_method") != "S256":
        raise ProtocolRefusal("invalid_request", "code_challenge_method must be S256")


def check_prompt(asked: Asked) -> None:
    """`prompt` holds known words, and `none` stands alone (Core, 3.1.2.1)."""
    words = set(asked.words("prompt"))
    if not words <= PROMPTS or ("none" in words and len(words) > 1):
        raise ProtocolRefusal("invalid_request", "prompt is not understood")


def check_max_age(asked: Asked) -> None:
    """`max_age` is a whole number of seconds."""
    text = asked.get("max_age") or "0"
    is_number = text.isascii() and text.isdigit()
    if not is_number or len(text) > MAX_AGE_DIGITS:
        raise ProtocolRefusal("invalid_request", "max_age is not a number")


def check_dpop_key(asked: Asked) -> None:
    """`dpop_jkt` is a thumbprint (RFC 9449, 10)."""
    thumbprint = asked.get("dpop_jkt")
    if thumbprint is not None and not THUMBPRINT.fullmatch(thumbprint):
        raise ProtocolRefusal("invalid_request", "dpop_jkt is not a thumbprint")


def check_resources(asked: Asked) -> None:
    """Each `resource` is an address that this party registered (RFC 8707, 2)."""
    for resource in resources_of(asked):
        if not _is_resource(resource):
            raise ProtocolRefusal("invalid_target", "resource is not an absolute URI")
        if resource not in asked.party.metadata.resources:
            raise ProtocolRefusal("invalid_target", "resource is not registered")


def resources_of(asked: Asked) -> tuple[str, ...]:
    """Return the asked resources, once each; raises ProtocolRefusal.

    In a request object several are a JSON list.
    """
    text = asked.get("resource") or ""
    found = text.split()
    if text.startswith("["):
        found = _listed(text)
    if len(found) > MAX_RESOURCES:
        raise ProtocolRefusal("invalid_target", "too many resources")
    return tuple(dict.fromkeys(found))


def _listed(text: str) -> list[str]:
    try:
        found = orjson.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ProtocolRefusal("invalid_target", "resource is not a list of URIs")
    return found


def _is_resource(resource: str) -> bool:
    try:
        parts = urlsplit(resource)
    except ValueError:
        return False
    is_absolute = bool(parts.scheme) and bool(parts.netloc or parts.path)
    return is_absolute and "#" not in resource and resource.isprintable()


# --- the lists ----------------------------------------------------------------------

CHECKS_BASIC: tuple[Check, ...] = (
    check_source,
    check_registration,
    check_pushed_if_registered,
    check_signed_if_registered,
    check_lengths,
    check_response_type,
    check_response_mode,
    check_scope,
    check_pkce,
    check_prompt,
    check_max_age,
    check_dpop_key,
    check_resources,
)
CHECKS_FAPI2: tuple[Check, ...] = (
    check_source,
    check_confidential,
    check_pushed,
    *CHECKS_BASIC[1:],
)
CHECKS_MESSAGE_SIGNING: tuple[Check, ...] = (
    *CHECKS_FAPI2[:3],
    check_signed,
    *CHECKS_FAPI2[3:],
)
CHECKS: Mapping[str, tuple[Check, ...]] = {
    BASIC_PROFILE.name: CHECKS_BASIC,
    FAPI2.name: CHECKS_FAPI2,
    FAPI2_MESSAGE_SIGNING.name: CHECKS_MESSAGE_SIGNING,
}


def checks_of(profile: Profile) -> tuple[Check, ...]:
    """Return what a profile asks of an authorization request, in order."""
    return CHECKS[profile.name]
