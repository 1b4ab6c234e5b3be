"""The keys of the phone: what is derived, what is kept, what is refused."""

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.fake_checks import (
    check_ecdsa,
    derive_pin_scalar,
    pin_jwk,
    unb64,
)
from tests.unit.citizen_app.walk import PIN, register, sees

pytestmark = pytest.mark.browser
VECTORS = Path(__file__).resolve().parents[2] / "vectors/pin_key/derivation.json"
CASES = json.loads(VECTORS.read_text("utf-8"))["cases"]
BYTES = (
    "const bytes = (hex) => Uint8Array.from(hex.match(/../g), (b) => parseInt(b, 16));"
)
DERIVE = f"""async ({{secret, salt, pin}}) => {{ {BYTES}
  const {{ openPinKey, deriveScalar }} = await import("/pin_key.js");
  const {{ hmacKey }} = await import("/authenticator.js");
  const given = {{ secret: await hmacKey(bytes(secret)), salt: bytes(salt), pin }};
  const key = await openPinKey(given);
  const scalar = Array.from(await deriveScalar(given), (b) =>
    b.toString(16).padStart(2, "0")).join("");
  const sign = () => key.sign("a.b.c");
  return {{ scalar, jwk: key.jwk, first: sign(), second: sign() }};
}}"""


def opened(page: Page, api: FakeApi) -> Page:
    page.goto(api.origin, wait_until="domcontentloaded")
    sees(page, "start-register")
    return page


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["pin"])
def test_the_pin_key_equals_the_published_vector(
    page: Page, api: FakeApi, case: dict[str, str]
) -> None:
    made = opened(page, api).evaluate(DERIVE, case)
    assert made["scalar"] == case["scalar"]
    assert unb64(made["jwk"]["x"]).hex() == case["x"]
    assert unb64(made["jwk"]["y"]).hex() == case["y"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["pin"])
def test_the_vector_agrees_with_an_independent_derivation(case: dict[str, str]) -> None:
    secret, salt = bytes.fromhex(case["secret"]), bytes.fromhex(case["salt"])
    scalar = derive_pin_scalar(secret=secret, salt=salt, pin=case["pin"])
    assert f"{scalar:064x}" == case["scalar"]


def test_any_secret_and_salt_make_the_key_that_python_makes(
    page: Page, api: FakeApi
) -> None:
    secret, salt = secrets.token_bytes(32), secrets.token_bytes(32)
    case = {"secret": secret.hex(), "salt": salt.hex(), "pin": "080808"}
    made = opened(page, api).evaluate(DERIVE, case)
    scalar = derive_pin_scalar(secret=secret, salt=salt, pin="080808")
    assert made["jwk"] == pin_jwk(scalar)


def test_each_pin_signature_is_fresh_and_verifies(page: Page, api: FakeApi) -> None:
    made = opened(page, api).evaluate(DERIVE, CASES[0])
    assert made["first"] != made["second"]
    for name in ("first", "second"):
        message = b"camdigikey-uv-pin1|a.b.c"
        assert check_ecdsa(made["jwk"], unb64(made[name]), message)


KEPT = """async () => {
  const open = indexedDB.open("camdigikey");
  await new Promise((done) => (open.onsuccess = done));
  const shelf = open.result.transaction("kept").objectStore("kept");
  const all = shelf.getAll();
  await new Promise((done) => (all.onsuccess = done));
  const tried = [];
  const walk = async (value) => {
    if (value instanceof CryptoKey) {
      const format = value.type === "secret" ? "raw" : "jwk";
      tried.push(await crypto.subtle.exportKey(format, value).then(
        () => "exported", (error) => error.name));
    } else if (value && typeof value === "object") {
      for (const inner of Object.values(value)) await walk(inner);
    }
  };
  await walk(all.result);
  return { tried, text: JSON.stringify([all.result, { ...sessionStorage }]) };
}"""


def test_the_phone_keeps_no_pin_no_person_and_no_key_that_can_be_exported(
    page: Page, api: FakeApi
) -> None:
    register(page, api)
    sees(page, "done-home")
    kept = page.evaluate(KEPT)
    assert kept["tried"] == ["InvalidAccessError", "InvalidAccessError"]
    pin_key: dict[str, Any] = api.device["pin"]
    forbidden = [PIN, "SOK", "សុខ", "1999", "340678", pin_key["x"], pin_key["y"]]
    assert [text for text in forbidden if text in kept["text"]] == []


REFUSED = """async (pins) => {
  const { mark, refusal, phonePins, datePins } = await import("/pin_rules.js");
  const { hmacKey } = await import("/authenticator.js");
  const secret = await hmacKey(new Uint8Array(32));
  const marks = await mark(secret, phonePins("+855 12 340 678"));
  const judge = (pin) => refusal({ secret, pin, marks, birthDate: "1999-02-03" });
  return Promise.all(pins.map(judge));
}"""


def test_easy_and_personal_pins_are_refused(page: Page, api: FakeApi) -> None:
    opened(page, api)
    trivial = ["000000", "777777", "123456", "654321", "890123", "321098"]
    personal = ["030299", "020399", "990203", "199902", "340678"]
    good = ["493027", "112233", "030298", "240678"]
    assert page.evaluate(REFUSED, trivial) == ["trivial"] * 6
    assert page.evaluate(REFUSED, personal) == ["personal"] * 5
    assert page.evaluate(REFUSED, good) == [None] * 4
