"""From the finder's maps to lines, and from lines to zones, at any angle."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_api.engines.text_lines import TextLine
from mobile_api.engines.zone_finding import CELL, TALL, lines_of, zones_of

ANGLES = st.floats(0, 2 * np.pi)
SAME = np.array([[1.0, 0, 0], [0, 1.0, 0]])


def line(angle: float, row: int, *, columns: int = 30, pitch: float = 20) -> TextLine:
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    centre = np.array([800.0, 600.0]) + across * row * pitch * 1.8
    return TextLine(centre, along, columns * pitch, TALL * pitch)


def part(whole: TextLine, start: float, end: float) -> TextLine:
    centre = whole.centre + whole.along * whole.length * ((start + end) / 2 - 0.5)
    return TextLine(centre, whole.along, whole.length * (end - start), whole.height)


def maps_of(drawn: TextLine, side: int = 96) -> np.ndarray:
    """Draw what the network says of one line."""
    y, x = np.mgrid[0:side, 0:side] * CELL + CELL / 2
    places = np.stack([x, y], axis=-1) - drawn.centre
    pitch = drawn.height / TALL
    inside = np.abs(places @ drawn.along) < drawn.length / 2
    inside &= np.abs(places @ drawn.across) < pitch * 0.8
    maps = np.zeros((4, side, side), np.float32)
    maps[0] = np.where(inside, 5, -5)
    maps[1], maps[2] = drawn.along
    maps[3] = np.log(pitch / 8)
    return maps


@given(ANGLES, st.floats(5, 12))
def test_a_line_is_found_where_it_is_and_as_it_is_read(
    angle: float, pitch: float
) -> None:
    along = np.array([np.cos(angle), np.sin(angle)])
    drawn = TextLine(np.array([190.0, 195.0]), along, 30 * pitch, TALL * pitch)
    (found,) = lines_of(maps_of(drawn), SAME)
    assert np.hypot(*(found.centre - drawn.centre)) < CELL
    assert found.along @ along > np.cos(np.deg2rad(2))
    assert abs(found.length - drawn.length) < 3 * CELL
    assert abs(found.height / drawn.height - 1) < 0.05


def test_a_line_on_a_shrunk_picture_is_found_in_pixels_of_the_picture() -> None:
    drawn = TextLine(np.array([190.0, 195.0]), np.array([0.0, 1.0]), 240, TALL * 8)
    back = np.array([[2.5, 0, 10], [0, 2.5, 20]])
    (found,) = lines_of(maps_of(drawn), back)
    assert np.hypot(*(found.centre - [485, 507.5])) < 2.5 * CELL
    assert abs(found.height / (2.5 * drawn.height) - 1) < 0.05


def test_nothing_is_found_where_the_map_is_empty() -> None:
    assert lines_of(np.full((4, 40, 40), -5, np.float32), SAME) == ()


@given(ANGLES, st.sampled_from((2, 3)), st.permutations(range(3)))
def test_a_zone_is_found_in_the_order_of_reading(
    angle: float, rows: int, order: list[int]
) -> None:
    lines = [line(angle, row) for row in range(rows)]
    (zone,) = zones_of([lines[at] for at in order if at < rows])
    assert len(zone) == rows
    for found, drawn in zip(zone, lines, strict=True):
        assert np.allclose(found.centre, drawn.centre)


@given(ANGLES)
def test_pieces_of_a_line_are_joined_and_short_ones_grow(angle: float) -> None:
    lines = [line(angle, row) for row in range(3)]
    seen = [part(lines[0], 0, 0.4), part(lines[0], 0.6, 1), lines[1]]
    (zone,) = zones_of([*seen, part(lines[2], 0.2, 1)])
    assert [round(one.length) for one in zone] == [round(lines[0].length)] * 3
    assert all(
        np.allclose(found.centre, drawn.centre, atol=1)
        for found, drawn in zip(zone, lines, strict=True)
    )


def test_lines_that_are_read_the_other_way_are_of_another_zone() -> None:
    here = [line(0, row) for row in range(2)]
    there = [line(np.pi, row) for row in range(-7, -5)]
    zones = zones_of([*here, *there])
    assert [len(zone) for zone in zones] == [2, 2]


def test_one_line_is_no_zone() -> None:
    assert zones_of([line(1.0, 0)]) == []


def test_of_four_lines_the_last_three_and_two_are_tried() -> None:
    zones = zones_of([line(0.3, row) for row in range(4)])
    assert [len(zone) for zone in zones] == [3, 2]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            ANGLES,
            st.floats(0, 1600),
            st.floats(0, 1200),
            st.floats(1, 1500),
            st.floats(3, 80),
        ),
        max_size=24,
    )
)
def test_any_lines_give_zones_of_two_or_three(
    drawn: list[tuple[float, float, float, float, float]],
) -> None:
    lines = [
        TextLine(np.array([x, y]), np.array([np.cos(a), np.sin(a)]), length, height)
        for a, x, y, length, height in drawn
    ]
    assert all(len(zone) in (2, 3) for zone in zones_of(lines))
