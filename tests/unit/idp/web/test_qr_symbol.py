"""QR codes by whole numbers, held against the codes that `qrcode` draws slowly."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import MODE_8BIT_BYTE, QRData, lost_point

from idp.web.qr import QUIET, draw
from idp.web.qr_symbol import Symbol, encode, penalty

Matrix = list[list[bool]]


def drawn_by_the_library(text: str, mask: int) -> Matrix:
    code = QRCode(error_correction=ERROR_CORRECT_M, border=0, mask_pattern=mask)
    code.add_data(QRData(text.encode(), mode=MODE_8BIT_BYTE))
    code.make(fit=True)
    return [[bool(module) for module in row] for row in code.get_matrix()]


def matrix_of(symbol: Symbol) -> Matrix:
    return [[bit == "1" for bit in row] for row in symbol.rows()]


def number_of(matrix: Matrix) -> int:
    return int("".join("01"[dark] for row in matrix for dark in row), 2)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=120))
def test_a_symbol_is_the_librarys_under_its_least_penalty(text: str) -> None:
    symbol = encode(text)
    theirs = [drawn_by_the_library(text, mask) for mask in range(8)]
    weights = [lost_point(matrix) for matrix in theirs]
    assert [penalty(symbol.size, number_of(each)) for each in theirs] == weights
    assert matrix_of(symbol) == theirs[weights.index(min(weights))]


@pytest.mark.parametrize("octets", [14, 15, 62, 63, 180, 181, 213, 214, 999, 2331])
def test_a_symbol_is_the_smallest_that_holds_its_text(octets: int) -> None:
    symbol = encode("x" * octets)
    theirs = [drawn_by_the_library("x" * octets, mask) for mask in range(8)]
    assert matrix_of(symbol) in theirs


def test_a_text_that_no_symbol_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        encode("x" * 2332)


def test_the_path_covers_the_dark_modules_and_nothing_else() -> None:
    text = "http://localhost:8001/q/" + "x" * 50
    symbol, picture = encode(text), draw(text)
    covered = [[False] * symbol.size for _ in range(symbol.size)]
    pieces = re.findall(r"(?:([Mm])(\d+) (\d+))|h(\d+)v1h-(\d+)z", picture.path)
    x = y = 0
    for move, a, b, width, back in pieces:
        match move:
            case "M":
                x, y = int(a) - QUIET, int(b) - QUIET
            case "m":
                assert b == "0"
                x += int(a)
            case _:
                assert width == back
                for column in range(x, x + int(width)):
                    covered[y][column] = True
    assert covered == matrix_of(symbol)
    assert "".join(re.findall(r"[Mm]\d+ \d+|h\d+v1h-\d+z", picture.path)) == (
        picture.path
    )
