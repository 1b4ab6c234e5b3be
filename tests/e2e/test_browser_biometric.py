"""Approving with the phone's own lock: what the server takes, and what it refuses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, Playwright, expect

from tests.e2e.browsers import Registered
from tests.e2e.browsing import (
    PIN,
    Citizen,
    Desk,
    Handset,
    add_finger,
    finger,
    open_handset,
    texts,
)
from tests.e2e.stack import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.xdist_group("browser"),
]


@dataclass(frozen=True, slots=True)
class Lock:
    """A phone whose lock is bound to the account, and the lock's own controls."""

    phone: Handset
    session: CDPSession
    id: str

    def send(self, name: str, **values: Any) -> dict[str, Any]:
        """Do one command of the virtual authenticator."""
        answer: dict[str, Any] = self.session.send(
            f"WebAuthn.{name}", {"authenticatorId": self.id, **values}
        )
        return answer


@pytest.fixture(scope="module")
def lock(
    playwright: Playwright, browser_stack: Stack, registered: list[Registered]
) -> Iterator[Lock]:
    """One phone for all tests here: its authenticator belongs to its page."""
    with open_handset(playwright, browser_stack, registered[0].profile) as phone:
        session, authenticator = finger(phone)
        phone.open()
        phone.unlock()
        phone.tap("settings")
        phone.tap("biometric-on")
        phone.fill("pin", PIN)
        phone.tap("pin-next")
        phone.sees("biometric-off")
        yield Lock(phone, session, authenticator)
        phone.tap("settings")
        phone.tap("biometric-off")
        phone.fill("pin", PIN)
        phone.tap("pin-next")
        phone.sees("biometric-on")


@pytest.fixture
def asked(lock: Lock, desk: Desk) -> Iterator[Lock]:
    """The phone has scanned the code on the desk and shows the request."""
    lock.phone.open("/#/home")
    desk.open_login()
    lock.phone.scan(desk)
    yield lock
    lock.phone.open()


def refused(lock: Lock, desk: Desk) -> None:
    """Approve with the lock: the server refuses, and nobody is logged in."""
    phone = lock.phone
    with phone.page.expect_response("**/approval") as answered:
        phone.tap("approve-biometric")
    assert answered.value.status == 401
    assert answered.value.json()["code"] == "assertion-invalid"
    expect(phone.find("error")).to_have_text(texts("en")["problem.assertion-invalid"])
    nobody_is_logged_in(desk)


def nobody_is_logged_in(desk: Desk) -> None:
    """Even a page that sends its hidden button stays where it is."""
    claimed = desk.page.locator("#claimed-heading")
    expect(claimed).to_be_visible()
    with desk.page.expect_navigation():
        desk.find("finish").evaluate("button => button.form.submit()")
    assert desk.page.url.startswith(f"{desk.stack.demo.issuer}/login/")
    expect(claimed).to_be_visible()
    desk.open_portal()
    expect(desk.page.locator(".camdigikey-button")).to_be_visible()


def test_the_right_finger_unlocks_and_logs_in(
    asked: Lock, desk: Desk, citizen: Citizen
) -> None:
    asked.phone.tap("approve-biometric")
    asked.phone.sees("result-approved")
    desk.lands_at_the_portal(citizen)
    methods = desk.page.locator(".chips")
    expect(methods).to_contain_text("device key")
    expect(methods).not_to_contain_text("PIN")
    desk.logs_out()
    asked.phone.tap("result-home")
    asked.phone.tap("settings")
    asked.phone.tap("lock")
    asked.phone.tap("unlock-biometric")
    asked.phone.tap("home")
    asked.phone.sees("identity-card")


def test_a_signature_over_another_payload_is_refused(asked: Lock, desk: Desk) -> None:
    asked.phone.page.evaluate(
        """() => {
          const get = navigator.credentials.get.bind(navigator.credentials);
          navigator.credentials.get = ({ publicKey }) => get({ publicKey: {
            ...publicKey, challenge: crypto.getRandomValues(new Uint8Array(32)) } });
        }"""
    )
    refused(asked, desk)


def test_a_person_who_was_not_verified_is_refused(asked: Lock, desk: Desk) -> None:
    """The signature is right: an app that is not ours did not ask for a finger."""
    asked.phone.page.evaluate(
        """() => {
          const get = navigator.credentials.get.bind(navigator.credentials);
          navigator.credentials.get = async ({ publicKey }) => {
            const wanted = { ...publicKey, userVerification: "discouraged" };
            const made = await get({ publicKey: wanted });
            window.flags = new Uint8Array(made.response.authenticatorData)[32];
            return made;
          };
        }"""
    )
    refused(asked, desk)
    assert asked.phone.page.evaluate("window.flags & 4") == 0  # UV, WebAuthn 6.1


def test_a_verification_that_was_taken_away_is_refused(asked: Lock, desk: Desk) -> None:
    asked.send("setResponseOverrideBits", isBadUV=True)
    try:
        refused(asked, desk)
    finally:
        asked.send("setResponseOverrideBits", isBadUV=False)


def test_a_bogus_signature_is_refused(asked: Lock, desk: Desk) -> None:
    asked.send("setResponseOverrideBits", isBogusSignature=True)
    try:
        refused(asked, desk)
    finally:
        asked.send("setResponseOverrideBits", isBogusSignature=False)


def test_the_right_finger_at_a_page_of_another_origin_is_refused(
    asked: Lock, desk: Desk
) -> None:
    """The portal is another origin of the same host: the browser lets it ask."""
    app = asked.phone.page
    app.evaluate(
        """() => {
          navigator.credentials.get = ({ publicKey }) => new Promise((resolve) => {
            const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
            window.wanted = {
              challenge: text(publicKey.challenge),
              id: text(publicKey.allowCredentials[0].id),
            };
            window.answer = (json) => resolve({ toJSON: () => json });
          });
        }"""
    )
    elsewhere = page_of_another_origin(asked)
    asked.phone.tap("approve-biometric")
    app.wait_for_function("() => window.wanted")
    signed = elsewhere.evaluate(SIGN, app.evaluate("window.wanted"))
    elsewhere.close()
    with app.expect_response("**/approval") as answered:
        app.evaluate("json => window.answer(json)", signed)
    assert answered.value.status == 401
    assert answered.value.json()["code"] == "assertion-invalid"
    expect(asked.phone.find("error")).to_have_text(
        texts("en")["problem.assertion-invalid"]
    )
    expect(desk.page.locator("#claimed-heading")).to_be_visible()
    # The very same request is still open for the person's own answer.
    asked.phone.page.reload(wait_until="domcontentloaded")
    asked.phone.tap("approve-biometric")
    asked.phone.sees("result-approved")


SIGN = """async ({ challenge, id }) => {
  const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const publicKey = {
    challenge: bytes(challenge),
    rpId: "localhost",
    allowCredentials: [{ type: "public-key", id: bytes(id) }],
    userVerification: "required",
  };
  return (await navigator.credentials.get({ publicKey })).toJSON();
}"""


def page_of_another_origin(lock: Lock) -> Page:
    """Open the portal in the phone, with the very same finger."""
    portal = lock.phone.page.context.new_page()
    session, there = add_finger(portal)
    for credential in lock.send("getCredentials")["credentials"]:
        # A later use has a higher count: only the origin is wrong.
        moved = {**credential, "signCount": credential["signCount"] + 10}
        wanted = {"authenticatorId": there, "credential": moved}
        session.send("WebAuthn.addCredential", wanted)
    portal.goto(lock.phone.stack.demo.portal, wait_until="domcontentloaded")
    return portal
