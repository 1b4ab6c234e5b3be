"""Each provider's engine against a server that speaks its wire, and fails."""

import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from idp.engines import code_telegram, sms_nomsa, sms_plasgate, sms_twilio_verify
from idp.engines.loading import EngineRefused, EngineUnusable, load_engine
from idp.errors import Malformed, PhoneInvalid, ProofInvalid, Unavailable
from idp.interfaces import ReceivedReport
from idp.settings import IdpSettings
from tests.messages import everything_logged
from tests.wires.providers import PLASGATE_ID, Nomsa, Plasgate, Telegram, TwilioVerify
from tests.wires.server import FAULTS, HANG, Wire, wire

pytestmark = pytest.mark.anyio
TO, CODE, SERVICE = "+85512345678", "493028", "VA" + "2" * 32
SECRETS = ("12345678", CODE, "specimen-")


def settings(**changes: Any) -> IdpSettings:
    given: dict[str, Any] = {
        "environment": "development",
        "issuer": "https://id.test",
        "app_origin": "https://app.id.test",
        "plasgate_private_key": SecretStr("specimen-private"),
        "plasgate_secret": SecretStr("specimen-secret"),
        "plasgate_sender": "CamDigiKey",
        "telegram_gateway_token": SecretStr("specimen-token"),
        "nomsa_key": SecretStr("specimen-key"),
        "twilio_account_sid": "AC" + "0" * 32,
        "twilio_auth_token": SecretStr("specimen-twilio"),
        "twilio_verify_service": SERVICE,
    }
    return IdpSettings(**{**given, **changes})


def impatient(engine: Any) -> Any:
    """Return the engine with less patience than a test has."""
    if hasattr(engine, "wire"):
        return replace(engine, wire=replace(engine.wire, total=0.6))
    return engine


@asynccontextmanager
async def plasgate(*faults: object, **more: Any) -> AsyncIterator[tuple[Any, Wire]]:
    async with wire(Plasgate(**more), *faults) as server:
        yield sms_plasgate.create(settings(plasgate_base_url=server.url)), server


@asynccontextmanager
async def telegram(*faults: object, **more: Any) -> AsyncIterator[tuple[Any, Wire]]:
    async with wire(Telegram(**more), *faults) as server:
        yield (
            code_telegram.create(settings(telegram_gateway_base_url=server.url)),
            server,
        )


@asynccontextmanager
async def nomsa(*faults: object, **more: Any) -> AsyncIterator[tuple[Any, Wire]]:
    async with wire(Nomsa(**more), *faults) as server:
        yield sms_nomsa.create(settings(nomsa_base_url=server.url)), server


@asynccontextmanager
async def verify(*faults: object) -> AsyncIterator[tuple[Any, Wire]]:
    async with wire(TwilioVerify(SERVICE), *faults) as server:
        engine = sms_twilio_verify.create(settings(twilio_verify_base_url=server.url))
        yield engine, server


async def test_plasgate_takes_a_masked_code_and_is_told_where_to_report() -> None:
    async with plasgate() as (engine, server):
        sent = await engine.send_code(to=TO, code=CODE, locale="en")
        (asked,) = server.asked
    assert (sent.provider, sent.reference) == ("plasgate", PLASGATE_ID)
    body = asked.json
    assert body["to"] == "85512345678"
    assert f"#ma#{CODE}#ma#" in body["content"]
    assert len(body["content"].replace("#ma#", "")) <= 70
    assert body["dlr"] == "yes"
    assert body["dlr_url"].startswith("https://id.test/messages/reports/plasgate?key=")
    assert "specimen-secret" not in asked.body.decode()
    assert asked.headers["x-secret"] == "specimen-secret"


