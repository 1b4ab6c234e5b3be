import pytest

from idp.domain.relying_parties import RelyingParty
from tests.unit.idp.oidc.world import (
    PARTY,
    PORTAL,
    SECRET,
    VERIFIER,
    World,
    basic,
    query_of,
)

pytestmark = pytest.mark.anyio

NATIVE = RelyingParty(
    id="native",
    name_km="កម្មវិធី",
    name_en="Native",
    domain="app.example",
    purpose_km="",
    purpose_en="",
    redirect_uris=("https://app.example/callback",),
    auth_method="none",
)
POSTING = RelyingParty(
    id="posting",
    name_km="",
    name_en="",
    domain="",
    purpose_km="",
    purpose_en="",
    redirect_uris=("https://post.example/callback",),
    auth_method="client_secret_post",
)


async def test_a_repeated_field_is_refused(world: World) -> None:
    code = await world.code()
    body = f"grant_type=authorization_code&code={code}&code={code}"
    headers = {
        **basic(PARTY.id, SECRET),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = await world.browser.post("/token", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (await world.exchange(code)).status_code == 200


async def test_an_unknown_field_is_ignored(world: World) -> None:
    code = await world.code()
    assert (await world.exchange(code, favourite_colour="blue")).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"grant_type":"refresh_token"}', 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("", b"grant_type=refresh_token", 415),
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 20_000, 413),
        ("application/x-www-form-urlencoded", b"a=%ff", 400),
        ("application/x-www-form-urlencoded", b"a=%00", 400),
        ("application/x-www-form-urlencoded", b"\xe1\x9e\x80=1", 400),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 70), 400),
    ],
)
async def test_a_body_that_is_not_a_small_form_is_refused(
    world: World, content_type: str, body: bytes, status: int
) -> None:
    headers = {**basic(PARTY.id, SECRET), "Content-Type": content_type}
    answer = await world.browser.post("/token", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"] == "invalid_request"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"code": "x"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        (
            {
                "grant_type": "authorization_code",
                "code": "ក",
                "redirect_uri": PORTAL,
                "code_verifier": VERIFIER,
            },
            "invalid_grant",
        ),
    ],
)
async def test_a_form_without_what_it_needs_is_refused(
    world: World, form: dict[str, str], error: str
) -> None:
    answer = await world.post("/token", **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic cG9ydGFs",
        "Basic YSUwMGI6eA==",  # a%00b:x
        "Bearer cG9ydGFsOng=",
        "Basic " + "x" * 3000,
        basic("nobody", "x")["Authorization"],
        basic(PARTY.id, SECRET + "x")["Authorization"],
        basic("native", "x")["Authorization"],
    ],
)
async def test_a_caller_that_proves_nothing_is_invalid_client(
    world: World, header: str
) -> None:
    await world.add_party(NATIVE, None)
    answer = await world.browser.post(
        "/token",
        data={"grant_type": "refresh_token"},
        headers={"Authorization": header},
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def long_header(length: int) -> str:
    """Return the right credentials in a header of this length."""
    right = basic(PARTY.id, SECRET)["Authorization"].removeprefix("Basic ")
    return f"Basic {right:>{length - 6}}"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (long_header(2048), 400),  # past authentication
        (long_header(2049), 401),
        (long_header(60).replace("Basic", "Bearer"), 401),
        (long_header(60) + "!", 401),  # no base64, though others read it so
    ],
)
async def test_the_right_secret_is_taken_from_a_short_and_whole_basic_header_alone(
    world: World, header: str, status: int
) -> None:
    answer = await world.browser.post(
        "/token",
        data={"grant_type": "refresh_token"},
        headers={"Authorization": header},
    )
    assert answer.status_code == status


async def test_a_party_uses_its_registered_method_only(world: World) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    own = {"client_id": PARTY.id, "client_secret": SECRET}
    answer = await world.browser.post("/token", data={**form, **own})
    assert answer.status_code == 401
    answer = await world.browser.post("/token", data={**form, "client_id": PARTY.id})
    assert answer.status_code == 401
    both = await world.post("/token", **form, client_secret=SECRET)
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")


async def test_secrets_may_come_in_the_form_for_parties_that_chose_so(
    world: World,
) -> None:
    await world.add_party(POSTING)
    own = {"client_id": POSTING.id, "client_secret": SECRET}
    form = {"grant_type": "refresh_token", "refresh_token": "x", **own}
    answer = await world.browser.post("/token", data=form)
    assert answer.json()["error"] == "invalid_grant"


async def test_a_public_party_proves_itself_by_its_verifier(world: World) -> None:
    await world.add_party(NATIVE, None)
    where = NATIVE.redirect_uris[0]
    parked = await world.ask(client_id=NATIVE.id, redirect_uri=where)
    code = query_of(await world.approve(parked))["code"]
    form = {
        "grant_type": "authorization_code",
        "client_id": NATIVE.id,
        "code": code,
        "redirect_uri": where,
    }
    without = await world.browser.post("/token", data=form)
    assert without.json()["error"] == "invalid_request"
    answer = await world.browser.post(
        "/token", data={**form, "code_verifier": VERIFIER}
    )
    assert answer.status_code == 200


async def test_two_secrets_live_at_once_and_a_third_ends_the_first(
    world: World,
) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}

    async def status(secret: str) -> int:
        return (
            await world.post("/token", caller=(PARTY.id, secret), **form)
        ).status_code

    parties, store = world.services.relying_parties, world.services.store
    async with store.begin() as tx:
        second = await parties.renew_secret(tx, PARTY.id)
    assert (await status(SECRET), await status(second)) == (400, 400)
    async with store.begin() as tx:
        third = await parties.renew_secret(tx, PARTY.id)
    assert [await status(s) for s in (SECRET, second, third)] == [401, 400, 400]
    async with store.begin() as tx:
        await parties.drop_old_secret(tx, PARTY.id)
    assert [await status(s) for s in (second, third)] == [401, 400]
