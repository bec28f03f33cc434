"""Where speech begins and ends: Silero's detector, and a state machine on what it says."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .audio import RATE, Samples, silence, to_float
from .errors import ModelError
from .events import Ending

CHUNK = 512
"""Samples at 16 kHz (32 ms) for which the detector gives one probability."""

_CONTEXT = 64
"""Samples before each chunk that Silero v6 wants to hear again."""

_QUIET = 33
"""Peak of a chunk (of 32,768) below which it is near silence: a muted microphone, a good line."""

_FORGET_AFTER = 31
"""Chunks (1 s) of near silence after which the detector forgets what it heard.

Silence dulls its memory: after 10 s of it, a softly spoken word was missed that it finds at once
when it begins anew. Forgetting in louder pauses as well would make it take noise for speech.
"""

_PAUSE = 0.5
"""Probability below which a chunk can be part of a pause at which an utterance is split."""


class SileroVad:
    """Silero's voice activity detector (version 6, ONNX); one model for all streams."""

    def __init__(self, path: Path) -> None:
        """Raises `ModelError` ("model-missing", "model-corrupt")."""
        import onnxruntime

        if not path.is_file():
            raise ModelError(
                "model-missing",
                f"{path.name} is not installed; fetch it with: interpreter models fetch",
            )
        options = onnxruntime.SessionOptions()
        # A chunk takes a tenth of a millisecond; more threads would only wait for each other.
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no common root but this
            raise ModelError(
                "model-corrupt",
                f"{path.name} cannot be loaded; fetch it again with: interpreter models fetch",
            ) from error

    def stream(self) -> "VadStream":
        """A listener for one microphone."""
        return VadStream(self._session)