async def test_telegram_asks_first_and_sends_by_the_same_request() -> None:
    async with telegram() as (engine, server):
        sent = await engine.send_code(to=TO, code=CODE, locale="km")
        able, message = server.asked
        assert able.json == {"phone_number": TO}
        assert message.json == {
            "phone_number": TO,
            "request_id": "request-1",
            "code": CODE,
            "ttl": 300,
            "callback_url": "https://id.test/messages/reports/telegram",
        }
        assert (await engine.status_of(sent.reference)).state == ""
        server.speak.statuses["request-1"] = "read"  # type: ignore[attr-defined]
        assert (await engine.status_of(sent.reference)).state == "delivered"
        await engine.revoke(sent.reference)
        assert (await engine.status_of(sent.reference)).state == "failed"


async def test_nomsa_is_asked_until_it_has_delivered() -> None:
    async with nomsa() as (engine, server):
        sent = await engine.send_code(to=TO, code=CODE, locale="km")
        assert (sent.provider, sent.reference) == ("nomsa", "nomsa-1")
        assert server.asked[0].json["recipient"] == TO
        assert (await engine.status_of("nomsa-1")).state == ""
        server.speak.statuses["nomsa-1"] = "DELIVERED"  # type: ignore[attr-defined]
        assert (await engine.status_of("nomsa-1")).state == "delivered"
        server.speak.statuses["nomsa-1"] = "FAILED"  # type: ignore[attr-defined]
        assert (await engine.status_of("nomsa-1")).state == "failed"


async def test_verify_brings_our_own_code_and_hears_that_it_was_used() -> None:
    async with verify() as (engine, server):
        sent = await engine.send_code(to=TO, code=CODE, locale="km")
        assert sent.reference == "VE" + "1" * 32
        form = server.asked[0].form
        assert (form["To"], form["Channel"], form["CustomCode"]) == (TO, "sms", CODE)
        assert (await engine.status_of(sent.reference)).state == ""
        await engine.code_used(sent.reference)
        assert (await engine.status_of(sent.reference)).state == "delivered"


@pytest.mark.parametrize("open_it", [plasgate, telegram, nomsa, verify])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_every_fault_is_unavailable_and_tells_the_log_nothing(
    open_it: Callable[..., Any], fault: object
) -> None:
    if open_it is verify and fault in {HANG, "drip", "huge"}:
        pytest.skip("the library's own patience is tested with its engine")
    with everything_logged() as said:
        async with open_it(fault) as (engine, server):
            with pytest.raises(Unavailable) as refusal:
                await impatient(engine).send_code(to=TO, code=CODE, locale="en")
            assert len(server.asked) == 1, "nothing is repeated here"
            await engine.send_code(to=TO, code=CODE, locale="en")
    assert not [line for line in said for one in SECRETS if one in line]
    assert CODE not in str(refusal.value)


@pytest.mark.parametrize(
    ("open_it", "more"),
    [
        (plasgate, {"bad_numbers": ("85512345678",)}),
        (telegram, {"without_telegram": (TO,)}),
    ],
    ids=["plasgate", "telegram"],
)
async def test_a_number_that_cannot_be_reached_is_invalid(
    open_it: Callable[..., Any], more: dict[str, Any]
) -> None:
    async with open_it(**more) as (engine, server):
        with pytest.raises(PhoneInvalid) as refusal:
            await engine.send_code(to=TO, code=CODE, locale="en")
        assert TO not in str(refusal.value)
        assert len(server.asked) == 1


async def test_foreign_numbers_are_not_nomsas_and_bad_ones_not_verifys() -> None:
    async with nomsa() as (engine, _):
        with pytest.raises(PhoneInvalid):
            await engine.send(to="+66812345678", text="x")
    async with verify() as (engine, _):
        with pytest.raises(PhoneInvalid):
            await engine.send_code(to="+85510000000", code=CODE, locale="en")


@pytest.mark.parametrize("error", ["ACCESS_TOKEN_INVALID", "BALANCE_NOT_ENOUGH"])
async def test_a_refusal_of_ours_is_not_the_persons_fault(error: str) -> None:
    async with telegram(broken=error) as (engine, _):
        with pytest.raises(Unavailable):
            await engine.send_code(to=TO, code=CODE, locale="en")


