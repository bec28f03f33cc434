"""What a microphone must not hear: the service's own voice out of the loudspeaker beside it.

Two lines of defence. Sound that arrives while the loudspeaker plays, and a moment longer, is not
listened to. A text that is what was just spoken all the same is no answer.

Pure: it reads no clock; times are the caller's, in monotonic seconds.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from .events import Event, SpeechChunk, SpeechEnded
from .sentences import bare_words

_LATE_SECONDS = 0.4
"""How late a client may begin to play, or stop, as long as no report tells."""

_TAIL_SECONDS = 0.3
"""For the room to become quiet, and for what the reports do not tell of a client's buffers.

In simulated rooms with 0.3 to 1.2 s of reverberation, the loudspeaker as loud as a person or 10 or
20 dB softer, 0.2 s were enough: for voices cut in the middle of a word, for reports every 0.5 s
that arrive 0.3 s late, and for clients that report nothing. A client that begins to play 1 s late
needs 0.3 s.
"""

_REMEMBERED_SECONDS = 10.0
"""How long after its end a voice may come back as text."""

_MOST_VOICES = 32

_LEAST_WORDS = 5
"""Shorter texts are answers: "yes", "Friday at twelve", "thank you very much"."""

_ALIKE = 65.0
"""Similarity, of 100, from which two words count as one that was heard wrongly."""

_REPEATED = 0.85
"""Share of a text's words that were spoken, in that order, from which it is an echo.

Measured on 78 texts that Whisper base made of echoes (20 and 30 dB down; whole voices and parts)
and 67 answers that take up words of the question: 39 of the echoes were found and 1 of the answers
was lost, which was the question itself said again. By letters instead of words, "Yes, I have lived
here for five years" is the echo of "Have you lived here for five years?": similarity 0.6 found 48
echoes, and lost 23 answers.
"""


@dataclass(slots=True)
class _Voice:
    """The voice of one utterance; all in seconds."""

    text: str = ""
    sent: float = 0.0
    out: float = 0.0
    """What has come out of the loudspeaker, as far as is known."""

    reported: float = 0.0
    """The client's latest count."""

    before: float = 0.0
    """What had come out when that count began; some clients count anew when a voice is repeated."""

    latest: float = 0.0
    """Moment at which it was last spoken or heard."""

    @property
    def waiting(self) -> float:
        return max(0.0, self.sent - self.out)


@dataclass(slots=True)
class _Span:
    """A stretch of time in which the loudspeaker plays."""

    begin: float
    end: float


class EchoGuard:
    """One connection whose loudspeaker is heard by its own microphone.

    What is sent is taken to be played in order and in real time, until the client's reports tell
    better; so the loudspeaker falls silent in the end, whatever is reported or not.
    """

    def __init__(self) -> None:
        self._voices: dict[int, _Voice] = {}
        """In the order in which they are played."""

        self._known = 0.0
        """Moment for which `_Voice.out` holds."""

        self._spans: deque[_Span] = deque(maxlen=16)
        """The past ones too: sound waits before it is asked about."""

    def take(self, event: Event, at: float) -> None:
        """What was just sent to the connection."""
        match event:
            case SpeechChunk():
                self.sent(event.utterance, len(event.samples) / event.rate, at)
            case SpeechEnded():
                self.spoke(event.utterance, event.text, at)
                if event.stopped:
                    self.stopped(event.utterance, at)

    def spoke(self, utterance: int, text: str, at: float) -> None:
        """This is what the voice of an utterance says; the text may have grown."""
        voice = self._voice(utterance)
        voice.text, voice.latest = text, at

    def sent(self, utterance: int, seconds: float, at: float) -> None:
        """So much voice was sent to the client."""
        self._advance(at)
        self._known = max(self._known, at + _LATE_SECONDS - self._waiting)
        voice = self._voice(utterance)
        if not voice.waiting:  # new, or said again
            self._voices[utterance] = self._voices.pop(utterance)
        voice.sent += seconds
        self._plan(at)

    def stopped(self, utterance: int, at: float) -> None:
        """The rest of that voice will not be played."""
        if voice := self._voices.get(utterance):
            self._advance(at)
            voice.sent = min(voice.sent, voice.out + _LATE_SECONDS)
            self._plan(at)

    def played(self, utterance: int, seconds: float, at: float) -> None:
        """The client reports how much of that voice has come out so far.

        A count that does not grow says nothing new: the loudspeaker may be paused, and must not be
        waited for.
        """
        voice = self._voices.get(utterance)
        if voice is None or voice.reported / 2 <= seconds <= voice.reported:
            return
        self._advance(at)
        if seconds < voice.reported:
            voice.before += voice.reported
        voice.reported = seconds
        voice.out = min(voice.before + seconds, voice.sent)
        voice.latest = at
        numbers = list(self._voices)
        for later in numbers[numbers.index(utterance) + 1 :]:
            waits = self._voices[later]
            waits.out = min(waits.out, waits.before + waits.reported)
        self._known = at
        self._plan(at)

    def sounds(self, at: float) -> bool:
        """Whether sound that arrived at that moment may hold what the loudspeaker plays."""
        return any(span.begin <= at < span.end + _TAIL_SECONDS for span in self._spans)

    def repeats(self, text: str, at: float) -> bool:
        """Whether this text, heard at that moment, is what was just spoken, or a part of it."""
        self._advance(at)
        words = bare_words(text)
        if len(words) < _LEAST_WORDS:
            return False
        spoken: list[str] = []
        for voice in self._voices.values():
            if voice.waiting or at - voice.latest <= _REMEMBERED_SECONDS:
                spoken += bare_words(voice.text)
        return _common(words, spoken) >= _REPEATED * len(words)

    @property
    def _waiting(self) -> float:
        return sum(voice.waiting for voice in self._voices.values())

    def _voice(self, utterance: int) -> _Voice:
        if utterance not in self._voices:
            while len(self._voices) >= _MOST_VOICES:
                del self._voices[next(iter(self._voices))]
            self._voices[utterance] = _Voice()
        return self._voices[utterance]

    def _advance(self, at: float) -> None:
        """Play up to that moment."""
        left = at - self._known
        if left <= 0:
            return
        for voice in self._voices.values():
            if step := min(left, voice.waiting):
                voice.out += step
                left -= step
                voice.latest = at - left
        self._known = at

    def _plan(self, at: float) -> None:
        """When the loudspeaker will fall silent, after something has changed at that moment."""
        waiting = self._waiting
        end = self._known + waiting
        if self._spans and at < self._spans[-1].end + _TAIL_SECONDS:
            self._spans[-1].end = end
        elif waiting:
            self._spans.append(_Span(at, end))


def _common(words: Sequence[str], spoken: Sequence[str]) -> int:
    """How many of the words were spoken, in that order; some may have been heard wrongly."""
    row = [0] * (len(spoken) + 1)
    for word in words:
        before = row
        row = [0]
        for place, other in enumerate(spoken):
            same = before[place] + 1 if fuzz.ratio(word, other) >= _ALIKE else 0
            row.append(max(same, before[place + 1], row[place]))
    return row[-1]
