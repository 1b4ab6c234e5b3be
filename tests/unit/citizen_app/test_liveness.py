"""Before the camera: told, filmed, sent, and what follows when something goes wrong."""

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.unit.citizen_app.conftest import ARGUMENTS, FAKE_CAMERA
from tests.unit.citizen_app.fake_api import APP, FakeApi
from tests.unit.citizen_app.fake_checks import Refused
from tests.unit.citizen_app.test_accessibility import Inspector
from tests.unit.citizen_app.walk import register, sees, tap

pytestmark = pytest.mark.browser
FILM_PATIENCE = 30_000
FEEL = """
navigator.vibrate = (pattern) => (window.felt ??= []).push(pattern);
new MutationObserver(() => {
  const told = document.querySelector("[data-testid=told]");
  const seen = (window.told ??= []);
  if (told && seen.at(-1) !== told.dataset.action) seen.push(told.dataset.action);
  const spoken = document.querySelector("[aria-live=assertive]")?.textContent;
  if (spoken) (window.heard ??= []).push(spoken);
}).observe(document, {
  subtree: true, childList: true, attributes: true, characterData: true });
"""
SLOW = "HTMLVideoElement.prototype.requestVideoFrameCallback = () => {}"
HIDE = """() => {
  Object.defineProperty(document, "hidden", { value: true, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser with a camera that shows a moving pattern."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path="/usr/bin/chromium-headless-shell",
            args=[*ARGUMENTS, *FAKE_CAMERA],
        )
        yield launched
        launched.close()


@pytest.fixture
def sitter(page: Page, api: FakeApi) -> Page:
    """A page that stands at the face."""
    page.add_init_script(FEEL)
    register(page, api, until="face")
    sees(page, "liveness-open")
    return page


def be_filmed(page: Page) -> None:
    tap(page, "liveness-open")
    tap(page, "liveness-start")


def comes_to(page: Page, name: str) -> None:
    expect(page.get_by_test_id(name)).to_be_visible(timeout=FILM_PATIENCE)


def test_the_film_follows_the_instructions_and_is_not_mirrored(
    sitter: Page, api: FakeApi
) -> None:
    be_filmed(sitter)
    comes_to(sitter, "pin-repeat")
    (clip,) = api.faces.clips
    assert not clip.mirrored
    steps = [frame.step for frame in clip.frames]
    assert set(steps) == {0, 1, 2, 3}
    assert max(b.at - a.at for a, b in pairwise(clip.frames)) <= 400
    starts = [next(f.at for f in clip.frames if f.step == k) for k in (1, 2, 3)]
    lasts = [b - a for a, b in pairwise(starts)]
    assert all(900 - 150 < one < 900 + 400 for one in lasts), lasts
    told = sitter.evaluate("window.told")
    assert [one for one in told if one not in {"ready", "straight"}] == [
        "turn_left",
        "blink",
    ]
    assert told[-1] == "straight"


def test_who_cannot_see_the_screen_feels_and_hears_each_instruction(
    sitter: Page, api: FakeApi
) -> None:
    be_filmed(sitter)
    comes_to(sitter, "pin-repeat")
    words = json.loads((APP / "locales/km.json").read_text())
    told = {words[f"told.{name}"] for name in ("turn_left", "blink", "straight")}
    assert told <= set(sitter.evaluate("window.heard"))
    felt = sitter.evaluate("window.felt")
    assert len([one for one in felt if isinstance(one, int)]) == 3
    assert len([one for one in felt if isinstance(one, list)]) == 4
    assert api.faces.clips


def test_the_person_sees_herself_as_in_a_mirror(sitter: Page) -> None:
    tap(sitter, "liveness-open")
    video = sitter.get_by_test_id("liveness-video")
    expect(video).to_have_css("transform", "matrix(-1, 0, 0, 1, 0, 0)")


def test_a_refused_film_says_what_to_do_and_how_many_tries_are_left(
    sitter: Page, api: FakeApi
) -> None:
    api.refuse["face"] = api.faces.refuse("turn-more", "too-dark")
    api.move_to_face()
    be_filmed(sitter)
    comes_to(sitter, "liveness-again")
    expect(sitter.get_by_test_id("advice").locator("li")).to_have_count(2)
    expect(sitter.get_by_test_id("liveness-left")).to_contain_text("៤")
    expect(sitter.get_by_test_id("liveness-uncounted")).to_have_count(0)
    tap(sitter, "liveness-again")
    tap(sitter, "liveness-start")
    comes_to(sitter, "pin-repeat")
    assert len(api.faces.clips) == 1


def test_a_session_that_is_over_costs_no_try_and_the_next_film_is_smaller(
    sitter: Page, api: FakeApi
) -> None:
    over = Refused(422, "evidence-insufficient", advice=["liveness-over"])
    api.refuse["face"] = over
    be_filmed(sitter)
    comes_to(sitter, "liveness-again")
    sees(sitter, "liveness-uncounted")
    tap(sitter, "liveness-again")
    tap(sitter, "liveness-start")
    comes_to(sitter, "pin-repeat")
    posted = [body for _, path, body in api.seen if path.endswith("/face")]
    assert len(posted) == 2
    assert len(posted[1]) < len(posted[0])


def test_a_film_that_did_not_arrive_is_sent_again_as_it_is(
    sitter: Page, api: FakeApi
) -> None:
    api.refuse["face"] = Refused(503, "unavailable", retry_after=5)
    be_filmed(sitter)
    comes_to(sitter, "liveness-send")
    tap(sitter, "liveness-send")
    comes_to(sitter, "pin-repeat")
    posted = [body for _, path, body in api.seen if path.endswith("/face")]
    assert posted[0] == posted[1]


def test_a_page_that_is_loaded_again_while_filming_begins_again_at_the_face(
    sitter: Page, api: FakeApi
) -> None:
    be_filmed(sitter)
    sees(sitter, "told")
    sitter.reload(wait_until="domcontentloaded")
    sees(sitter, "liveness-open")
    assert not api.faces.clips


def test_stopping_closes_the_camera_and_sends_nothing(
    sitter: Page, api: FakeApi
) -> None:
    be_filmed(sitter)
    sees(sitter, "told")
    stream = sitter.get_by_test_id("liveness-video").evaluate_handle("v => v.srcObject")
    tap(sitter, "liveness-stop")
    sees(sitter, "liveness-open")
    assert stream.evaluate("(s) => s.getTracks().every((t) => t.readyState == 'ended')")
    assert not [path for _, path, _ in api.seen if path.endswith("/face")]


@pytest.mark.parametrize("trouble", ["slow", "hidden"])
def test_a_film_with_holes_is_never_sent(
    sitter: Page, api: FakeApi, trouble: str
) -> None:
    if trouble == "slow":
        sitter.evaluate(SLOW)
    be_filmed(sitter)
    sees(sitter, "told")
    if trouble == "hidden":
        sitter.evaluate(HIDE)
    comes_to(sitter, "liveness-again")
    sees(sitter, "liveness-uncounted")
    assert not [path for _, path, _ in api.seen if path.endswith("/face")]


def test_the_limit_of_sessions_is_said_where_it_is_met(
    sitter: Page, api: FakeApi
) -> None:
    api.refuse["liveness"] = Refused(429, "exhausted", retry_after=3600)
    be_filmed(sitter)
    expect(sitter.get_by_test_id("error")).to_contain_text("៦០")
    sees(sitter, "liveness-start")


def test_no_drawn_head_is_offered_to_citizens(page: Page, api: FakeApi) -> None:
    api.draws_heads = False
    register(page, api, until="face")
    sees(page, "liveness-open")
    expect(page.get_by_test_id("development")).to_have_count(0)


@pytest.mark.parametrize(("language", "width"), [("km", 320), ("en", 1280)])
def test_no_screen_before_the_camera_has_a_fault(
    page: Page, api: FakeApi, language: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    api.faces.steps = [{"action": "nod", "hold_ms": 4000}]
    page.goto(api.origin, wait_until="domcontentloaded")
    tap(page, f"lang-{language}")
    register(page, api, until="face")
    tap(page, "liveness-open")
    seen = Inspector(page)
    seen.look("liveness-start")
    tap(page, "liveness-start")
    doing = page.locator("[data-action=nod]")
    expect(doing).to_be_visible(timeout=FILM_PATIENCE)
    seen.look("told")
    assert seen.faults == []


PLAN = """async () => {
  const { planOf } = await import("/film.js");
  return planOf({ neutral_ms: 1000, steps: [
    { action: "nod", hold_ms: 2000 }, { action: "blink", hold_ms: 1500 }] });
}"""
AREA = """async ([videoWidth, videoHeight, height]) => {
  const { frameArea } = await import("/film.js");
  return frameArea({ videoWidth, videoHeight }, { height });
}"""


def test_look_straight_ahead_belongs_to_the_step_before_it(
    page: Page, api: FakeApi
) -> None:
    page.goto(api.origin, wait_until="domcontentloaded")
    plan = page.evaluate(PLAN)
    told = [(beat["from"], beat["step"], beat["action"]) for beat in plan]
    assert told == [
        (0, 0, ""),
        (1000, 1, "nod"),
        (3000, 1, ""),
        (4000, 2, "blink"),
        (5500, 2, ""),
        (6500, 3, ""),
    ]


@pytest.mark.parametrize(
    ("video", "drawn"),
    [
        ((1280, 720), (480, 640)),
        ((640, 480), (360, 480)),
        ((480, 640), (480, 640)),
        ((720, 1280), (480, 640)),
        ((320, 240), (180, 240)),
    ],
)
def test_frames_are_upright_and_never_larger_than_allowed_or_than_the_camera_gives(
    page: Page, api: FakeApi, video: tuple[int, int], drawn: tuple[int, int]
) -> None:
    page.goto(api.origin, wait_until="domcontentloaded")
    area = page.evaluate(AREA, [*video, 640])
    assert (area["drawnWidth"], area["drawnHeight"]) == drawn
    assert area["width"] <= video[0] + 0.01
    assert area["height"] <= video[1] + 0.01
