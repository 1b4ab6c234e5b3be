"""Our two small models of zones: checked by hash, run by ONNX.

`tools/zone_models` draws what they learn from and trains them.
"""

from pathlib import Path
from typing import Any

from mobile_api.engines.text_models import open_file

FINDER = (
    "zone_finder.onnx",
    "16abf34af366f64ea32c6cbad2d1cbcd6032b4afbdba7d22134078382564dc56",
)
READER = (
    "zone_reader.onnx",
    "9201c27a6620e73767d161335dbf11cba2f2ab4a2fb198849a6d0d3dfc78936c",
)


def open_zone_model(model: tuple[str, str]) -> tuple[Any, tuple[str, str]]:
    """Return a session on one thread, and name and hash; refuses another file."""
    name, expected = model
    return open_file(Path(__file__).parent / "models" / name, expected)
