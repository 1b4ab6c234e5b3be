"""What a provider says about itself is bounded, checked and remembered."""

import asyncio
import gzip

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sdk_web import (
    LoginError,
    Misconfigured,
    ProviderUnavailable,
    TokenRefused,
    UnexpectedAnswer,
)
from sdk_web.fetching import require_secure
from tests.portal import HeadlessPortal
from tests.unit.sdk_web.conftest import Watch
from tests.unit.sdk_web.provider import DROP, ISSUER, Provider, redirect

pytestmark = pytest.mark.anyio
WELL_KNOWN = "/.well-known/openid-configuration"


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"issuer": ISSUER + "/"},
        {"issuer": DROP},
        {"token_endpoint": DROP},
        {"token_endpoint": 7},
        {"token_endpoint": "http://idp.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "ftp://localhost/"},
        {"jwks_uri": "//idp.example/jwks"},
        {"response_types_supported": ["id_token"]},
        {"response_types_supported": "code"},
        {"code_challenge_methods_supported": ["plain"]},
        {"code_challenge_methods_supported": DROP},
    ],
)
async def test_a_discovery_document_that_breaks_a_rule_is_refused(
    provider: Provider, portal: HeadlessPortal, changes
) -> None:
    provider.discovery = changes
    with pytest.raises(UnexpectedAnswer):
        await portal.start()


def answering(response: Response):
    async def answer(_: Request) -> Response:
        return response

    return answer


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (redirect("http://localhost:8000/jwks"), UnexpectedAnswer),
        (Response(status_code=302), UnexpectedAnswer),
        (PlainTextResponse("{}"), UnexpectedAnswer),
        (Response("{", media_type="application/json"), UnexpectedAnswer),
        (Response("[]", media_type="application/json"), UnexpectedAnswer),
        (Response('{"a":1,"a":2}', media_type="application/json"), UnexpectedAnswer),
        (Response("[" * 99_999, media_type="application/json"), UnexpectedAnswer),
        (JSONResponse({"a": "x" * 300_000}), UnexpectedAnswer),
        (JSONResponse({}, status_code=404), UnexpectedAnswer),
        (JSONResponse({}, status_code=503), ProviderUnavailable),
        (
            Response(
                gzip.compress(b" " * 10_000_000),
                headers={"content-encoding": "gzip"},
                media_type="application/json",
            ),
            UnexpectedAnswer,
        ),
    ],
)
@pytest.mark.parametrize("path", [WELL_KNOWN, "/jwks", "/token", "/userinfo"])
async def test_an_answer_that_is_no_document_is_refused_everywhere(
    provider: Provider, portal: HeadlessPortal, path: str, answer, refusal
) -> None:
    provider.answers[path] = answering(answer)
    allowed = (refusal, TokenRefused) if answer.status_code == 404 else refusal
    with pytest.raises(allowed):
        await whole_login(provider, portal)


@pytest.mark.parametrize("path", [WELL_KNOWN, "/jwks", "/token", "/userinfo"])
async def test_a_redirect_is_not_followed_even_to_the_right_answer(
    provider: Provider, portal: HeadlessPortal, path: str
) -> None:
    async def once(_: Request) -> Response:
        del provider.answers[path]
        return redirect(f"{ISSUER}{path}")

    provider.answers[path] = once
    with pytest.raises(UnexpectedAnswer):
        await whole_login(provider, portal)
    assert provider.asked[-1] == path
    assert path not in provider.answers


async def whole_login(provider: Provider, portal: HeadlessPortal) -> None:
    await portal.finish(await provider.approve(await portal.start()))
    await portal.userinfo()


async def test_a_provider_that_never_answers_is_given_up(
    provider: Provider, watch: Watch
) -> None:
    async def silence(_: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    provider.answers[WELL_KNOWN] = silence
    portal = HeadlessPortal(
        issuer=ISSUER,
        client_id="portal",
        transport=provider.transport,
        clock=watch,
        deadline=0.02,
    )
    with pytest.raises(ProviderUnavailable):
        await portal.start()
    await portal.aclose()


async def test_a_provider_that_is_not_there_is_unavailable() -> None:
    portal = HeadlessPortal(issuer="http://127.0.0.1:1", client_id="portal")
    with pytest.raises(ProviderUnavailable):
        await portal.start()
    await portal.aclose()


async def test_documents_are_kept_as_long_as_their_server_allows(
    provider: Provider, portal: HeadlessPortal, watch: Watch
) -> None:
    await portal.start()
    watch.now += 299
    await portal.start()
    assert provider.asked.count(WELL_KNOWN) == 1
    watch.now += 1
    await portal.start()
    assert provider.asked.count(WELL_KNOWN) == 2


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("no-store", 60),
        ("no-cache, max-age=5000", 60),
        ("max-age=0", 60),
        ("public, max-age=600", 600),
        ("max-age=999999999", 86_400),
        ("nonsense", 300),
        ("x-max-age=7", 300),
    ],
)
async def test_a_lifetime_is_never_shorter_than_a_minute_nor_longer_than_a_day(
    provider: Provider,
    portal: HeadlessPortal,
    watch: Watch,
    cache_control: str,
    seconds: int,
) -> None:
    provider.cache_control = cache_control
    await portal.start()
    watch.now += seconds - 1
    await portal.start()
    assert provider.asked.count(WELL_KNOWN) == 1
    watch.now += 1
    await portal.start()
    assert provider.asked.count(WELL_KNOWN) == 2


async def test_an_unchanged_document_is_not_sent_again(
    provider: Provider, portal: HeadlessPortal, watch: Watch
) -> None:
    statuses: list[int] = []
    original = provider.describe

    async def watched(request: Request) -> Response:
        answer = await original(request)
        statuses.append(answer.status_code)
        return answer

    provider.answers[WELL_KNOWN] = watched
    for _ in range(3):
        await portal.start()
        watch.now += 300
    assert statuses == [200, 304, 304]


async def test_many_tasks_fetch_a_document_once(
    provider: Provider, portal: HeadlessPortal
) -> None:
    await asyncio.gather(*(portal.client.metadata() for _ in range(10)))
    assert provider.asked.count(WELL_KNOWN) == 1


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"keys": {}},
        {"keys": [{"kid": "first"}] * 2},
        {"keys": [{"kid": f"{n}"} for n in range(65)]},
        {"keys": [{"kid": "first", "kty": "EC", "crv": "P-256", "x": "AA"}]},
        {"keys": [{"kid": "first", "kty": "oct", "k": "AAAA"}]},
        {"keys": [{"kid": "first", "kty": "EC", "use": "enc"}]},
        {"keys": ["first", None]},
    ],
)
async def test_a_key_document_without_the_key_is_refused(
    provider: Provider, portal: HeadlessPortal, document
) -> None:
    provider.answers["/jwks"] = answering(JSONResponse(document))
    with pytest.raises(LoginError):
        await portal.finish(await provider.approve(await portal.start()))


@pytest.mark.parametrize(
    "url",
    [
        "https://idp.example",
        "http://localhost:8000",
        "http://127.0.0.1",
        "http://[::1]:1/x",
    ],
)
def test_https_and_loopback_addresses_are_safe(url: str) -> None:
    assert require_secure(url, what="issuer") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example",
        "http://localhost.evil.example",
        "https://a@b.example",
        "https://b.example/#f",
        "//b.example",
        "https://[::1",
        "https://",
        "",
        None,
        7,
    ],
)
def test_any_other_address_is_refused(url: object) -> None:
    with pytest.raises(Misconfigured):
        require_secure(url, what="issuer")
