"""What people type and scan, and what becomes of it."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.walk import sees

pytestmark = pytest.mark.browser
ID = "A1b2C3d4E5f6G7h8I9j0-_"
CODE = "zZ0123456789_-abcdefgh"


def call(page: Page, api: FakeApi, module: str, name: str, *given: Any) -> Any:
    page.goto(api.origin, wait_until="domcontentloaded")
    sees(page, "start-register")
    script = f"async (given) => (await import('/{module}.js')).{name}(...given)"
    return page.evaluate(script, list(given))


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("31.12.2020", "2020-12-31"),
        ("៣១.១២.២០២០", "2020-12-31"),
        ("1/2/2021", "2021-02-01"),
        ("2021-02-01", "2021-02-01"),
        ("29.02.2024", "2024-02-29"),
        ("29.02.2023", None),
        ("31.04.2020", None),
        ("12.2020", None),
        ("31.12.20", None),
        ("2020-12-31x", None),
    ],
)
def test_a_date_is_read_as_people_write_it(
    page: Page, api: FakeApi, typed: str, read: str | None
) -> None:
    assert call(page, api, "dates", "parseDate", typed) == read


@pytest.mark.parametrize(
    ("country", "typed", "sent"),
    [
        ("855", "០១២ ៣៤៥ ៦៧៨", "+85512345678"),
        ("855", "12345678", "+85512345678"),
        ("855", "855 12 345 678", "+85512345678"),
        ("855", "+66 81 234 5678", "+66812345678"),
        ("66", "081-234-5678", "+66812345678"),
        ("", "00 41 79 123 45 67", "+41791234567"),
        ("855", "123", None),
    ],
)
def test_a_phone_number_gets_its_country(
    page: Page, api: FakeApi, country: str, typed: str, sent: str | None
) -> None:
    assert call(page, api, "countries", "internationalNumber", country, typed) == sent


def test_only_our_own_links_are_read(page: Page, api: FakeApi) -> None:
    origin = api.origin
    good = f"{origin}/q/{ID}.0.{CODE}"
    read = call(page, api, "links", "parseScanned", good, origin)
    assert read == {"id": ID, "channel": "qr", "code": f"0.{CODE}"}
    for text in (
        f"{origin}/q/{ID}.01.{CODE}",
        f"{origin}/q/{ID}.10000.{CODE}",
        f"{origin}/q/{ID}.1.{CODE}=",
        f"{origin}/q/{ID}.1.{CODE}\n",
        f"{origin}/s/{ID}.{CODE}",
        f"https://evil.example/q/{ID}.1.{CODE}",
        f"{origin}.evil.example/q/{ID}.1.{CODE}",
    ):
        assert call(page, api, "links", "parseScanned", text, origin) is None
