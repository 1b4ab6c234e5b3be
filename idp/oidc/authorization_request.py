"""Where the parameters of an authorization request come from.

    plainly     the query or the form of /authorize
    signed      `request`, a JWT by value (RFC 9101): only what is inside counts
    pushed      `request_uri` of our own /par (RFC 9126): only what was pushed counts

OpenID Connect (Core, 6.1) lets parameters outside of a request object complete those
inside; RFC 9101 (6.3) forbids it, and we follow the RFC: whoever reads a signed request
knows all of it. A `request_uri` of somebody else's server is never fetched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from idp.domain.relying_parties import RelyingParty
from idp.errors import NotFound
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.request_objects import verify_request_object
from idp.services import Services

REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An authorization request of a known party; nothing of it is checked yet.

    `fault` is what made its source unusable: then `parameters` are those outside of
    it, and serve for nothing but to find the way back.
    """

    party: RelyingParty
    issuer: str
    parameters: Mapping[str, str]
    is_signed: bool = False
    pushed_id: str = ""
    is_at_par: bool = False
    dpop_jkt: str = ""
    is_sandbox: bool = False
    fault: ProtocolRefusal | None = None

    def get(self, name: str) -> str | None:
        """Return a parameter, if it is there."""
        return self.parameters.get(name)

    def words(self, name: str) -> tuple[str, ...]:
        """Return a space-separated parameter as words, once each."""
        return tuple(dict.fromkeys((self.get(name) or "").split()))


async def read_request(
    services: Services, party: RelyingParty, outer: Mapping[str, str]
) -> Asked:
    """Return what a party asks at /authorize. Raises Unavailable."""
    plain = Asked(
        party=party,
        issuer=services.settings.issuer,
        parameters=outer,
        is_sandbox=services.settings.sandbox,
    )
    if "request" in outer and "request_uri" in outer:
        # RFC 9101, 5: one or the other.
        both = ProtocolRefusal("invalid_request", "request and request_uri")
        return replace(plain, fault=both)
    try:
        if "request_uri" in outer:
            return await _pushed(services, plain)
        return await _signed(services, plain) if "request" in outer else plain
    except ProtocolRefusal as fault:
        return replace(plain, fault=fault)


async def read_pushed_form(
    services: Services, party: RelyingParty, form: Mapping[str, str]
) -> Asked:
    """Return what a party pushes to /par. Raises ProtocolRefusal, Unavailable.

    A `client_id` in the form is the caller's: client authentication saw to it.
    """
    plain = Asked(
        party=party,
        issuer=services.settings.issuer,
        parameters={
            name: value for name, value in form.items() if name not in CREDENTIALS
        },
        is_at_par=True,
        is_sandbox=services.settings.sandbox,
    )
    if "request_uri" in form:
        # RFC 9126, 2.1: a pushed request cannot refer to another.
        raise ProtocolRefusal("invalid_request", "request_uri cannot be pushed")
    return await _signed(services, plain) if "request" in form else plain


async def _pushed(services: Services, outer: Asked) -> Asked:
    uri = outer.parameters["request_uri"]
    if not uri.startswith(REQUEST_URI):
        raise ProtocolRefusal("request_uri_not_supported")
    try:
        found = await services.pushed_requests.find(
            uri.removeprefix(REQUEST_URI), client_id=outer.party.id
        )
    except NotFound as fact:
        raise ProtocolRefusal(
            "invalid_request_uri", "request_uri is unknown, over or answered"
        ) from fact
    return replace(
        outer,
        parameters=found.parameters,
        is_signed=found.is_signed,
        pushed_id=found.id,
        dpop_jkt=found.dpop_jkt,
    )


async def _signed(services: Services, outer: Asked) -> Asked:
    """Return what the request object says, and nothing beside it.

    Its client_id is that of the party outside (RFC 9101, 5).
    """
    party, metadata = outer.party, outer.party.metadata
    if not metadata.jwks and not metadata.jwks_uri:
        # Core, 3.1.2.6: a party without keys cannot sign one.
        raise ProtocolRefusal("request_not_supported")
    inside = await verify_request_object(services, party, outer.parameters["request"])
    return replace(outer, parameters=inside, is_signed=True)
