"""The honest path, and what the browser may bring back instead of it."""

from urllib.parse import parse_qs, urlsplit

import pytest

from sdk_web import (
    CallbackMalformed,
    ClientSecretPost,
    LoginDenied,
    Misconfigured,
    PrivateKeyJwt,
    PublicClient,
    RelyingParty,
    ResponseIssuerMismatch,
    StateMismatch,
    SubjectMismatch,
    TokenRefused,
    TransactionExpired,
    TransactionSpent,
)
from tests.portal import HeadlessPortal
from tests.unit.sdk_web.conftest import CALLBACK, HOME, Watch
from tests.unit.sdk_web.provider import DROP, ISSUER, Client, Provider, new_key

pytestmark = pytest.mark.anyio


async def test_a_person_logs_in_refreshes_and_logs_out(
    provider: Provider, portal: HeadlessPortal
) -> None:
    callback = await provider.approve(await portal.start(level="low", max_age=60))
    tokens = await portal.finish(callback)
    assert tokens.id_token.subject == "pairwise-1"
    assert tokens.id_token.level == "substantial"
    assert tokens.id_token.amr == ("pop", "mfa", "pin", "swk")
    assert tokens.scopes == ("openid", "profile", "phone", "offline_access")
    assert (await portal.userinfo())["family_name#km"] == "សុខ"
    first = tokens.refresh_token
    assert (await portal.refresh()).refresh_token not in {first, None}
    assert (await portal.userinfo())["given_name"] == "Dara"
    url = urlsplit(await portal.logout(state="s"))
    asked = parse_qs(url.query)
    assert url.path == "/end_session"
    assert asked["post_logout_redirect_uri"] == [HOME]
    assert asked["id_token_hint"][0].count(".") == 2
    assert asked["state"] == ["s"]


async def test_the_request_carries_pkce_state_nonce_and_the_level(
    portal: HeadlessPortal,
) -> None:
    asked = parse_qs(urlsplit(await portal.start(level="high", max_age=0)).query)
    assert portal.transaction is not None
    assert asked["code_challenge"] == [portal.transaction.code_challenge]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"] == [portal.transaction.state]
    assert asked["nonce"] == [portal.transaction.nonce]
    assert asked["acr_values"] == [f"{ISSUER}/acr/high"]
    assert asked["max_age"] == ["0"]
    assert portal.transaction.code_verifier not in str(asked)


@pytest.mark.parametrize("method", ["post", "none", "private_key_jwt"])
async def test_every_client_authentication_is_accepted(
    provider: Provider, watch: Watch, method: str
) -> None:
    key = new_key("portal-1")
    ways = {
        "post": (Client((CALLBACK,), secret="s"), ClientSecretPost("s")),
        "none": (Client((CALLBACK,)), PublicClient()),
        "private_key_jwt": (
            Client((CALLBACK,), key=key),
            PrivateKeyJwt(key.as_pem(private=True), "portal-1"),
        ),
    }
    provider.clients["other"], authentication = ways[method]
    portal = HeadlessPortal(
        issuer=ISSUER,
        client_id="other",
        authentication=authentication,
        transport=provider.transport,
        clock=watch,
    )
    tokens = await portal.finish(await provider.approve(await portal.start()))
    assert tokens.id_token.audience == ("other",)
    await portal.aclose()


async def test_a_wrong_secret_is_refused_with_the_providers_word(
    provider: Provider, portal: HeadlessPortal
) -> None:
    callback = await provider.approve(await portal.start())
    provider.clients["portal"].secret = "another"
    with pytest.raises(TokenRefused) as refused:
        await portal.finish(callback)
    assert refused.value.error == "invalid_client"


async def test_a_callback_of_another_login_is_refused(
    provider: Provider, portal: HeadlessPortal
) -> None:
    callback = await provider.approve(await portal.start())
    await portal.start()
    with pytest.raises(StateMismatch):
        await portal.finish(callback)


async def test_a_login_is_finished_at_most_once(
    provider: Provider, portal: HeadlessPortal
) -> None:
    callback = await provider.approve(await portal.start())
    await portal.finish(callback)
    asked = len(provider.asked)
    with pytest.raises(TransactionSpent):
        await portal.finish(callback)
    assert len(provider.asked) == asked


async def test_a_failed_finish_spends_the_login_too(
    provider: Provider, portal: HeadlessPortal
) -> None:
    callback = await provider.approve(await portal.start())
    with pytest.raises(ResponseIssuerMismatch):
        await portal.finish(callback.replace("8000", "8666"))
    with pytest.raises(TransactionSpent):
        await portal.finish(callback)


