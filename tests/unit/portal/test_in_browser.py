"""The portal in a real Chromium: logged in and out, and nothing axe objects to."""

import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from camdigikey.portal import create_portal
from tests.unit.sdk_web.provider import Client, Provider
from tests.unit.sdk_web.serving import address, listen, serving

pytestmark = pytest.mark.browser
# The small provider's page is bare text; its form is pressed for it.
PRESS = """() => {
  const form = document.createElement('form');
  form.method = 'post';
  document.body.append(form);
  form.submit();
}"""


@pytest.fixture
def portal_url() -> Iterator[str]:
    here, there = listen(), listen()
    base, issuer = address(here), address(there)
    known = Client((f"{base}/callback",), (f"{base}/",), "s")
    provider = Provider(issuer=issuer, clients={"portal": known})
    portal = create_portal(
        issuer=issuer,
        client_id="portal",
        client_secret="s",
        base_url=base,
        cookie_key=b"k" * 32,
    )
    with serving(provider.app, there), serving(portal, here):
        yield base


@pytest.fixture
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium-headless-shell")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [390, 1200])
def test_every_page_is_accessible_and_fits(
    portal_url: str, chromium: Browser, width: int
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    for language in ("km", "en"):
        page.goto(f"{portal_url}/language/{language}")
        assert_accessible(page)
        page.click(".camdigikey-button")
        page.evaluate(PRESS)
        page.wait_for_url(f"{portal_url}/")
        page.click("summary")
        assert_accessible(page)
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide
        page.click("button.leave")
        page.wait_for_selector(".camdigikey-button")
    assert complaints == []
