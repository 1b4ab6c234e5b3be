"""What a backchannel request must be, and whom it may mean (CIBA Core, FAPI-CIBA)."""

from dataclasses import replace
from typing import Any

import pytest

from idp.domain.relying_parties import PRIVATE_KEY_JWT
from idp.errors import FieldsInvalid
from tests.ciba import Ciba, metadata, open_ciba
from tests.party_keys import PartyKey
from tests.world import ISSUER

pytestmark = pytest.mark.anyio
KEY = PartyKey.make()


@pytest.fixture
async def ciba(sqlite_url: str):
    async with open_ciba(sqlite_url) as opened:
        yield opened


async def error_of(ciba: Ciba, **changes: str | None) -> str:
    status, body = await ciba.ask(**changes)
    assert status == 400, body
    return str(body["error"])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid document"}, "invalid_scope"),
        ({"login_hint": None}, "invalid_request"),
        ({"login_hint_token": "x"}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"user_code": "1234"}, "invalid_request"),
        ({"requested_expiry": "0"}, "invalid_request"),
        ({"requested_expiry": "-5"}, "invalid_request"),
        ({"requested_expiry": "5.0"}, "invalid_request"),
        ({"requested_expiry": "١٠"}, "invalid_request"),
        ({"acr_values": "high"}, "unmet_authentication_requirements"),
        ({"binding_message": "x" * 61}, "invalid_binding_message"),
        ({"binding_message": " "}, "invalid_binding_message"),
        ({"binding_message": "a\nb"}, "invalid_binding_message"),
        ({"binding_message": "a\u202eb"}, "invalid_binding_message"),
        ({"request": "x.y.z"}, "invalid_request"),
    ],
)
async def test_a_request_that_breaks_a_rule_is_refused_core_7_1_and_13(
    ciba: Ciba, changes: dict[str, str | None], error: str
) -> None:
    assert await error_of(ciba, **changes) == error
    assert (await ciba.ask(binding_message="១៧\u200bA"))[0] == 200


@pytest.mark.parametrize(
    "hint",
    [
        *("012345678", "999999999", "+85512345678", "SOK SREYPOV", "x" * 4000),
        *("", "%", "' OR 1=1 --"),
    ],
)
async def test_nobody_is_found_by_what_can_be_typed(ciba: Ciba, hint: str) -> None:
    """The same answer whether such a person exists or not."""
    if hint:
        status, body = await ciba.ask(login_hint=hint)
        assert (status, body["error"]) == (400, "unknown_user_id")
        _, unknown = await ciba.ask(login_hint="A" * 43)
        assert body == unknown
    else:
        assert await error_of(ciba, login_hint=hint) == "invalid_request"


async def test_a_stranger_to_the_party_cannot_be_prompted(ciba: Ciba) -> None:
    account = (await ciba.world.phone(number="987654321")).account_id
    for hint in (account, ciba.phone.account_id):
        assert await error_of(ciba, login_hint=hint) == "unknown_user_id"


async def test_a_subject_is_worth_nothing_to_another_party_of_its_sector(
    ciba: Ciba,
) -> None:
    await ciba.world.portal("other", metadata=metadata())
    other = replace(ciba, client_id="other")
    assert await error_of(other) == "unknown_user_id"


async def test_a_withdrawn_consent_ends_the_prompts(ciba: Ciba) -> None:
    services = ciba.world.services
    async with services.store.begin() as tx:
        await services.consents.withdraw(
            tx, account_id=ciba.phone.account_id, relying_party_id="portal"
        )
    assert await error_of(ciba) == "unknown_user_id"


async def test_an_id_token_of_ours_for_this_party_names_the_person_core_7_1(
    ciba: Ciba,
) -> None:
    asked = await ciba.asked()
    await ciba.decide(asked)
    _, tokens = await ciba.poll(asked)
    hint = tokens["id_token"]
    ciba.wait(24 * 3600)
    again = await ciba.asked(login_hint=None, id_token_hint=hint)
    await ciba.decide(again)
    await ciba.world.portal("other", metadata=metadata())
    other = replace(ciba, client_id="other")
    wrong = await error_of(other, login_hint=None, id_token_hint=hint)
    assert wrong == "invalid_request"
    for bad in (hint[:-4] + "AAAA", tokens["access_token"], "x", "x" * 9000):
        found = await error_of(ciba, login_hint=None, id_token_hint=bad)
        assert found == "invalid_request"


@pytest.mark.parametrize("token", [None, "x" * 1025, "a b", "ក", "=a", "a,b"])
async def test_ping_needs_a_notification_token_core_7_1(
    sqlite_url: str, token: str | None
) -> None:
    async with open_ciba(sqlite_url, "ping") as ciba:
        found = await error_of(ciba, client_notification_token=token)
        assert found == "invalid_request"
        status, _ = await ciba.ask(client_notification_token="a-._~+/==")
        assert status == 200


