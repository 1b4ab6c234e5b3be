import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oidc.requester import network_of, requester_of

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "browser"),
    [
        (CHROME, "Chrome · Linux"),
        (CHROME + " Edg/140.0", "Edge · Linux"),
        ("Mozilla/5.0 (iPhone; CPU) Version/18.0 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Android 16; Mobile) Firefox/144.0", "Firefox · Android"),
        ("curl/8", "?"),
        ("", "?"),
    ],
)
def test_a_browser_is_named_by_family_and_system(agent: str, browser: str) -> None:
    found = requester_of(address="203.0.113.77", headers={"user-agent": agent})
    assert found.browser == browser


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("testclient", "?"),
        (None, "?"),
    ],
)
def test_an_address_is_kept_as_its_network_only(
    address: str | None, network: str
) -> None:
    assert network_of(address) == network


@given(st.text())
def test_any_address_has_an_answer(address: str) -> None:
    assert network_of(address) == "?" or "/" in network_of(address)
