"""How the answer of an authorization request travels: names and rules. Pure.

    query          303 with parameters (RFC 6749, 4.1.2)
    form_post      a page that posts them (Form Post Response Mode 1.0)
    query.jwt      303 with one signed `response` (JARM 1.0, 2.3.1)
    form_post.jwt  a page that posts one signed `response` (JARM 1.0, 2.3.3)

`jwt` is short for `query.jwt` (JARM 1.0, 2.3.4: the default of a code). Nothing ever
travels in a fragment.
"""

from collections.abc import Mapping

from idp.domain.profiles import profile_of
from idp.domain.relying_parties import RelyingParty

QUERY, FORM_POST = "query", "form_post"
QUERY_JWT, FORM_POST_JWT = "query.jwt", "form_post.jwt"
JWT = "jwt"
RESPONSE_MODES = (QUERY, FORM_POST, JWT, QUERY_JWT, FORM_POST_JWT)
SIGNED = frozenset({QUERY_JWT, FORM_POST_JWT})
POSTED = frozenset({FORM_POST, FORM_POST_JWT})


def may_answer(party: RelyingParty, response_mode: str) -> bool:
    """Say whether this party's answers may travel so; "" is its default."""
    if response_mode not in {"", *RESPONSE_MODES}:
        return False
    is_signed = response_mode in {"", JWT, *SIGNED}
    return is_signed or not profile_of(party).requires_signed_responses


def mode_of(party: RelyingParty, parameters: Mapping[str, str]) -> str:
    """Return how answers and refusals of a request travel.

    One that asks for a mode it may not have is told so in the party's default mode.
    """
    asked = parameters.get("response_mode", "")
    if asked and may_answer(party, asked):
        return QUERY_JWT if asked == JWT else asked
    return QUERY_JWT if profile_of(party).requires_signed_responses else QUERY