async def test_a_login_started_too_long_ago_is_refused(
    provider: Provider, portal: HeadlessPortal, watch: Watch
) -> None:
    callback = await provider.approve(await portal.start())
    watch.now += 1801
    with pytest.raises(TransactionExpired):
        await portal.finish(callback)


async def test_an_answer_of_another_provider_is_refused(
    provider: Provider, portal: HeadlessPortal
) -> None:
    callback = await provider.approve(await portal.start())
    with pytest.raises(ResponseIssuerMismatch):
        await portal.finish(callback.replace("localhost%3A8000", "evil.example"))


async def test_an_answer_that_hides_its_issuer_is_refused(
    provider: Provider, portal: HeadlessPortal
) -> None:
    callback = await provider.approve(await portal.start())
    with pytest.raises(ResponseIssuerMismatch):
        await portal.finish(callback.replace("iss=", "was="))


async def test_a_missing_issuer_is_fine_where_the_provider_never_names_it(
    provider: Provider, portal: HeadlessPortal
) -> None:
    provider.discovery["authorization_response_iss_parameter_supported"] = DROP
    callback = await provider.approve(await portal.start())
    assert await portal.finish(callback.replace("iss=", "was="))


async def test_the_providers_refusal_is_told(portal: HeadlessPortal) -> None:
    await portal.start()
    assert portal.transaction is not None
    state, issuer = portal.transaction.state, ISSUER
    with pytest.raises(LoginDenied) as denied:
        await portal.finish(
            f"{CALLBACK}?error=access_denied&state={state}&iss={issuer}"
        )
    assert denied.value.error == "access_denied"


@pytest.mark.parametrize(
    "change",
    [
        lambda callback: callback + "&code=again",
        lambda callback: callback + "&x=" + "y" * 9000,
        lambda callback: callback.replace("code=", "kode="),
        lambda callback: callback + "&a=1" * 40,
    ],
)
async def test_a_malformed_callback_is_refused(
    provider: Provider, portal: HeadlessPortal, change
) -> None:
    callback = change(await provider.approve(await portal.start()))
    with pytest.raises(CallbackMalformed):
        await portal.finish(callback)


async def test_a_code_of_another_login_is_refused_by_pkce(
    provider: Provider, portal: HeadlessPortal
) -> None:
    stolen = parse_qs(urlsplit(await provider.approve(await portal.start())).query)
    callback = await provider.approve(await portal.start())
    mine = parse_qs(urlsplit(callback).query)["code"][0]
    with pytest.raises(TokenRefused):
        await portal.finish(callback.replace(mine, stolen["code"][0]))


async def test_userinfo_about_someone_else_is_refused(
    provider: Provider, portal: HeadlessPortal
) -> None:
    await portal.finish(await provider.approve(await portal.start()))
    for sub in ("pairwise-2", DROP, 1):
        provider.userinfo["sub"] = sub
        with pytest.raises(SubjectMismatch):
            await portal.userinfo()


async def test_a_revoked_grant_does_not_refresh(
    provider: Provider, portal: HeadlessPortal
) -> None:
    tokens = await portal.finish(await provider.approve(await portal.start()))
    assert tokens.refresh_token is not None
    await portal.client.revoke(tokens.refresh_token)
    with pytest.raises(TokenRefused) as refused:
        await portal.refresh()
    assert refused.value.error == "invalid_grant"


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://idp.example"},
        {"issuer": "https://user@idp.example"},
        {"issuer": "idp.example"},
        {"redirect_uri": "http://portal.example/callback"},
        {"redirect_uri": "https://portal.example/#here"},
        {"post_logout_redirect_uri": "javascript:alert(1)"},
        {"scopes": ("profile",)},
        {"client_id": ""},
        {"id_token_algorithms": frozenset({"none"})},
        {"id_token_algorithms": frozenset({"ES256", "HS256"})},
    ],
)
def test_an_unsafe_registration_is_refused(change) -> None:
    good = {"issuer": ISSUER, "client_id": "portal", "redirect_uri": CALLBACK}
    RelyingParty(**good)
    with pytest.raises(Misconfigured):
        RelyingParty(**(good | change))


def test_a_client_key_must_be_a_private_p256_key() -> None:
    for key in (b"no key", new_key("k").as_pem(private=False)):
        with pytest.raises(Misconfigured):
            PrivateKeyJwt(key, "k")


async def test_an_unknown_level_is_refused(portal: HeadlessPortal) -> None:
    with pytest.raises(Misconfigured):
        await portal.start(level="highest")
