"""Configuration, OCSP and time-stamps over real HTTP, from the lab's own services."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from camdx_bridge import BridgeError, DocumentRefused, Refusal, SourceFailed
from camdx_bridge.fetching import (
    Answered,
    ConfigurationClient,
    Fetcher,
    FileStore,
    HttpFetcher,
    OcspClient,
    TimestampClient,
)
from camdx_bridge.trust import ApprovedTsa
from camdx_bridge.trust.chains import Chain, find_chain
from camdx_bridge.trust_lab.running import running
from camdx_bridge.trust_lab.server import LIFE, LabServer
from tests.xroad import NOW, Clock, bank, lab

MINUTE = timedelta(minutes=1)


@dataclass
class Scene:
    """The lab's services, a way to them, and the time that both sides see."""

    server: LabServer
    fetcher: HttpFetcher
    clock: Clock
    anchor: bytes

    def client(self, **how: Any) -> ConfigurationClient:
        options: dict[str, Any] = {"fetcher": self.fetcher, "clock": self.clock}
        return ConfigurationClient(self.anchor, **{**options, **how})


def play(scene: Callable[[Scene], Awaitable[None]]) -> None:
    async def work() -> None:
        clock = Clock()
        async with running(lab(), clock=clock) as server, HttpFetcher() as fetcher:
            anchor = server.publisher.anchor(now=NOW)
            await scene(Scene(server, fetcher, clock, anchor))

    asyncio.run(work())


def code_of(error: BridgeError) -> Refusal | None:
    return error.code if isinstance(error, DocumentRefused) else None


async def refusal_of(work: Awaitable[object]) -> Refusal:
    with pytest.raises(DocumentRefused) as refusal:
        await work
    return refusal.value.code


@dataclass
class Meddler:
    """Somebody on the way who changes what is fetched from one place."""

    fetcher: Fetcher
    place: str
    change: Callable[[bytes], bytes]

    async def fetch(
        self, url: str, *, body: bytes | None = None, content_type: str = ""
    ) -> Answered:
        found = await self.fetcher.fetch(url, body=body, content_type=content_type)
        if self.place not in url:
            return found
        return Answered(found.status, found.content_type, self.change(found.body))


# The configuration.


def test_the_configuration_is_fetched_and_verified_to_the_anchor() -> None:
    async def scene(s: Scene) -> None:
        client = s.client()
        with pytest.raises(DocumentRefused):
            client.current()
        found = await client.refresh()
        assert found is client.current()
        assert found.version == 3
        assert found.expires_at == NOW + LIFE
        assert found.shared.instance == "CAMBODIA"
        assert found.private
        assert found.private.timestamping_interval_s == 60

    play(scene)


def test_an_expired_configuration_is_not_in_force_however_long_sources_are_away() -> (
    None
):
    async def scene(s: Scene) -> None:
        client = s.client()
        await client.refresh()
        s.server.is_away.add("internalconf")
        s.clock.now = NOW + LIFE - timedelta(seconds=1)
        with pytest.raises(SourceFailed):
            await client.refresh()
        assert client.current()
        s.clock.now = NOW + LIFE
        with pytest.raises(DocumentRefused) as refusal:
            client.current()
        assert refusal.value.code is Refusal.CONFIGURATION_EXPIRED
        s.server.is_away.clear()
        assert (await client.refresh()).expires_at == NOW + 2 * LIFE

    play(scene)


def test_a_key_that_was_announced_is_followed_without_a_new_anchor() -> None:
    async def scene(s: Scene) -> None:
        client = s.client()
        await client.refresh()
        s.server.publisher.announce(now=NOW)
        await client.refresh()
        s.server.publisher.activate()
        s.clock.now = NOW + MINUTE
        assert (await client.refresh()).expires_at == NOW + MINUTE + LIFE
        # Whoever comes with the old anchor only has missed the announcement.
        assert await refusal_of(s.client().refresh()) is Refusal.CONFIGURATION_UNSIGNED

    play(scene)


def test_a_key_that_nobody_announced_is_refused() -> None:
    async def scene(s: Scene) -> None:
        client = s.client()
        await client.refresh()
        s.server.publisher.announce(now=NOW)
        s.server.publisher.activate()
        refusal = await refusal_of(client.refresh())
        assert refusal is Refusal.CONFIGURATION_UNSIGNED
        assert client.current()

    play(scene)


def test_a_key_that_was_taken_back_is_trusted_no_more() -> None:
    async def scene(s: Scene) -> None:
        client = s.client()
        await client.refresh()
        old = list(s.server.publisher.keys)
        s.server.publisher.announce(now=NOW)
        await client.refresh()
        s.server.publisher.activate()
        await client.refresh()
        s.server.publisher.keys = old
        s.clock.now = NOW + MINUTE
        refusal = await refusal_of(client.refresh())
        assert refusal is Refusal.CONFIGURATION_UNSIGNED

    play(scene)


