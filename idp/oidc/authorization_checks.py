"""What is asked of an authorization request, one small check after the other. Pure.

Two phases: until client and redirect URI are known good nothing may be redirected;
after that every refusal goes back to the relying party (RFC 6749, 4.1.2.1).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from idp.domain.assurance import highest, level_of, lowest
from idp.domain.consents import CLAIMS_OF_SCOPE, VOLUNTARY, claims_of
from idp.domain.interactions import AuthorizationRequest
from idp.domain.relying_parties import RelyingParty
from idp.errors import RedirectUriUnknown, ScopeRefused
from idp.oidc.errors import ProtocolRefusal

CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
VISIBLE = re.compile(r"[\x20-\x7e]*", re.ASCII)
MAX_STATE = 1024
MAX_NONCE = 255
MAX_AGE_DIGITS = 9
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
LOCALES = ("km", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An authorization request of a known party with a known redirect URI."""

    party: RelyingParty
    issuer: str
    parameters: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """Return a parameter, if it is there."""
        return self.parameters.get(name)

    def words(self, name: str) -> tuple[str, ...]:
        """Return a space-separated parameter as words, once each."""
        return tuple(dict.fromkeys((self.get(name) or "").split()))


def check_redirect_uri(party: RelyingParty, parameters: Mapping[str, str]) -> str:
    """Return the redirect URI, equal to a registered one character by character.

    Raises RedirectUriUnknown. OpenID Connect requires the parameter (Core, 3.1.2.1).
    """
    uri = parameters.get("redirect_uri", "")
    if uri not in party.redirect_uris:
        raise RedirectUriUnknown(party.id)
    return uri


def check_state(asked: Asked) -> None:
    """`state` and `nonce` are bounded and printable."""
    for name, limit in (("state", MAX_STATE), ("nonce", MAX_NONCE)):
        value = asked.get(name) or ""
        if len(value) > limit or not VISIBLE.fullmatch(value):
            raise ProtocolRefusal("invalid_request", f"{name} is too long or malformed")


def check_request_objects(asked: Asked) -> None:
    """Request objects are refused, not ignored (Core, 3.1.2.6)."""
    for name, error in (
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ):
        if asked.get(name) is not None:
            raise ProtocolRefusal(error)


def check_response(asked: Asked) -> None:
    """Only a code, only in the query."""
    if asked.get("response_type") != "code":
        raise ProtocolRefusal("unsupported_response_type", "only code is supported")
    if asked.get("response_mode") not in {None, "query"}:
        raise ProtocolRefusal("invalid_request", "only response_mode=query")


def check_scope(asked: Asked) -> None:
    """`openid` is there, and nothing that this party may not ask for."""
    known = {scope for scope in asked.words("scope") if scope in CLAIMS_OF_SCOPE}
    if "openid" not in known:
        raise ProtocolRefusal("invalid_scope", "scope must contain openid")
    if not known <= set(asked.party.scopes):
        raise ScopeRefused(asked.party.id)


def check_pkce(asked: Asked) -> None:
    """PKCE with S256, for every party (RFC 9700, 2.1.1)."""
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


CHECKS: tuple[Callable[[Asked], None], ...] = (
    check_state,
    check_request_objects,
    check_response,
    check_scope,
    check_pkce,
    check_prompt,
    check_max_age,
)


def checked_request(
    asked: Asked, *, required_account: str | None = None
) -> AuthorizationRequest:
    """Run every check in order and return the request to be parked.

    Raises ProtocolRefusal and ScopeRefused. Scopes that we do not know are ignored
    (Core, 3.1.2.1).
    """
    for check in CHECKS:
        check(asked)
    scopes = tuple(scope for scope in asked.words("scope") if scope in CLAIMS_OF_SCOPE)
    claims = claims_of(scopes)
    max_age = asked.get("max_age")
    return AuthorizationRequest(
        client_id=asked.party.id,
        redirect_uri=asked.parameters["redirect_uri"],
        code_challenge=asked.parameters["code_challenge"],
        scopes=scopes,
        claims=claims,
        voluntary=tuple(claim for claim in claims if claim in VOLUNTARY),
        state=asked.get("state"),
        nonce=asked.get("nonce"),
        acr=needed_level(asked),
        required_account=required_account,
        max_age=None if max_age is None else int(max_age),
        locale=locale_of(asked.words("ui_locales")),
    )


def needed_level(asked: Asked) -> str:
    """Return the least level that will do: the party's, or a higher asked one.

    Of several acr values the lowest known one will do; unknown ones are ignored,
    for `acr_values` is voluntary (Core, 3.1.2.1).
    """
    known = [level_of(word, issuer=asked.issuer) for word in asked.words("acr_values")]
    asked_levels = [level for level in known if level is not None]
    if not asked_levels:
        return asked.party.acr
    return highest(asked.party.acr, lowest(*asked_levels))


def locale_of(tags: tuple[str, ...]) -> str:
    """Return the first language we speak among BCP 47 tags, else Khmer."""
    spoken = (tag.partition("-")[0].lower() for tag in tags)
    return next((language for language in spoken if language in LOCALES), "km")


def with_parameters(uri: str, parameters: Mapping[str, str | None]) -> str:
    """Return the URI with parameters added to its query; None ones are left out."""
    parts = urlsplit(uri)
    added = urlencode({k: v for k, v in parameters.items() if v is not None})
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))
