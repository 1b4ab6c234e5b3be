"""The breaker: a failing service is left alone, then tried once."""

from collections.abc import Callable

import pytest

from camdx_bridge import BridgeError, CircuitBreaker, CircuitOpen, Misuse, TimedOut


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def breaker(time: Time) -> CircuitBreaker:
    return CircuitBreaker(failures=2, open_for_s=30, clock=time)


def ask(
    breaker: CircuitBreaker, error: Callable[[], BridgeError] | None = None
) -> None:
    with breaker.watch():
        if error is not None:
            raise error()


def fail(breaker: CircuitBreaker) -> None:
    with pytest.raises(TimedOut):
        ask(breaker, lambda: TimedOut("late"))


def test_failures_in_a_row_open_it(breaker: CircuitBreaker, time: Time) -> None:
    fail(breaker)
    ask(breaker)
    fail(breaker)
    assert not breaker.is_open
    fail(breaker)
    time.now += 10
    with pytest.raises(CircuitOpen) as refused:
        ask(breaker)
    assert refused.value.retry_after_s == 20


def test_a_lasting_refusal_is_no_failure(breaker: CircuitBreaker) -> None:
    for _ in range(3):
        with pytest.raises(Misuse):
            ask(breaker, lambda: Misuse("wrong"))
    assert not breaker.is_open


def test_half_open_lets_one_through(breaker: CircuitBreaker, time: Time) -> None:
    fail(breaker)
    fail(breaker)
    time.now += 30
    with breaker.watch(), pytest.raises(CircuitOpen):
        ask(breaker)
    assert not breaker.is_open


def test_a_failed_probe_opens_it_again(breaker: CircuitBreaker, time: Time) -> None:
    fail(breaker)
    fail(breaker)
    time.now += 30
    fail(breaker)
    time.now += 29
    with pytest.raises(CircuitOpen):
        ask(breaker)


def test_an_abandoned_probe_makes_room(breaker: CircuitBreaker, time: Time) -> None:
    fail(breaker)
    fail(breaker)
    time.now += 30
    with pytest.raises(KeyboardInterrupt), breaker.watch():
        raise KeyboardInterrupt
    assert breaker.is_open
    ask(breaker)
    assert not breaker.is_open