def test_an_older_configuration_never_replaces_a_newer_one() -> None:
    async def scene(s: Scene) -> None:
        client = s.client()
        await client.refresh()
        s.clock.now = NOW - MINUTE
        assert (await client.refresh()).expires_at == NOW + LIFE

    play(scene)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("internalconf", Refusal.CONFIGURATION_UNSIGNED),
        ("shared-params", Refusal.CONFIGURATION_UNSIGNED),
        ("private-params", Refusal.CONFIGURATION_UNSIGNED),
    ],
)
def test_a_configuration_changed_on_the_way_is_refused(
    place: str, code: Refusal
) -> None:
    async def scene(s: Scene) -> None:
        meddler = Meddler(
            s.fetcher, place, lambda b: b.replace(b"CAMBODIA", b"CAMBODIE")
        )
        if place == "internalconf":
            meddler.change = lambda b: b.replace(b"Version: 3", b"Version: 2")
        assert await refusal_of(s.client(fetcher=meddler).refresh()) is code

    play(scene)


@pytest.mark.parametrize("folder", ["//evil.example", "/..", "/a?b", "http://x"])
def test_files_are_fetched_from_the_source_only(folder: str) -> None:
    async def scene(s: Scene) -> None:
        s.server.publisher.folder = folder
        refusal = await refusal_of(s.client().refresh())
        assert refusal is Refusal.CONFIGURATION_FOREIGN

    play(scene)


def test_the_configuration_of_another_instance_is_refused() -> None:
    async def scene(s: Scene) -> None:
        client = ConfigurationClient(
            s.anchor.replace(b"CAMBODIA", b"DEV"), fetcher=s.fetcher, clock=s.clock
        )
        refusal = await refusal_of(client.refresh())
        assert refusal is Refusal.CONFIGURATION_FOREIGN

    play(scene)


def test_a_restarted_server_goes_on_while_its_sources_are_away(tmp_path: Path) -> None:
    async def scene(s: Scene) -> None:
        store = FileStore(tmp_path / "configuration.json")
        first = s.client(store=store)
        await first.refresh()
        s.server.publisher.announce(now=NOW)
        await first.refresh()
        s.server.publisher.activate()
        s.clock.now = NOW + MINUTE
        await first.refresh()
        s.server.is_away.add("internalconf")
        again = s.client(store=store)
        assert again.current() == first.current()
        # Even when it had expired meanwhile, the newer keys are the ones to go on with.
        s.clock.now = NOW + 2 * LIFE
        late = s.client(store=store)
        with pytest.raises(DocumentRefused):
            late.current()
        s.server.is_away.clear()
        assert await late.refresh()

    play(scene)


