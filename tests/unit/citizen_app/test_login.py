"""Answering a login: what is shown, what is signed, where it goes."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.fake_checks import Refused, b64, sha256
from tests.unit.citizen_app.walk import PIN, fill, register, sees, tap, unlock

pytestmark = pytest.mark.browser
CODE = "A" * 22


@pytest.fixture
def citizen(page: Page, api: FakeApi) -> Page:
    register(page, api)
    sees(page, "done-home")
    unlock(page)
    return page


def paste(page: Page, api: FakeApi, challenge: str, *, second: int = 3) -> None:
    tap(page, "scan")
    tap(page, "scan-paste")
    fill(page, "scan-text", f"{api.origin}/q/{challenge}.{second}.{CODE}")
    tap(page, "scan-paste-submit")


def test_a_login_is_approved_with_the_pin(citizen: Page, api: FakeApi) -> None:
    challenge = api.challenge()
    paste(citizen, api, challenge)
    expect(citizen.get_by_test_id("request-domain")).to_have_text("portal.gov.example")
    tap(citizen, "claim-phone")
    fill(citizen, "pin", "៤៩៣០២៧")
    tap(citizen, "approve-pin")
    sees(citizen, "result-approved")
    claims = api.challenges[challenge]["claims"]
    assert (claims["decision"], claims["uv_method"]) == ("approve", "pin")
    assert claims["withheld"] == ["phone"]
    assert "return_hash" not in claims


def test_a_name_that_nobody_vouched_for_is_marked(citizen: Page, api: FakeApi) -> None:
    paste(citizen, api, api.challenge())
    said = citizen.get_by_test_id("names-itself")
    expect(said).to_contain_text("សេវានេះដាក់ឈ្មោះដោយខ្លួនឯង")


def test_a_wrong_pin_is_seen_to_be_wrong_and_can_be_typed_again(
    citizen: Page, api: FakeApi
) -> None:
    paste(citizen, api, api.challenge())
    fill(citizen, "pin", "111122")
    tap(citizen, "approve-pin")
    expect(citizen.get_by_test_id("error")).to_have_text(re.compile("៤"))
    expect(citizen.get_by_test_id("error")).to_be_in_viewport(ratio=1)
    expect(citizen.get_by_test_id("pin")).to_have_value("")
    fill(citizen, "pin", PIN)
    tap(citizen, "approve-pin")
    sees(citizen, "result-approved")


@pytest.mark.parametrize("button", ["deny", "deny-not-me"])
def test_a_login_is_denied_without_a_pin(
    citizen: Page, api: FakeApi, button: str
) -> None:
    challenge = api.challenge()
    paste(citizen, api, challenge)
    tap(citizen, button)
    sees(citizen, "result-denied")
    claims = api.challenges[challenge]["claims"]
    assert claims["decision"] == "deny"
    assert claims.get("reason") == ("not_me" if button == "deny-not-me" else None)


def test_the_biometric_unlocks_and_approves(
    page: Page, api: FakeApi, finger: object
) -> None:
    assert finger
    register(page, api)
    tap(page, "biometric-yes")
    fill(page, "pin", PIN)
    tap(page, "pin-next")
    tap(page, "done-home")
    tap(page, "unlock-biometric")
    sees(page, "identity-card")
    challenge = api.challenge()
    paste(page, api, challenge)
    tap(page, "approve-biometric")
    sees(page, "result-approved")
    assert api.challenges[challenge]["claims"]["uv_method"] == "webauthn"
    tap(page, "result-home")
    tap(page, "settings")
    tap(page, "biometric-off")
    fill(page, "pin", PIN)
    tap(page, "pin-next")
    sees(page, "biometric-on")


def test_a_warning_gives_time_to_read(citizen: Page, api: FakeApi) -> None:
    paste(citizen, api, api.challenge(warnings=["new-browser"]))
    sees(citizen, "request-warning")
    expect(citizen.get_by_test_id("approve-pin")).to_be_disabled()
    expect(citizen.get_by_test_id("deny")).to_be_enabled()
    expect(citizen.get_by_test_id("approve-pin")).to_be_enabled(timeout=9000)


def test_text_of_the_server_is_never_markup(citizen: Page, api: FakeApi) -> None:
    tap(citizen, "settings")
    tap(citizen, "lang-en")
    tap(citizen, "home")
    paste(citizen, api, api.challenge())
    party = citizen.get_by_test_id("request-party")
    expect(party).to_have_text("<b>Public service portal</b>")
    assert party.locator("b").count() == 0


def test_a_request_is_still_there_after_a_reload(citizen: Page, api: FakeApi) -> None:
    challenge = api.challenge()
    paste(citizen, api, challenge)
    sees(citizen, "request-domain")
    citizen.reload(wait_until="domcontentloaded")
    sees(citizen, "request-domain")
    claims = [path for _, path, _ in api.seen if path.endswith("/claim")]
    assert len(claims) == 1


def test_an_unanswered_request_ends_by_itself(citizen: Page, api: FakeApi) -> None:
    paste(citizen, api, api.challenge(life=3))
    sees(citizen, "result-expired")


def test_a_stale_code_is_refused_and_another_can_follow(
    citizen: Page, api: FakeApi
) -> None:
    challenge = api.challenge()
    paste(citizen, api, challenge, second=0)
    expect(citizen.get_by_test_id("error")).not_to_be_empty()
    fill(citizen, "scan-text", f"{api.origin}/q/{challenge}.4.{CODE}")
    tap(citizen, "scan-paste-submit")
    sees(citizen, "request-domain")


def test_a_same_device_login_goes_back_to_the_issuer_with_its_verifier(
    citizen: Page, api: FakeApi
) -> None:
    challenge = api.challenge()
    link = f"{api.origin}/s/{challenge}.{CODE}"
    citizen.goto(link, wait_until="domcontentloaded")
    sees(citizen, "request-domain")
    assert CODE not in citizen.url
    assert CODE not in citizen.evaluate("JSON.stringify({...sessionStorage})")
    fill(citizen, "pin", PIN)
    tap(citizen, "approve-pin")
    citizen.wait_for_url(re.compile(r"issuer\.localhost.*/return/"))
    value, verifier = re.findall(r"value=([^&]+)&v=([^&]+)", citizen.url)[0]
    claims = api.challenges[challenge]["claims"]
    assert value == "val-1"
    assert claims["return_hash"] == b64(sha256(verifier.encode()))


def test_an_approval_never_leads_anywhere_but_the_issuer(
    citizen: Page, api: FakeApi
) -> None:
    challenge = api.challenge()
    citizen.goto(f"{api.origin}/s/{challenge}.{CODE}", wait_until="domcontentloaded")
    api.issuer_of_return = "https://evil.example"
    fill(citizen, "pin", PIN)
    tap(citizen, "approve-pin")
    expect(citizen.get_by_test_id("error")).not_to_be_empty()
    assert "evil" not in citizen.url


def test_a_qr_link_opened_by_the_system_claims_nothing(
    citizen: Page, api: FakeApi
) -> None:
    challenge = api.challenge()
    citizen.goto(f"{api.origin}/q/{challenge}.3.{CODE}", wait_until="domcontentloaded")
    sees(citizen, "scan")
    assert CODE not in citizen.url
    tap(citizen, "scan")
    sees(citizen, "scan-paste")
    assert not [path for _, path, _ in api.seen if path.endswith("/claim")]


def test_a_same_device_link_before_registering_says_so(
    page: Page, api: FakeApi
) -> None:
    link = f"{api.origin}/s/{api.challenge()}.{CODE}"
    page.goto(link, wait_until="domcontentloaded")
    sees(page, "register-first")


def test_an_old_nonce_is_replaced_once(citizen: Page, api: FakeApi) -> None:
    api.nonces.clear()
    tap(citizen, "devices")
    sees(citizen, "device-row")
    api.refuse["activity"] = Refused(401, "proof-nonce")
    tap(citizen, "activity")
    sees(citizen, "activity-row")


def test_the_lock_of_the_server_locks_the_app(citizen: Page, api: FakeApi) -> None:
    api.unlocked_until = 0
    # By address: what the home screen asks may lock the app before a tap does.
    citizen.evaluate("() => { location.hash = '#/devices' }")
    sees(citizen, "unlock-pin")
    assert citizen.get_by_test_id("identity-card").count() == 0


def test_locking_by_hand_hides_the_card(citizen: Page, api: FakeApi) -> None:
    tap(citizen, "settings")
    tap(citizen, "lock")
    sees(citizen, "unlock-pin")
    citizen.reload(wait_until="domcontentloaded")
    sees(citizen, "unlock-pin")
    assert api.unlocked_until == 0


def test_a_removed_phone_can_start_again(citizen: Page, api: FakeApi) -> None:
    api.refuse["devices"] = Refused(403, "device-revoked")
    tap(citizen, "devices")
    sees(citizen, "lost")
    old = api.device["jwk"]
    tap(citizen, "lost-start")
    tap(citizen, "start-register")
    fill(citizen, "phone", "012 340 678")
    tap(citizen, "phone-next")
    sees(citizen, "code")
    assert api.device["jwk"] != old
