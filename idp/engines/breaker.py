"""A provider that fails is left alone for a while, then tried by one message."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

FAILURES: Final = 5  # in a row
PAUSE: Final = 30.0  # seconds


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row of one provider; times in seconds of `clock`."""

    clock: Callable[[], float] = monotonic
    failures: int = 0
    tried_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the provider is left alone, or somebody is trying it just now."""
        if self.failures < FAILURES:
            return False
        return self.clock() - self.tried_at < PAUSE

    def begin(self) -> None:
        """Note a try; while the breaker is open, the next one waits a pause."""
        self.tried_at = self.clock()

    def note(self, *, is_fine: bool) -> None:
        """Learn from a try's end."""
        self.failures = 0 if is_fine else self.failures + 1