def test_what_was_kept_is_verified_again(tmp_path: Path) -> None:
    async def scene(s: Scene) -> None:
        path = tmp_path / "configuration.json"
        store = FileStore(path)
        await s.client(store=store).refresh()
        kept = store.load()
        assert kept
        other = kept.shared.replace(b"CAMBODIA TSA", b"CAMBODIA XXX")
        store.save(replace(kept, shared=other))
        with pytest.raises(DocumentRefused):
            s.client(store=store).current()
        store.save(replace(kept, anchor_digest="another"))
        with pytest.raises(DocumentRefused):
            s.client(store=store).current()
        for text in ("", "{}", "[]", '{"anchor_digest": 1}'):
            path.write_text(text)
            assert store.load() is None

    play(scene)
    assert [one.name for one in tmp_path.iterdir()] == ["configuration.json"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x", "nothing", "ftp://x/y"])
def test_an_address_where_nobody_answers_is_told_as_one(address: str) -> None:
    async def work() -> None:
        async with HttpFetcher(timeout_s=2) as fetcher:
            with pytest.raises(SourceFailed):
                await fetcher.fetch(address)

    asyncio.run(work())


def test_an_answer_without_end_is_cut_off() -> None:
    async def scene(s: Scene) -> None:
        async with HttpFetcher(max_bytes=100) as fetcher:
            with pytest.raises(SourceFailed, match="more than 100"):
                await s.client(fetcher=fetcher).refresh()

    play(scene)


# OCSP.


async def own_chain(s: Scene) -> Chain:
    trust = (await s.client().refresh()).shared
    between = (lab().authority.certificate,)
    return find_chain(bank().holder.certificate, extra=between, trust=trust, at=NOW)


HOUR_S = 3600


def test_ocsp_responses_are_kept_while_fresh_and_renewed_in_time() -> None:
    async def scene(s: Scene) -> None:
        client = OcspClient(fetcher=s.fetcher, clock=s.clock)
        chain = await own_chain(s)
        first = await client.responses(chain, freshness_s=HOUR_S)
        assert len(first) == 2
        assert client.this_update(bank().holder.certificate) == NOW
        s.clock.now = NOW + 19 * MINUTE
        assert await client.responses(chain, freshness_s=HOUR_S) == first
        assert s.server.counts["ocsp"] == 2
        s.clock.now = NOW + 21 * MINUTE
        assert await client.responses(chain, freshness_s=HOUR_S) != first
        assert client.this_update(bank().holder.certificate) == s.clock.now

    play(scene)


def test_a_responder_that_is_away_does_not_matter_until_the_response_lapses() -> None:
    async def scene(s: Scene) -> None:
        client = OcspClient(fetcher=s.fetcher, clock=s.clock)
        chain = await own_chain(s)
        first = await client.responses(chain, freshness_s=HOUR_S)
        s.server.is_away.add("ocsp")
        s.clock.now = NOW + 59 * MINUTE
        assert await client.responses(chain, freshness_s=HOUR_S) == first
        s.clock.now = NOW + 60 * MINUTE
        with pytest.raises(SourceFailed):
            await client.responses(chain, freshness_s=HOUR_S)

    play(scene)


def test_a_revoked_certificate_of_ours_is_told_at_once() -> None:
    async def scene(s: Scene) -> None:
        client = OcspClient(fetcher=s.fetcher, clock=s.clock)
        chain = await own_chain(s)
        await client.responses(chain, freshness_s=HOUR_S)
        serial = bank().holder.certificate.serial_number
        lab().ocsp.revoked[serial] = NOW
        try:
            s.clock.now = NOW + 30 * MINUTE
            work = client.responses(chain, freshness_s=HOUR_S)
            assert await refusal_of(work) is Refusal.CERTIFICATE_REVOKED
            s.server.is_away.add("ocsp")
            with pytest.raises(SourceFailed):
                await client.responses(chain, freshness_s=HOUR_S)
        finally:
            lab().ocsp.revoked.clear()

    play(scene)


def test_an_ocsp_response_that_does_not_hold_is_not_kept() -> None:
    async def scene(s: Scene) -> None:
        meddler = Meddler(s.fetcher, "/ocsp", lambda b: b.replace(b"0300", b"0301"))
        client = OcspClient(fetcher=meddler, clock=s.clock)
        chain = await own_chain(s)
        with pytest.raises(SourceFailed):
            await client.responses(chain, freshness_s=HOUR_S)
        assert client.this_update(bank().holder.certificate) is None

    play(scene)


# Time-stamps.


def test_a_time_stamp_is_fetched_and_verified() -> None:
    async def scene(s: Scene) -> None:
        trust = (await s.client().refresh()).shared
        client = TimestampClient(fetcher=s.fetcher)
        found = await client.stamp(b"signature value", trust=trust)
        assert found.stamp.at == NOW
        assert found.stamp.authority == trust.timestampers[0]

    play(scene)


def test_the_next_authority_is_asked_when_one_is_away() -> None:
    async def scene(s: Scene) -> None:
        trust = (await s.client().refresh()).shared
        (good,) = trust.timestampers
        dead = ApprovedTsa("away", "http://127.0.0.1:9/tsa", good.certificate)
        client = TimestampClient(fetcher=s.fetcher)
        both = replace(trust, timestampers=(dead, good))
        assert (await client.stamp(b"x", trust=both)).stamp.at == NOW
        s.server.is_away.add("tsa")
        with pytest.raises(SourceFailed):
            await client.stamp(b"x", trust=both)
        with pytest.raises(SourceFailed):
            await client.stamp(b"x", trust=replace(trust, timestampers=()))

    play(scene)


def test_an_old_time_stamp_sent_again_is_refused() -> None:
    async def scene(s: Scene) -> None:
        trust = (await s.client().refresh()).shared
        old: list[bytes] = []

        def replay(body: bytes) -> bytes:
            old.append(body)
            return old[0]

        client = TimestampClient(fetcher=Meddler(s.fetcher, "/tsa", replay))
        assert await client.stamp(b"x", trust=trust)
        s.clock.now = NOW + MINUTE
        refusal = await refusal_of(client.stamp(b"x", trust=trust))
        assert refusal is Refusal.TIMESTAMP_MISMATCH

    play(scene)


@pytest.mark.parametrize("body", [b"", b"0\x05", b"nothing"])
def test_an_answer_that_is_no_time_stamp_is_refused(body: bytes) -> None:
    async def scene(s: Scene) -> None:
        trust = (await s.client().refresh()).shared
        client = TimestampClient(fetcher=Meddler(s.fetcher, "/tsa", lambda _: body))
        refusal = await refusal_of(client.stamp(b"x", trust=trust))
        assert refusal is Refusal.TIMESTAMP_MALFORMED

    play(scene)
