"""Ask a passive anti-spoofing model that the operator brings, as ONNX.

No usable model ships in any package, so there is none by default. The contract of the
model: one input, float32, 1 x 3 x height x width, RGB, 0 to 1, the face in the middle
of a square that is `MARGIN` times as large; one output of one value, 0 (a picture of
a face) to 1 (a face). A model of another shape is wrapped when it is exported.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mobile_api.engines.loading import EngineRefused, checked_model
from mobile_api.interfaces import Engine, Face
from mobile_api.settings import load_settings

MARGIN: Final = 2.7
LEAST_SIDE, MOST_SIDE = 16, 640
DIMENSIONS: Final = 4


@dataclass(frozen=True, slots=True)
class OnnxPassiveCheck:
    """A PassiveCheck; `session` is an InferenceSession, `size` its width and height."""

    engine: Engine
    session: Any
    size: tuple[int, int]

    def score(self, face: Face) -> float:
        """Return what the model says, held between 0 and 1; not a number is 0."""
        return self.ask(_square(face, self.size))

    def ask(self, pixels: NDArray[np.uint8]) -> float:
        """Run the model on height x width x 3 pixels, RGB."""
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)
        name = self.session.get_inputs()[0].name
        (said,) = self.session.run(None, {name: planes / np.float32(255)})
        if said.size != 1:
            raise EngineRefused("one value is needed of the passive model")
        value = float(said.reshape(())[()])
        return min(max(value, 0.0), 1.0) if np.isfinite(value) else 0.0


def create(*, environment: str) -> OnnxPassiveCheck:
    """Return the check over the model that the settings name.

    Raises EngineRefused without a path or a hash, for other bytes than the hash says,
    and for a model that does not keep the contract.
    """
    del environment
    settings = load_settings()
    if not settings.passive_model or not settings.passive_model_hash:
        raise EngineRefused("MOBILE_PASSIVE_MODEL and its SHA-256 are needed")
    path = Path(settings.passive_model)
    model = checked_model(path, settings.passive_model_hash.lower())
    engine = Engine(
        name="passive-onnx", version=version("onnxruntime"), models=(model,)
    )
    session = _opened(path.read_bytes(), model[1])
    check = OnnxPassiveCheck(engine, session, _size(session))
    width, height = check.size
    check.ask(np.zeros((height, width, 3), dtype=np.uint8))
    return check


def _opened(data: bytes, expected: str) -> Any:
    """Open the very bytes that were checked: the file may change meanwhile."""
    import onnxruntime  # noqa: PLC0415 - slow to import, and only when named

    if sha256(data).hexdigest() != expected:
        raise EngineRefused("the passive model changed while it was read")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        data, options, providers=["CPUExecutionProvider"]
    )


def _size(session: Any) -> tuple[int, int]:
    """Return width and height of the input; raises EngineRefused."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1 or inputs[0].type != "tensor(float)":
        raise EngineRefused("the passive model has other inputs or outputs")
    shape = inputs[0].shape
    if len(shape) != DIMENSIONS or shape[1] != 3:  # noqa: PLR2004 - red, green, blue
        raise EngineRefused("the passive model takes no 1 x 3 x height x width")
    height, width = shape[2:]
    for side in (width, height):
        if not isinstance(side, int) or not LEAST_SIDE <= side <= MOST_SIDE:
            raise EngineRefused("the passive model has no fixed size")
    return width, height


def _square(face: Face, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the face in the middle of a square, `MARGIN` times its longer side."""
    longer = max(face.right - face.left, face.bottom - face.top)
    side = longer * MARGIN
    x, y = (face.left + face.right) / 2, (face.top + face.bottom) / 2
    scale = np.array([size[0] / side, size[1] / side])
    shift = np.array(size) / 2 - scale * (x, y)
    turn = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    cut = cv2.warpAffine(
        face.picture.pixels, turn, size, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, dtype=np.uint8)
