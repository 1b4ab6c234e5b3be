"""The calls of a living face: what is told, and whether a clip follows it."""

import io
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from mobile_api.clips import Clip, Frame, read_clip, write_clip
from tests.unit.citizen_app.fake_checks import Refused

ACTIONS = {"turn_left", "turn_right", "blink", "smile", "nod"}


@dataclass(slots=True)
class FakeFaces:
    """Tells short scripts and keeps the clips that came. `told` is the last one."""

    steps: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"action": "turn_left", "hold_ms": 500},
            {"action": "blink", "hold_ms": 500},
        ]
    )
    neutral_ms: int = 400
    attempts_left: int = 5
    told: dict[str, Any] = field(default_factory=dict)
    clips: list[Clip] = field(default_factory=list)

    def tell(self) -> dict[str, Any]:
        """Answer POST …/liveness."""
        self.told = {
            "session": secrets.token_urlsafe(16),
            "steps": self.steps,
            "neutral_ms": self.neutral_ms,
            "frames_per_second": 10,
            "expires_at": int(time.time()) + 60,
        }
        return self.told

    def take(self, data: bytes) -> None:
        """Take a clip of the session that was told last, once."""
        clip = read_clip(data)
        session = self.told.pop("session", None)
        if clip.session != session:
            over = ["liveness-over"]
            raise Refused(422, "evidence-insufficient", advice=over)
        self.clips.append(clip)

    def refuse(self, *advice: str) -> Refused:
        """Spend a try."""
        self.attempts_left -= 1
        left = self.attempts_left
        members = {"advice": list(advice), "attempts_left": left}
        return Refused(422, "evidence-insufficient", **members)


def drawn(body: dict[str, Any]) -> bytes:
    """Answer a film of nobody, at once, as a development installation does."""
    assert set(body) == {"session", "steps", "neutral_ms", "frames_per_second"}
    assert {step["action"] for step in body["steps"]} <= ACTIONS
    made = io.BytesIO()
    Image.new("RGB", (48, 64), "grey").save(made, "JPEG")
    frames = (
        Frame(at=100 * n, step=min(n // 2, 3), picture=made.getvalue())
        for n in range(9)
    )
    clip = Clip(session=body["session"], mirrored=False, frames=tuple(frames))
    return write_clip(clip)
