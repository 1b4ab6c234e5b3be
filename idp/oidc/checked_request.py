"""From an authorization request that passed its checks to what is parked. Pure."""

from datetime import datetime

from idp.domain.assurance import highest, level_of, lowest
from idp.domain.consents import is_known_scope
from idp.domain.interactions import AuthorizationRequest
from idp.domain.profiles import profile_of
from idp.oidc.authorization_checks import checks_of, resources_of
from idp.oidc.authorization_request import Asked
from idp.oidc.claims_request import (
    ClaimsRequest,
    decisions,
    essential_level,
    parse_claims_request,
)
from idp.oidc.response_modes import mode_of
from idp.storage.columns import to_millis

LOCALES = ("km", "en")


def checked_request(asked: Asked, *, now: datetime) -> AuthorizationRequest:
    """Run every check of the party's profile and return the request to be parked.

    Raises ProtocolRefusal, ScopeRefused, AssuranceTooLow. Scopes that we do not know
    are ignored (Core, 3.1.2.1).
    """
    for check in checks_of(profile_of(asked.party)):
        check(asked)
    words = asked.words("scope")
    scopes = tuple(word for word in words if is_known_scope(word, asked.party))
    wanted = parse_claims_request(
        asked.get("claims") or "", locales=asked.words("claims_locales")
    )
    claims, voluntary = decisions(wanted, scopes=scopes, party=asked.party)
    max_age = max_age_of(asked)
    return AuthorizationRequest(
        client_id=asked.party.id,
        redirect_uri=asked.parameters["redirect_uri"],
        code_challenge=asked.get("code_challenge") or "",
        scopes=scopes,
        claims=claims,
        voluntary=voluntary,
        state=asked.get("state"),
        nonce=asked.get("nonce"),
        acr=needed_level(asked, wanted),
        max_age=max_age,
        locale=locale_of(asked.words("ui_locales")),
        response_mode=mode_of(asked.party, asked.parameters),
        resources=resources_of(asked),
        claims_request=wanted.text,
        dpop_jkt=asked.dpop_jkt or asked.get("dpop_jkt") or "",
        pushed_id=asked.pushed_id,
        asks_consent="consent" in asked.words("prompt"),
        fresh_since=fresh_since(asked, max_age, now=now),
    )


def max_age_of(asked: Asked) -> int | None:
    """Return the asked greatest age of a login, else the party's own (seconds)."""
    text = asked.get("max_age")
    return asked.party.metadata.default_max_age if text is None else int(text)


def fresh_since(asked: Asked, max_age: int | None, *, now: datetime) -> int:
    """Return the instant (ms) before which nobody may have logged in; 0 for any."""
    if "login" in asked.words("prompt"):
        return to_millis(now)
    return 0 if max_age is None else max(0, to_millis(now) - max_age * 1000)


def needed_level(asked: Asked, wanted: ClaimsRequest) -> str:
    """Return the least level that will do: the party's, or a higher asked one.

    Of several acr values the lowest known one will do; unknown ones are ignored,
    for `acr_values` is voluntary (Core, 3.1.2.1). An essential `acr` of the claims
    request has to be one of ours: raises AssuranceTooLow (Core, 5.5.1.1).
    """
    known = [level_of(word, issuer=asked.issuer) for word in asked.words("acr_values")]
    levels = [level for level in known if level is not None]
    least = [asked.party.acr, *([lowest(*levels)] if levels else [])]
    essential = essential_level(wanted, issuer=asked.issuer)
    return highest(*least, *([essential] if essential else []))


def locale_of(tags: tuple[str, ...]) -> str:
    """Return the first language we speak among BCP 47 tags, else Khmer."""
    spoken = (tag.partition("-")[0].lower() for tag in tags)
    return next((language for language in spoken if language in LOCALES), "km")
