"""Without a network: the shell opens, and shows nothing of the person."""

import gzip

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.unit.citizen_app.fake_api import APP, PROFILE, FakeApi
from tests.unit.citizen_app.walk import PIN, fill, register, sees, tap, unlock

pytestmark = pytest.mark.browser
CACHED = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) found.push(new URL(request.url).pathname);
  }
  return found;
}"""
LOADED = """performance.getEntriesByType("resource")
  .map((entry) => new URL(entry.name).pathname)"""
READY = "async () => { await navigator.serviceWorker.ready; }"


def test_offline_the_app_opens_locked_and_keeps_no_answer(
    page: Page, context: BrowserContext, api: FakeApi
) -> None:
    register(page, api)
    sees(page, "done-home")
    unlock(page)
    page.evaluate(READY)
    page.reload(wait_until="domcontentloaded")
    sees(page, "identity-card")
    context.set_offline(True)
    sees(page, "unlock-pin")
    page.reload(wait_until="domcontentloaded")
    sees(page, "unlock-pin")
    text = page.content()
    assert [v for v in PROFILE.values() if len(v) > 1 and v in text] == []
    fill(page, "pin", PIN)
    tap(page, "unlock-pin")
    expect(page.get_by_test_id("error")).to_contain_text("អ៊ីនធឺណិត")
    cached = page.evaluate(CACHED)
    assert "/" in cached
    files = [path for path in cached if (APP / path[1:]).is_file()]
    assert sorted(cached) == sorted(["/", *files])  # files of the app, no answer


def test_every_file_of_the_shell_is_there(page: Page, api: FakeApi) -> None:
    page.goto(api.origin, wait_until="domcontentloaded")
    page.evaluate(READY)
    cached = set(page.evaluate(CACHED))
    modules = page.evaluate(
        "performance.getEntriesByType('resource').map((e) => new URL(e.name).pathname)"
    )
    expected = {m for m in modules if m.endswith((".js", ".css", ".woff2", ".json"))}
    assert expected <= cached | {"/sw.js"}


def test_the_first_screen_weighs_less_than_150_kilobytes(
    page: Page, api: FakeApi
) -> None:
    page.goto(api.origin, wait_until="load")
    sees(page, "start-register")
    page.wait_for_timeout(300)
    names = {"/index.html", *page.evaluate(LOADED)} - {"/configuration", "/sw.js"}
    sizes = {name: weight(name) for name in sorted(names)}
    assert sum(sizes.values()) < 150_000, sizes


def weight(name: str) -> int:
    """Bytes on the wire: fonts and pictures as they are, the rest with gzip."""
    data = (APP / name[1:]).read_bytes()
    return len(data) if name.endswith((".woff2", ".png")) else len(gzip.compress(data))
