"""A link is built and read in exactly one way, or refused."""

import contextlib
import inspect
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sdk_app
from sdk_app import (
    AppToAppLink,
    Link,
    LinkForeign,
    LinkMalformed,
    LinkRefused,
    OriginUnsafe,
    QrLink,
    SameDeviceLink,
    build_link,
    parse_link,
)

APP = "https://app.example"
ID = "AAAAAAAAAAAAAAAAAAAA-_"
CODE = "zzzzzzzzzzzzzzzzzzzz01"
URN = "urn:ietf:params:oauth:request_uri:"

bits = st.from_regex(r"\A[A-Za-z0-9_-]{22}\Z")
links: st.SearchStrategy[Link] = st.one_of(
    st.builds(QrLink, challenge_id=bits, seconds=st.integers(0, 9999), code=bits),
    st.builds(SameDeviceLink, challenge_id=bits, secret=bits),
    st.builds(
        AppToAppLink,
        client_id=st.from_regex(r"\A[!-~]{1,50}\Z"),
        request_uri=st.from_regex(r"\A[A-Za-z0-9._~-]{16,50}\Z").map(URN.__add__),
    ),
)


@given(links)
def test_a_link_that_is_built_is_read_as_it_was_meant(link: Link) -> None:
    assert parse_link(build_link(link, app_origin=APP), app_origin=APP) == link


def test_the_links_look_as_the_login_protocol_says() -> None:
    qr = QrLink(challenge_id=ID, seconds=0, code=CODE)
    assert build_link(qr, app_origin=APP) == f"{APP}/q/{ID}.0.{CODE}"
    same = SameDeviceLink(challenge_id=ID, secret=CODE)
    assert build_link(same, app_origin=APP) == f"{APP}/s/{ID}.{CODE}"
    text = f"{APP}/a2a?request_uri=urn%3aietf:params:oauth:request_uri:{ID}&client_id=x"
    asked = AppToAppLink(client_id="x", request_uri=URN + ID)
    assert parse_link(text, app_origin=APP) == asked


@given(links, st.data())
def test_a_qr_or_same_device_link_with_one_character_changed_is_not_the_same(
    link: Link, data: st.DataObject
) -> None:
    text = build_link(link, app_origin=APP)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters()) + text[at + 1 :]
    with contextlib.suppress(LinkRefused):
        assert (
            changed == text
            or parse_link(changed, app_origin=APP) != link
            or (isinstance(link, AppToAppLink))
        )


@given(st.text(max_size=100))
def test_any_other_text_is_refused(text: str) -> None:
    for tried in (text, f"{APP}/{text}", f"{APP}/q/{text}", f"{APP}/a2a?{text}"):
        with pytest.raises(LinkRefused):
            parse_link(tried, app_origin=APP)


@pytest.mark.parametrize(
    "path",
    [
        f"q/{ID}.00.{CODE}",
        f"q/{ID}.01.{CODE}",
        f"q/{ID}.-1.{CODE}",
        f"q/{ID}.+1.{CODE}",
        f"q/{ID}.10000.{CODE}",
        f"q/{ID}.១.{CODE}",
        f"q/{ID}.1.{CODE}\n",
        f"q/{ID}.1.{CODE}=",
        f"q/{ID}.1.{CODE}?x",
        f"q/{ID}.1.{CODE}#x",
        f"q/{ID}.1.{CODE}.x",
        f"q/{ID}.1",
        f"q/{ID}/.1.{CODE}",
        f"q//{ID}.1.{CODE}",
        f"q/%41{ID[1:]}.1.{CODE}",
        f"Q/{ID}.1.{CODE}",
        f"s/{ID}.{CODE[:-1]}",
        f"s/{ID}.{CODE}/",
        f"s/{ID}",
        "a2a",
        "a2a?",
        "a2a?client_id=x",
        f"a2a?client_id=x&client_id=x&request_uri={URN}{ID}",
        f"a2a?client_id=x&request_uri={URN}{ID}&more=1",
        f"a2a?client_id=&request_uri={URN}{ID}",
        f"a2a?client_id=x%00&request_uri={URN}{ID}",
        f"a2a?client_id=x&request_uri={URN}short",
        "a2a?client_id=x&request_uri=https://evil.example/request",
        f"a2a?client_id=x&request_uri={URN}{ID}#x",
        f"a2a/?client_id=x&request_uri={URN}{ID}",
        "",
        "x" * 3000,
    ],
)
def test_a_link_of_the_wrong_shape_is_refused(path: str) -> None:
    with pytest.raises(LinkMalformed):
        parse_link(f"{APP}/{path}", app_origin=APP)


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example",
        "https://app.example.evil.example",
        "https://app.example:444",
        "https://app.example@evil.example",
        "HTTPS://app.example",
        " https://app.example",
        "camdigikey://",
    ],
)
def test_a_link_to_elsewhere_is_refused(origin: str) -> None:
    with pytest.raises(LinkForeign):
        parse_link(f"{origin}/s/{ID}.{CODE}", app_origin=APP)


@pytest.mark.parametrize(
    "origin", ["http://app.example", "https://app.example/", "https://a@b", "", "x"]
)
def test_an_unsafe_origin_is_refused(origin: str) -> None:
    with pytest.raises(OriginUnsafe):
        parse_link(f"{origin}/s/{ID}.{CODE}", app_origin=origin)


def test_the_demo_on_this_machine_is_a_safe_origin() -> None:
    link = SameDeviceLink(challenge_id=ID, secret=CODE)
    for origin in ("http://localhost:8001", "http://127.0.0.1:8001"):
        text = build_link(link, app_origin=origin)
        assert parse_link(text, app_origin=origin) == link


def test_a_link_that_would_be_read_otherwise_is_not_built() -> None:
    with pytest.raises(LinkMalformed):
        build_link(QrLink(challenge_id=ID, seconds=-1, code=CODE), app_origin=APP)
    with pytest.raises(LinkMalformed):
        build_link(SameDeviceLink(challenge_id="x", secret="y"), app_origin=APP)


def test_a_secret_is_not_shown_by_accident() -> None:
    assert CODE not in repr(SameDeviceLink(challenge_id=ID, secret=CODE))


def test_the_public_names_are_sorted_and_there() -> None:
    names = {
        name
        for name, value in vars(sdk_app).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert sorted(names) == sorted(sdk_app.__all__)
    assert sdk_app.__all__ == sorted(sdk_app.__all__)


def test_the_example_of_the_readme_runs() -> None:
    text = (Path(sdk_app.__file__).parent / "README.md").read_text()
    exec(compile(text.split("```python\n")[1].split("```")[0], "README.md", "exec"), {})
