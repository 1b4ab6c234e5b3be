"""The slot for an operator's passive model: a tiny model, written byte by byte."""

import struct
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from mobile_api.engines import DisabledEngine, load_engine
from mobile_api.engines.passive_onnx import OnnxPassiveCheck, create
from mobile_api.images import Picture
from mobile_api.interfaces import Face, PassiveCheck

ENTRY = "mobile_api.engines.passive_onnx:create"


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def nested(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor_info(name: str, shape: tuple[int, ...]) -> bytes:
    dimensions = b"".join(nested(1, number(1, side)) for side in shape)
    kind = number(1, 1) + nested(2, dimensions)  # FLOAT, shape
    return nested(1, name) + nested(2, nested(1, kind))


def model(
    *, size: tuple[int, ...] = (1, 3, 32, 32), scale: float = 1.0, whole: bool = True
) -> bytes:
    """Return an ONNX model: the mean of the picture, times `scale`."""
    mean = nested(1, "x") + nested(2, "mean") + nested(4, "ReduceMean")
    keep = nested(1, "keepdims") + number(3, int(not whole)) + number(20, 2)
    mean += nested(5, keep)
    factor = number(2, 1) + nested(8, "scale") + nested(9, struct.pack("<f", scale))
    times = nested(1, "mean") + nested(1, "scale") + nested(2, "y") + nested(4, "Mul")
    graph = nested(1, mean) + nested(1, times) + nested(2, "g") + nested(5, factor)
    graph += nested(11, tensor_info("x", size))
    graph += nested(12, nested(1, "y") + nested(2, nested(1, number(1, 1))))
    return number(1, 8) + nested(7, graph) + nested(8, nested(1, "") + number(2, 13))


def settle(
    monkeypatch: pytest.MonkeyPatch, path: Path, data: bytes, digest: str = ""
) -> None:
    path.write_bytes(data)
    monkeypatch.setenv("MOBILE_PASSIVE_MODEL", str(path))
    monkeypatch.setenv("MOBILE_PASSIVE_MODEL_HASH", digest or sha256(data).hexdigest())


def face_of(value: int) -> Face:
    picture = Picture(np.full((200, 160, 3), value, dtype=np.uint8))
    return Face(picture=picture, left=60, top=70, right=110, bottom=130)


def test_the_model_scores_the_face_and_is_named_by_its_hash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = model()
    settle(monkeypatch, tmp_path / "alive.onnx", data)
    check = create(environment="production")
    assert isinstance(check, PassiveCheck)
    assert check.engine.models == (("alive.onnx", sha256(data).hexdigest()),)
    assert check.score(face_of(255)) == pytest.approx(1.0, abs=0.01)
    assert check.score(face_of(51)) == pytest.approx(0.2, abs=0.01)


def test_a_score_is_held_between_0_and_1_and_nonsense_is_0(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for scale, value in ((9.0, 1.0), (-9.0, 0.0), (float("nan"), 0.0)):
        settle(monkeypatch, tmp_path / "m.onnx", model(scale=scale))
        assert create(environment="production").score(face_of(200)) == value


@pytest.mark.parametrize(
    ("data", "digest", "why"),
    [
        (model(), "0" * 64, "has SHA-256"),
        (model(size=(1, 1, 32, 32)), "", "height x width"),
        (model(size=(1, 3, 4, 4)), "", "no fixed size"),
        (b"not a model", "", "Invalid"),
    ],
    ids=["another hash", "one plane", "too small", "no model"],
)
def test_a_model_that_is_not_the_one_is_not_started(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    data: bytes,
    digest: str,
    why: str,
) -> None:
    settle(monkeypatch, tmp_path / "m.onnx", data, digest)
    engine = load_engine(ENTRY, PassiveCheck, environment="production")
    assert isinstance(engine, DisabledEngine)
    assert why in engine.reason


def test_without_a_path_and_a_hash_there_is_no_check() -> None:
    engine = load_engine(ENTRY, PassiveCheck, environment="production")
    assert isinstance(engine, DisabledEngine)
    assert "MOBILE_PASSIVE_MODEL" in engine.reason


def test_a_face_at_the_edge_is_looked_at_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settle(monkeypatch, tmp_path / "m.onnx", model())
    check = create(environment="production")
    assert isinstance(check, OnnxPassiveCheck)
    picture = Picture(np.full((50, 50, 3), 102, dtype=np.uint8))
    edge = Face(picture=picture, left=0, top=0, right=10, bottom=10)
    assert check.score(edge) == pytest.approx(0.4, abs=0.01)