class VadStream:
    """One microphone's detector: the model is shared, what it remembers is not."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._h = np.zeros((1, 1, 128), np.float32)
        self._c = np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)
        self._rest: Samples = silence(0)
        self._quiet = 0
        """Chunks of near silence in a row."""

    def probabilities(self, samples: Samples) -> list[float]:
        """Probability of speech, 0..1, for each chunk completed by these samples at 16 kHz.

        Samples that do not fill a chunk are kept for the next call. Blocks; 0.1 ms a chunk.
        """
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // CHUNK
        self._rest = samples[whole * CHUNK :]
        if not whole:
            return []
        chunks = samples[: whole * CHUNK].reshape(whole, CHUNK)
        heard: list[float] = []
        begin = 0
        for index, peak in enumerate(np.abs(chunks.astype(np.int32)).max(axis=1)):
            self._quiet = self._quiet + 1 if peak < _QUIET else 0
            if self._quiet == _FORGET_AFTER:
                heard += self._run(chunks[begin : index + 1])
                begin, self._quiet = index + 1, 0
                self._h, self._c = np.zeros_like(self._h), np.zeros_like(self._c)
        return heard + self._run(chunks[begin:])

    def _run(self, chunks: Samples) -> list[float]:
        if not len(chunks):
            return []
        audio = to_float(chunks)
        contexts = np.vstack([self._context, audio[:-1, -_CONTEXT:]])
        self._context = audio[-1, -_CONTEXT:]
        heard, self._h, self._c = self._session.run(
            None, {"input": np.hstack([contexts, audio]), "h": self._h, "c": self._c}
        )
        return [float(probability) for probability in heard]


@dataclass(frozen=True, slots=True)
class Endpointing:
    """When speech counts as an utterance, and when as its end.

    Durations are rounded up to whole chunks of 32 ms, the longest utterance down.
    """

    threshold: float = 0.5
    """Probability from which a chunk is speech."""

    exit_threshold: float = 0.35
    """Within speech, the probability below which a chunk is none any more."""

    minimum_speech_seconds: float = 0.12
    """Shorter sounds are noises."""

    silence_seconds: float = 0.8
    """Silence that ends an utterance as long as nobody knows how its words sound: the recognizer is
    late, and what it will say then does not come sooner for a hasty end."""

    finished_seconds: float = 0.35
    """Silence that ends it after words that sound finished."""

    hesitation_seconds: float = 1.0
    """Silence that ends it after words that sound as if more were to come."""

    pre_roll_seconds: float = 0.3
    """Kept from before the speech: the detector is late at soft beginnings."""

    post_roll_seconds: float = 0.2
    """Kept from after it."""

    longest_seconds: float = 28.0
    """An utterance that gets longer is split at its best pause; Whisper hears 30 s at most."""

    def __post_init__(self) -> None:
        """Raises `ValueError` saying which settings do not go together."""
        if not 0 < self.exit_threshold <= self.threshold <= 1:
            raise ValueError("0 < exit_threshold <= threshold <= 1 is needed")
        durations = (
            self.minimum_speech_seconds,
            max(self.silence_seconds, self.hesitation_seconds),
            self.pre_roll_seconds,
            self.post_roll_seconds,
        )
        if min(durations) < 0:
            raise ValueError("durations of endpointing must not be negative")
        ends = (self.finished_seconds, self.silence_seconds, self.hesitation_seconds)
        if not 0 < min(ends) <= max(ends) <= 5:
            raise ValueError("silences that end an utterance must be above 0, and 5 s at most")
        if not sum(durations) + 0.1 <= self.longest_seconds <= 30:
            raise ValueError("longest_seconds must hold the other durations and be 30 at most")


@dataclass(frozen=True, slots=True)
class Started:
    """An utterance has begun, at that sample of the stream."""

    start: int


@dataclass(frozen=True, slots=True)
class Ended:
    """An utterance is complete; positions are samples since the stream began."""

    start: int
    end: int
    speech_end: int
    """Where the last speech in it ends."""

    ending: Ending


@dataclass(frozen=True, slots=True)
class Discarded:
    """What had begun held no speech: a button pressed in silence."""

    start: int


Edge = Started | Ended | Discarded


class _Chunk(NamedTuple):
    probability: float
    speech: bool


@dataclass(slots=True)
class _Open:
    """An utterance that has begun."""

    start: int
    chunks: list[_Chunk]
    """All since `start`."""

    speech_end: int | None
    """None until there was speech in it."""


class Segmenter:
    """Finds utterances in probabilities of speech.

    Pure: it reads no clock and runs no model, it counts chunks, and every position it gives is a
    whole number of them. With `push_to_talk` the button alone begins and ends utterances;
    otherwise speech and silence do.
    """

    def __init__(self, endpointing: Endpointing, *, push_to_talk: bool = False) -> None:
        self._settings = endpointing
        self._push_to_talk = push_to_talk
        self._open: _Open | None = None
        self._before: deque[_Chunk] = deque(maxlen=self._most_before())
        """What an utterance that begins now may take in: after the last one, and not too old."""

        self._run = 0
        """Chunks of speech in a row, up to the present."""

        self._enough = _chunks(endpointing.silence_seconds)
        """Chunks of silence that end the utterance, were the present pause to last."""

        self.position = 0
        """Samples of the stream so far."""

        self.whole_to = 0
        """Where an utterance that gets too long may be split at the earliest."""

    @property
    def keep_from(self) -> int:
        """Oldest sample that may still become part of an utterance."""
        if self._open:
            return self._open.start
        return self.position - len(self._before) * CHUNK

    @property
    def speech_end(self) -> int | None:
        """Where the last speech of the open utterance ends; None without."""
        return self._open.speech_end if self._open else None

    def be_patient(self, seconds: float) -> None:
        """How long the present pause has to last to end the utterance; until speech goes on."""
        self._enough = _chunks(seconds)

    def push(self, probability: float) -> list[Edge]:
        """The next chunk, and what it means."""
        self.position += CHUNK
        settings = self._settings
        speech = probability >= (settings.exit_threshold if self._run else settings.threshold)
        self._run = self._run + 1 if speech else 0
        chunk = _Chunk(probability, speech)
        if self._open:
            return self._go_on(self._open, chunk)
        self._before.append(chunk)
        if self._push_to_talk or self._run < self._least_speech():
            return []
        return [self._begin(self.position)]

    def press(self) -> list[Edge]:
        """The button went down at this position."""
        if self._open or not self._push_to_talk:
            return []
        # With the pre-roll: people start to speak while they press.
        return [self._begin(None)]

    def release(self) -> list[Edge]:
        """The button went up at this position."""
        return self._finish(Ending.BUTTON) if self._push_to_talk else []

    def forget(self) -> None:
        """What is open and what came before counts no more; the next utterance begins anew."""
        self._open, self._run = None, 0
        self._before.clear()

    def finish(self) -> list[Edge]:
        """The stream is over."""
        return self._finish(Ending.HANG_UP)

    def _begin(self, speech_end: int | None) -> Started:
        self._enough = _chunks(self._settings.silence_seconds)
        self._open = _Open(self.keep_from, list(self._before), speech_end)
        self._before.clear()
        return Started(self._open.start)

    def _go_on(self, utterance: _Open, chunk: _Chunk) -> list[Edge]:
        utterance.chunks.append(chunk)
        if chunk.speech:
            utterance.speech_end = self.position
            self._enough = _chunks(self._settings.silence_seconds)
        elif not self._push_to_talk and utterance.speech_end is not None:
            quiet = self.position - utterance.speech_end
            if quiet >= self._enough * CHUNK:
                return [self._close(utterance, Ending.SILENCE)]
        if len(utterance.chunks) >= int(self._settings.longest_seconds * RATE) // CHUNK:
            return self._split(utterance)
        return []

    def _finish(self, ending: Ending) -> list[Edge]:
        return [self._close(self._open, ending)] if self._open else []

    def _close(self, utterance: _Open, ending: Ending) -> Edge:
        self._open, self._run = None, 0
        if utterance.speech_end is None:
            return Discarded(utterance.start)
        end = self.position
        if ending is not Ending.BUTTON:
            post_roll = _chunks(self._settings.post_roll_seconds) * CHUNK
            end = min(end, utterance.speech_end + post_roll)
        self._before.extend(utterance.chunks[(end - utterance.start) // CHUNK :])
        return Ended(utterance.start, end, utterance.speech_end, ending)

    def _split(self, utterance: _Open) -> list[Edge]:
        """End at the best pause of the second half; what comes after begins the next one."""
        least = math.ceil((self.whole_to - utterance.start) / CHUNK)
        at = _best_pause([chunk.probability for chunk in utterance.chunks], least)
        first, rest = utterance.chunks[:at], utterance.chunks[at:]
        middle = utterance.start + at * CHUNK
        edges: list[Edge] = [Discarded(utterance.start)]
        if spoken := _spoken(first):
            speech_end = utterance.start + spoken * CHUNK
            edges = [Ended(utterance.start, middle, speech_end, Ending.LENGTH)]
        self._open = None
        spoken = _spoken(rest)
        if spoken or self._push_to_talk:
            speech_end_after = middle + spoken * CHUNK if spoken else None
            self._open = _Open(middle, rest, speech_end_after)
            edges.append(Started(middle))
        else:
            self._before.extend(rest)
        return edges

    def _least_speech(self) -> int:
        return max(1, _chunks(self._settings.minimum_speech_seconds))

    def _most_before(self) -> int:
        pre_roll = _chunks(self._settings.pre_roll_seconds)
        return pre_roll if self._push_to_talk else pre_roll + self._least_speech()


def _spoken(chunks: Sequence[_Chunk]) -> int:
    """Number of chunks up to the end of the last speech in them; 0 where there is none."""
    return max((number for number, chunk in enumerate(chunks, 1) if chunk.speech), default=0)


def _best_pause(probabilities: Sequence[float], least: int) -> int:
    """Number of chunks before the middle of the longest, deepest pause of the second half.

    It is never before the `least`. Pauses are weighed by their length in chunks and how surely they
    are silence; of equal ones the later wins, since then more of what belongs together stays
    together.
    """
    half = min(max(1, len(probabilities) // 2, least), len(probabilities) - 1)
    best, best_weight, weight, begin = half, 0.0, 0.0, half
    for index in range(half, len(probabilities)):
        if probabilities[index] < _PAUSE:
            weight += _PAUSE - probabilities[index]
            if weight >= best_weight:
                best, best_weight = (begin + index + 1) // 2, weight
        else:
            weight, begin = 0.0, index + 1
    if best_weight == 0.0:  # no pause at all: where the detector was least sure
        best = min(range(half, len(probabilities)), key=lambda i: (probabilities[i], -i))
    return best


def _chunks(seconds: float) -> int:
    return math.ceil(round(seconds * RATE) / CHUNK)
