import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.errors import FieldsInvalid, IdentityError, Malformed
from mobile_api.bodies import DetailsBody, StartBody, parse_body, parse_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"phone":"1","phone":"2"}',
        b'{"a":{"b":1,"b":2}}',
        b'{"phone":NaN}',
        b'{"phone":Infinity}',
        b'\xef\xbb\xbf{"phone":"1"}',
        b'{"phone":"\xff"}',
        '{"phone":"1"}'.encode("utf-16"),
        b"[" * 16_000,
        b'{"a":' * 9 + b"1" + b"}" * 9,
        b'["]]]]]]]]]",' + b"[" * 9 + b"]" * 9 + b"]",
        b'{"phone":"1"} x',
    ],
)
def test_json_with_tricks_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_json(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse_body(data, StartBody)
    except IdentityError:
        return


@given(JSON)
def test_what_is_not_too_deep_is_read_as_it_was_written(value: object) -> None:
    data = json.dumps(value).encode()
    try:
        assert parse_json(data) == value
    except Malformed:
        assert max(depths(value)) > 8


def depths(value: object, level: int = 0) -> list[int]:
    if not isinstance(value, dict | list):
        return [level]
    inner = value.values() if isinstance(value, dict) else value
    return [level + 1, *(d for item in inner for d in depths(item, level + 1))]


@pytest.mark.parametrize(
    "value",
    [
        {"phone": "012345678", "more": 1},
        {},
        [],
        "text",
        {"phone": "012345678", "__proto__": {}},
    ],
)
def test_unknown_and_missing_members_are_refused(value: object) -> None:
    with pytest.raises(Malformed):
        parse_body(json.dumps(value).encode(), StartBody)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"phone": 12345678}, "phone"),
        ({"phone": None}, "phone"),
        ({"phone": "1" * 41}, "phone"),
        ({"phone": "012345678", "locale": "fr"}, "locale"),
    ],
)
def test_a_member_of_another_kind_is_named(value: object, name: str) -> None:
    with pytest.raises(FieldsInvalid) as refused:
        parse_body(json.dumps(value).encode(), StartBody)
    assert refused.value.fields == {name: "malformed"}


def test_no_field_of_the_details_may_be_left_out() -> None:
    with pytest.raises(Malformed):
        parse_body(b'{"number":"012345678"}', DetailsBody)
