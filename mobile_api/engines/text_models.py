"""The text models of PP-OCRv6: found in the package, checked by hash, run by ONNX.

Only the model files of the package `rapidocr` are used (Apache-2.0); its code is not
imported. A file that is not the one known is refused: the engine is then disabled.
"""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import onnxruntime

from mobile_api.engines.loading import EngineRefused, checked_model

PACKAGE = "rapidocr"
DETECTOR = (
    "PP-OCRv6_det_small.onnx",
    "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)
RECOGNISER = (
    "PP-OCRv6_rec_small.onnx",
    "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
)
ERRORS_ONLY = 3


def package_version() -> str:
    """Return the version of the package that the models came with."""
    return version(PACKAGE)


def model_path(name: str) -> Path:
    """Return where a model lies; raises EngineRefused without the package."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise EngineRefused(f"the package {PACKAGE} is not installed")
    path = Path(found.origin).parent / "models" / name
    if not path.is_file():
        raise EngineRefused(f"{name} is not in the package {PACKAGE}")
    return path


def open_model(model: tuple[str, str]) -> tuple[Any, tuple[str, str]]:
    """Return a session on one thread, and name and hash; refuses another file."""
    name, expected = model
    return open_file(model_path(name), expected)


def open_file(path: Path, expected: str) -> tuple[Any, tuple[str, str]]:
    """Return a session on one thread of a file whose hash is the expected one."""
    checked = checked_model(path, expected)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    options.enable_cpu_mem_arena = False
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    return session, checked
