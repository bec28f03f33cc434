"""Whether the machine keeps up, and who has had how much of it. Pure: times are the caller's."""

from collections import deque

_LATE_SECONDS = 1.0
"""An urgent call that waited longer before it began: somebody noticed."""

_MANY = 3
_WITHIN_SECONDS = 10.0
"""So many late calls within so long: it is no accident any more."""

_CALM_SECONDS = 5.0
_PROMPT_SECONDS = 0.3
"""Without a call that waited longer than this, for so long, the machine has recovered."""

_HALF_LIFE_SECONDS = 10.0
"""After which half of what a conversation has used is forgotten."""

_MOST_SHARES = 256


class Load:
    """Tells from the waits of urgent calls whether there is more to do than can be done."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=_MANY)
        """When the latest late calls began."""

        self._calm_since = 0.0
        self._behind = False

    def began(self, waited: float, now: float) -> None:
        """An urgent call began after so many seconds."""
        if waited > _PROMPT_SECONDS:
            self._calm_since = now
        if waited > _LATE_SECONDS:
            self._late.append(now)
            if len(self._late) == _MANY and now - self._late[0] <= _WITHIN_SECONDS:
                self._behind = True

    def behind(self, longest_wait: float, now: float) -> bool:
        """Whether the machine is behind, the oldest urgent call having waited so long by now."""
        if longest_wait > _PROMPT_SECONDS:
            self._calm_since = now
        if longest_wait > _MANY * _LATE_SECONDS:
            self._behind = True
        if self._behind and now - self._calm_since >= _CALM_SECONDS:
            self._behind = False
            self._late.clear()
        return self._behind


class Shares:
    """How much processor time each conversation has had lately.

    Decayed usage, as in the decay-usage schedulers of Unix (Hellerstein, "Achieving service rate
    objectives with decay usage scheduling", 1993): who has used least is served next.
    """

    def __init__(self) -> None:
        self._used: dict[str, tuple[float, float]] = {}
        """Seconds, and the moment at which they were counted."""

    def used(self, conversation: str, now: float) -> float:
        """Seconds, of which half are forgotten every 10 s."""
        seconds, at = self._used.get(conversation, (0.0, now))
        return float(seconds * 0.5 ** ((now - at) / _HALF_LIFE_SECONDS))

    def add(self, conversation: str, seconds: float, now: float) -> None:
        """It has had so much more."""
        self._used[conversation] = (self.used(conversation, now) + seconds, now)
        if len(self._used) > _MOST_SHARES:
            # A copy of the names, since workers of another device add to them meanwhile.
            least = min(list(self._used), key=lambda name: self.used(name, now))
            self._used.pop(least, None)