async def test_a_wrong_secret_is_unavailable() -> None:
    async with plasgate(secret="another") as (engine, _):
        with pytest.raises(Unavailable):
            await engine.send(to=TO, text="x")


def report(
    body: bytes = b"", now: float = 1_767_600_000, **more: Any
) -> ReceivedReport:
    given: dict[str, Any] = {"url": "https://id.test/x", "headers": {}, "query": {}}
    return ReceivedReport(**{**given, **more}, body=body, now=now)


@pytest.mark.parametrize(
    ("status", "err", "state"),
    [
        ("DELIVRD", "000", "delivered"),
        ("UNDELIV", "000", "failed"),
        ("EXPIRED", "", "failed"),
        ("ESME_ROK", "", ""),
        ("ACCEPTD", "0", ""),
        ("ACCEPTD", "012", "failed"),
    ],
)
def test_plasgates_reports_are_read(status: str, err: str, state: str) -> None:
    engine = sms_plasgate.create(settings())
    key = sms_plasgate.report_key("specimen-secret")
    query = {"key": key, "id": PLASGATE_ID, "message_status": status, "err": err}
    read = engine.read_report(report(query=query))
    assert (read.reference, read.state) == (PLASGATE_ID, state)


@pytest.mark.parametrize("key", ["", "0" * 64, "ក", None], ids=str)
def test_a_plasgate_report_without_our_key_is_forged(key: str | None) -> None:
    engine = sms_plasgate.create(settings())
    query = {"id": PLASGATE_ID, "message_status": "DELIVRD"}
    with pytest.raises(ProofInvalid):
        engine.read_report(report(query={**query, **({"key": key} if key else {})}))


def telegram_report(
    value: Any, *, token: str = "specimen-token", at: str = "1767600000"
) -> ReceivedReport:
    """Sign as Telegram says it does, independently of the engine."""
    body = orjson.dumps(value)
    key = sha256(token.encode()).digest()
    message = at.encode() + b"\n" + body
    signature = hmac.new(key, message, sha256).hexdigest()
    headers = {"x-request-timestamp": at, "x-request-signature": signature}
    return report(body, headers=headers)


def test_telegrams_reports_are_read_and_forged_or_old_ones_refused() -> None:
    engine = code_telegram.create(settings())
    value = {"request_id": "request-1", "delivery_status": {"status": "delivered"}}
    good = telegram_report(value)
    assert engine.read_report(good).state == "delivered"
    other_body = replace(good, body=good.body.replace(b"request-1", b"request-2"))
    for forged in (
        telegram_report(value, token="another"),
        other_body,
        replace(good, headers={}),
        replace(good, now=good.now + 301),
        replace(good, now=good.now - 301),
        telegram_report(value, at="soon"),
    ):
        with pytest.raises(ProofInvalid):
            engine.read_report(forged)
    for wrong in ([], {}, {"request_id": ""}):
        with pytest.raises(Malformed):
            engine.read_report(telegram_report(wrong))


@pytest.mark.parametrize(
    ("entry", "missing"),
    [
        ("idp.engines.sms_plasgate:create", "plasgate_secret"),
        ("idp.engines.code_telegram:create", "telegram_gateway_token"),
        ("idp.engines.sms_nomsa:create", "nomsa_key"),
        ("idp.engines.sms_twilio_verify:create", "twilio_auth_token"),
    ],
)
def test_an_engine_without_its_secret_says_what_is_needed(
    entry: str, missing: str
) -> None:
    with pytest.raises(EngineUnusable, match="needed"):
        load_engine(entry, object, settings(**{missing: SecretStr("")}))


def test_production_speaks_to_no_provider_without_tls() -> None:
    with pytest.raises(EngineRefused, match="https"):
        load_engine(
            "idp.engines.sms_plasgate:create",
            object,
            settings(environment="production", plasgate_base_url="http://127.0.0.1"),
        )


def test_no_provider_is_told_of_an_address_without_tls() -> None:
    engine = sms_plasgate.create(settings(issuer="http://localhost:8000"))
    assert engine.reports_at == ""