async def test_a_repeated_parameter_is_refused(ciba: Ciba) -> None:
    answer = await ciba.http.post(
        f"{ISSUER}/backchannel-authentication",
        content=b"scope=openid&scope=openid&login_hint=x",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.json()["error"] == "invalid_request"


async def test_a_stranger_is_refused_core_13(ciba: Ciba) -> None:
    answer = await ciba.http.post(
        f"{ISSUER}/backchannel-authentication",
        data={"scope": "openid", "login_hint": "x"},
        auth=("portal", "wrong"),
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    got = await ciba.http.get(f"{ISSUER}/backchannel-authentication")
    assert got.status_code == 405


# -- signed requests


async def signing(ciba: Ciba) -> Ciba:
    """A second portal, which signs, and knows the same person."""
    details = metadata(
        jwks=KEY.jwks, backchannel_authentication_request_signing_alg="ES256"
    )
    await ciba.world.portal("signer", metadata=details)
    signer = replace(ciba, client_id="signer")
    signer.subject = await signer.log_in(ciba.phone)
    return signer


def signed(ciba: Ciba, **changes: Any) -> dict[str, Any]:
    now = int(ciba.world.clock.now().timestamp())
    claims = {
        "iss": "signer",
        "aud": ISSUER,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": f"j{now}",
        "scope": "openid",
        "login_hint": ciba.subject,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


async def send(ciba: Ciba, claims: dict[str, Any], **beside: str) -> Any:
    request = KEY.sign(claims)
    return await ciba.post(
        "/backchannel-authentication", {"request": request, **beside}
    )


async def test_a_signed_request_is_taken_once_core_7_1_1(ciba: Ciba) -> None:
    signer = await signing(ciba)
    claims = signed(signer, requested_expiry=60, jti="one")
    status, body = await send(signer, claims)
    assert (status, body["expires_in"]) == (200, 60), body
    await signer.decide(body)
    status, body = await send(signer, claims)
    assert (status, body["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "changes",
    [
        *({"aud": "https://other.test"}, {"aud": None}, {"iss": "portal"}),
        *({"iss": None}, {"exp": None}, {"nbf": None}, {"iat": None}),
        *({"jti": None}, {"jti": ""}, {"jti": 7}, {"sub": "signer"}),
        *({"exp": 1}, {"nbf": 99999999999}, {"nbf": 1}, {"client_id": "portal"}),
        *({"request": "x"}, {"request_uri": "urn:x"}),
    ],
)
async def test_a_signed_request_that_breaks_a_rule_is_refused_core_7_1_1(
    ciba: Ciba, changes: dict[str, Any]
) -> None:
    signer = await signing(ciba)
    status, body = await send(signer, signed(signer, **changes))
    assert (status, body["error"]) == (400, "invalid_request"), body


async def test_all_parameters_are_inside_or_none_core_7_1_1(ciba: Ciba) -> None:
    signer = await signing(ciba)
    status, body = await send(signer, signed(signer), binding_message="other")
    assert (status, body["error"]) == (400, "invalid_request")


async def test_who_registered_to_sign_is_held_to_it_core_4(ciba: Ciba) -> None:
    assert await error_of(await signing(ciba)) == "invalid_request"


async def test_a_hint_token_names_the_person_core_7_1(ciba: Ciba) -> None:
    details = metadata(jwks=KEY.jwks)
    await ciba.world.portal("hinter", metadata=details)
    hinter = replace(ciba, client_id="hinter")
    hinter.subject = await hinter.log_in(ciba.phone)
    now = int(ciba.world.clock.now().timestamp())
    token = {
        "iss": "hinter",
        "aud": ISSUER,
        "sub": hinter.subject,
        "iat": now,
        "exp": now + 60,
    }

    async def error(**changes: Any) -> str:
        hint = KEY.sign({**token, **changes})
        return await error_of(hinter, login_hint=None, login_hint_token=hint)

    assert await error(exp=now - 60, iat=now - 90) == "expired_login_hint_token"
    assert await error(aud="https://other.test") == "invalid_request"
    assert await error(iss="portal") == "invalid_request"
    assert await error(sub="012345678") == "unknown_user_id"
    hint = KEY.sign(token)
    assert (await hinter.ask(login_hint=None, login_hint_token=hint))[0] == 200


# -- FAPI


@pytest.mark.parametrize(
    "bound",
    [
        {"dpop_bound_access_tokens": True},
        {"tls_client_certificate_bound_access_tokens": True},
    ],
)
async def test_what_must_be_bound_to_a_key_is_never_pushed(
    ciba: Ciba, bound: dict[str, bool]
) -> None:
    with pytest.raises(FieldsInvalid) as caught:
        await ciba.world.portal("bound", metadata=metadata("push", **bound))
    assert set(caught.value.fields) == {"backchannel_token_delivery_mode"}


@pytest.mark.parametrize("profile", ["fapi2", "fapi2-message-signing"])
async def test_push_cannot_be_registered_under_fapi_fapi_ciba_5_2_2(
    ciba: Ciba, profile: str
) -> None:
    with pytest.raises(FieldsInvalid):
        await ciba.world.portal(
            "bank",
            profile=profile,
            auth_method=PRIVATE_KEY_JWT,
            metadata=metadata("push", jwks=KEY.jwks, dpop_bound_access_tokens=True),
        )


async def test_a_public_party_has_no_backchannel(ciba: Ciba) -> None:
    await ciba.world.portal("app", auth_method="none", metadata=metadata())
    answer = await ciba.http.post(
        f"{ISSUER}/backchannel-authentication",
        data={"client_id": "app", "scope": "openid", "login_hint": ciba.subject},
    )
    assert answer.json()["error"] == "unauthorized_client"


async def test_a_party_that_asks_too_often_is_told_to_wait(ciba: Ciba) -> None:
    services = ciba.world.services
    for _ in range(services.settings.backchannel_requests_a_minute):
        await services.ephemeral.count("backchannel:portal", seconds=60)
    status, body = await ciba.ask()
    assert (status, body["error"]) == (429, "temporarily_unavailable")
