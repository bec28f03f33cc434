"""When a listener without a loudspeaker would have heard what: arithmetic, no sound, no clock."""


class PlaybackClock:
    """Plays everything in order and in real time; times are the caller's, in seconds."""

    def __init__(self) -> None:
        self.ends = 0.0
        """When all that came so far will have been played."""

        self._pieces: dict[int, list[tuple[float, float]]] = {}

    def add(self, utterance: int, seconds: float, now: float) -> None:
        """A piece of a voice came; it plays at once, or after what still plays."""
        start = max(now, self.ends)
        self.ends = start + seconds
        self._pieces.setdefault(utterance, []).append((start, seconds))

    def played(self, now: float) -> dict[int, float]:
        """Seconds played until now, of each utterance."""
        return {
            utterance: sum(min(max(0.0, now - start), seconds) for start, seconds in pieces)
            for utterance, pieces in self._pieces.items()
        }
