"""When an engine that fails again and again is left alone, and when it is tried again."""

import time
from collections.abc import Callable

_FAILURES = 3
"""In a row; one may be bad luck, and every further one is time that somebody waits."""

_REST_SECONDS = 10.0
_LONGEST_REST_SECONDS = 300.0


class Breaker:
    """The circuit breaker of Michael Nygard's "Release It!" for one engine.

    After three failures in a row the engine rests; then one call may try, and if that fails too it
    rests twice as long. `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._rest_seconds = _REST_SECONDS
        self._rests_until = 0.0

    @property
    def resting(self) -> bool:
        """Whether it should be left alone for now."""
        return self._clock() < self._rests_until

    def failed(self) -> None:
        """It did not answer, or too late."""
        self._failures += 1
        if self._failures >= _FAILURES:
            self._rests_until = self._clock() + self._rest_seconds
            self._rest_seconds = min(2 * self._rest_seconds, _LONGEST_REST_SECONDS)

    def succeeded(self) -> None:
        """It answered; whether the answer was any good is not asked here."""
        self._failures = 0
        self._rest_seconds = _REST_SECONDS
        self._rests_until = 0.0
