"""A person who registers in the app, step by step, on a phone that tests hold."""

import secrets
from collections.abc import Callable

from playwright.sync_api import FilePayload

from tests.e2e.browsing import PIN, Citizen, Handset
from tests.e2e.living import show_living_face
from tests.specimens.persons import KHMER_DIGITS

Look = Callable[[str], None]


def number() -> str:
    """Return a Cambodian mobile number that nobody used yet in this stack."""
    return f"012{secrets.randbelow(900_000) + 100_000}"


def nothing(name: str) -> None:
    """Look at nothing in particular."""
    del name


def khmer(text: str) -> str:
    """Write digits as a Khmer keyboard does."""
    return text.translate(KHMER_DIGITS)


def register(
    handset: Handset,
    citizen: Citizen,
    *,
    look: Look = nothing,
    write: Callable[[str], str] = str,
    phone_number: str = "",
    filmed: bool = False,
) -> None:
    """Walk from the first screen to the last but one; `look(screen)` at each.

    `write` is how the person writes digits: `str` or `khmer`. `filmed`: by the camera;
    else the server draws the film, which no busy machine can spoil.
    """
    reach_the_face(handset, citizen, look=look, write=write, phone_number=phone_number)
    look("face")
    if filmed:
        show_living_face(handset)
    else:
        handset.tap("development-film")
    set_the_pin(handset, look=look, write=write)


def reach_the_face(
    handset: Handset,
    citizen: Citizen,
    *,
    look: Look = nothing,
    write: Callable[[str], str] = str,
    phone_number: str = "",
) -> None:
    """Walk from the first screen to the one that wants a living face."""
    handset.sees("start-register")
    look("welcome")
    handset.tap("start-register")
    _prove_number(handset, phone_number or number(), look, write)
    show_document(handset, citizen, look=look, write=write)


def show_document(
    handset: Handset,
    citizen: Citizen,
    *,
    look: Look = nothing,
    write: Callable[[str], str] = str,
) -> None:
    """Photograph the card and confirm its details, in whatever journey it is."""
    _show(handset, citizen.card, look)
    _confirm(handset, citizen, look, write)
    handset.gets("liveness-open")


def set_the_pin(
    handset: Handset, *, look: Look = nothing, write: Callable[[str], str] = str
) -> None:
    """Choose the PIN, which binds the phone."""
    handset.gets("pin-repeat")
    look("pin")
    handset.fill("pin", write(PIN))
    handset.fill("pin-repeat", write(PIN))
    handset.tap("pin-next")


def _prove_number(
    handset: Handset, own: str, look: Look, write: Callable[[str], str]
) -> None:
    handset.sees("phone")
    handset.fill("phone", write(own))
    look("phone")
    printed = handset.stack.printed()
    handset.tap("phone-next")
    handset.sees("code")
    look("code")
    handset.fill("code", write(handset.stack.sms_code(printed)))
    handset.tap("code-next")


def _show(handset: Handset, card: bytes, look: Look) -> None:
    """Photograph with the camera, or choose the file where there is none."""
    handset.sees("card-file" if handset.camera is None else "card-shoot")
    look("card")
    if handset.camera is None:
        file = FilePayload(name="p.jpg", mimeType="image/jpeg", buffer=card)
        handset.find("card-file").set_input_files(files=[file])
    else:
        film(handset, card)
        handset.tap("card-shoot")
    handset.sees("card-use")
    look("card-look")
    handset.tap("card-use")


def film(handset: Handset, picture: bytes) -> None:
    """Hold a picture before the camera until the page's video shows it."""
    assert handset.camera is not None
    handset.camera.show(picture)
    handset.page.locator("video").evaluate(NEXT_FRAMES)


# Some frames are on their way already, and one may be half of the old picture.
NEXT_FRAMES = """video => new Promise((done) => {
  let left = 8;
  const count = () => (left -= 1) ? video.requestVideoFrameCallback(count) : done();
  video.requestVideoFrameCallback(count);
})"""


def _confirm(
    handset: Handset, citizen: Citizen, look: Look, write: Callable[[str], str]
) -> None:
    handset.gets("field-surname_khmer")
    for name in ("surname_khmer", "given_name_khmer"):
        handset.fill(f"field-{name}", citizen.fields[name])
    issued = ".".join(reversed(citizen.fields["issue_date"].split("-")))
    handset.fill("field-issue_date", write(issued))
    look("details")
    handset.tap("details-next")


def go_home(handset: Handset, *, look: Look = nothing) -> None:
    """Leave the offer of a biometric and unlock for the first time."""
    handset.sees("done-home")
    look("done")
    handset.tap("done-home")
    handset.sees("unlock-pin")
    look("unlock")
    handset.unlock()
    look("home")
