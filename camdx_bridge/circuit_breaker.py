"""A circuit breaker: a service that keeps failing is left alone for a while.

    closed --failures in a row--> open --time--> half open --success--> closed
                                                 half open --failure--> open

Half open lets one question through; others are refused until its outcome is known.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from camdx_bridge.errors import BridgeError, CircuitOpen


class CircuitBreaker:
    """Counts failures in a row of one service; times in seconds of `clock`."""

    def __init__(
        self, *, failures: int, open_for_s: float, clock: Callable[[], float]
    ) -> None:
        self._allowed = failures
        self._open_for_s = open_for_s
        self._clock = clock
        self._failed = 0
        self._opened_at: float | None = None
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether questions are refused, but for one probe when the time is up."""
        return self._opened_at is not None

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Let one question through and learn from its outcome, or raise CircuitOpen."""
        probing = self._admit()
        try:
            yield
        except BridgeError as error:
            self._learn(failed=error.is_temporary)
            raise
        else:
            self._learn(failed=False)
        finally:
            # A cancelled probe teaches nothing, but must make room for the next.
            if probing:
                self._is_probing = False

    def _admit(self) -> bool:
        if self._opened_at is None:
            return False
        left = self._opened_at + self._open_for_s - self._clock()
        if left > 0 or self._is_probing:
            raise CircuitOpen(retry_after_s=max(left, 0.0))
        self._is_probing = True
        return True

    def _learn(self, *, failed: bool) -> None:
        if not failed:
            self._failed, self._opened_at = 0, None
            return
        self._failed += 1
        if self._failed >= self._allowed:
            self._opened_at = self._clock()
