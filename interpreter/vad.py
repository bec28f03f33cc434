"""Where speech begins and ends: Silero's detector, and a state machine on what it says."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .audio import RATE, Samples, silence, to_float
from .errors import ModelError
from .events import Ending

CHUNK = 512
"""Samples at 16 kHz (32 ms) for which the detector gives one probability."""

_CONTEXT = 64
"""Samples before each chunk that Silero v6 wants to hear again."""


class SileroVad:
    """Silero's voice activity detector (version 6, ONNX); one model for all streams."""

    def __init__(self, path: Path) -> None:
        """Raises `ModelError` ("model-missing", "model-corrupt")."""
        import onnxruntime

        if not path.is_file():
            raise ModelError("model-missing", f"{path.name} is not installed: run scripts/setup")
        options = onnxruntime.SessionOptions()
        # A chunk takes a fifth of a millisecond; more threads would only wait for each other.
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no common root but this
            raise ModelError("model-corrupt", f"{path.name}: {type(error).__name__}") from error

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

    def probabilities(self, samples: Samples) -> list[float]:
        """Probability of speech, 0..1, for each chunk completed by these samples at 16 kHz.

        Samples that do not fill a chunk are kept for the next call. Blocks; 0.2 ms a chunk.
        """
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // CHUNK
        self._rest = samples[whole * CHUNK :]
        if not whole:
            return []
        chunks = to_float(samples[: whole * CHUNK]).reshape(whole, CHUNK)
        contexts = np.vstack([self._context, chunks[:-1, -_CONTEXT:]])
        self._context = chunks[-1, -_CONTEXT:]
        heard: npt.NDArray[np.float32]
        heard, self._h, self._c = self._session.run(
            None, {"input": np.hstack([contexts, chunks]), "h": self._h, "c": self._c}
        )
        return [float(probability) for probability in heard]


@dataclass(frozen=True, slots=True)
class Endpointing:
    """When speech counts as an utterance, and when as its end."""

    threshold: float = 0.5
    """Probability from which a chunk is speech."""

    exit_threshold: float = 0.35
    """Within speech, the probability below which a chunk is none any more."""

    minimum_speech_seconds: float = 0.12
    """Shorter sounds are noises."""

    silence_seconds: float = 0.5
    """Silence that ends an utterance."""

    pre_roll_seconds: float = 0.3
    """Kept from before the speech: the detector is late at soft beginnings."""

    post_roll_seconds: float = 0.2
    """Kept from after it."""

    longest_seconds: float = 28.0
    """An utterance that gets longer is split at its best pause; Whisper hears 30 s at most."""


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


@dataclass(slots=True)
class _Open:
    """An utterance that has begun."""

    start: int
    speech_end: int | None
    """None until there was speech in it."""

    probabilities: list[float] = field(default_factory=list)
    """One a chunk since `start`, for finding the best pause."""


class Segmenter:
    """Finds utterances in probabilities of speech.

    Pure: it reads no clock and runs no model, it counts chunks. With `push_to_talk` the button
    alone begins and ends utterances; otherwise speech and silence do.
    """

    def __init__(self, endpointing: Endpointing, *, push_to_talk: bool = False) -> None:
        self._settings = endpointing
        self._push_to_talk = push_to_talk
        self._open: _Open | None = None
        self._run = 0
        """Chunks of speech in a row before an utterance begins."""

        self._inside = False
        """Whether the last chunk was speech."""

        self.position = 0
        """Samples of the stream so far."""

        self._free = 0
        """End of the last utterance: what lies before it is not heard twice."""

    @property
    def keep_from(self) -> int:
        """Oldest sample that may still become part of an utterance."""
        if self._open:
            return self._open.start
        back = _samples(self._settings.pre_roll_seconds) + self._run * CHUNK
        return max(self._free, self.position - back)

    def push(self, probability: float) -> list[Edge]:
        """The next chunk, and what it means."""
        self.position += CHUNK
        limit = self._settings.exit_threshold if self._inside else self._settings.threshold
        self._inside = probability >= limit
        self._run = self._run + 1 if self._inside else 0
        if self._open:
            return self._go_on(self._open, probability)
        if self._push_to_talk or self._run * CHUNK < _samples(
            self._settings.minimum_speech_seconds
        ):
            return []
        return [self._begin(self.keep_from, self.position)]

    def press(self) -> list[Edge]:
        """The button went down at this position."""
        if self._open or not self._push_to_talk:
            return []
        self._run = 0
        # People start to speak while they press.
        return [self._begin(self.keep_from, None)]

    def release(self) -> list[Edge]:
        """The button went up at this position."""
        return self._finish(Ending.BUTTON) if self._push_to_talk else []

    def finish(self) -> list[Edge]:
        """The stream is over."""
        return self._finish(Ending.HANG_UP)

    def _begin(self, start: int, speech_end: int | None) -> Started:
        held = (self.position - start) // CHUNK
        self._open = _Open(start, speech_end, [1.0] * held)
        return Started(start)

    def _go_on(self, utterance: _Open, probability: float) -> list[Edge]:
        utterance.probabilities.append(probability)
        if self._inside:
            utterance.speech_end = self.position
        elif not self._push_to_talk and utterance.speech_end is not None:
            quiet = self.position - utterance.speech_end
            if quiet >= _samples(self._settings.silence_seconds):
                return [self._close(utterance, Ending.SILENCE)]
        if self.position - utterance.start >= _samples(self._settings.longest_seconds) - CHUNK:
            return self._split(utterance)
        return []

    def _finish(self, ending: Ending) -> list[Edge]:
        return [self._close(self._open, ending)] if self._open else []

    def _close(self, utterance: _Open, ending: Ending) -> Edge:
        self._open, self._run, self._inside = None, 0, False
        if utterance.speech_end is None:
            self._free = self.position
            return Discarded(utterance.start)
        end = self.position
        if ending is not Ending.BUTTON:
            end = min(end, utterance.speech_end + _samples(self._settings.post_roll_seconds))
        self._free = end
        return Ended(utterance.start, end, utterance.speech_end, ending)

    def _split(self, utterance: _Open) -> list[Edge]:
        """End at the best pause of the second half; what comes after begins the next one."""
        heard = utterance.probabilities
        at = utterance.start + _best_pause(heard) * CHUNK
        if utterance.speech_end is None:
            at = self.position
        before: Edge = Discarded(utterance.start)
        if utterance.speech_end is not None:
            before = Ended(utterance.start, at, self._speech_end(utterance, at), Ending.LENGTH)
        speech_after = utterance.speech_end is not None and utterance.speech_end > at
        self._open, self._free = None, at
        if not (speech_after or self._push_to_talk):
            return [before]
        self._open = _Open(
            at,
            utterance.speech_end if speech_after else None,
            heard[(at - utterance.start) // CHUNK :],
        )
        return [before, Started(at)]

    def _speech_end(self, utterance: _Open, at: int) -> int:
        """End of the last speech in an utterance that is cut at that position."""
        for index in range((at - utterance.start) // CHUNK, 0, -1):
            if utterance.probabilities[index - 1] >= self._settings.exit_threshold:
                return utterance.start + index * CHUNK
        return at


def _best_pause(probabilities: list[float]) -> int:
    """Index of the chunk in the middle of the longest, deepest pause of the second half.

    Pauses are weighed by their length in chunks and how surely they are silence; of equal ones the
    later wins, since then more of what belongs together stays together.
    """
    half = len(probabilities) // 2
    best, best_weight, weight = len(probabilities) - 1, 0.0, 0.0
    begin = half
    for index in range(half, len(probabilities)):
        if probabilities[index] < 0.5:
            weight += 0.5 - probabilities[index]
            if weight >= best_weight:
                best, best_weight = (begin + index + 1) // 2, weight
        else:
            weight, begin = 0.0, index + 1
    if best_weight == 0.0:  # no pause at all: where the detector was least sure
        rest = probabilities[half:]
        best = half + max(i for i, value in enumerate(rest) if value == min(rest))
    return max(best, 1)


def _samples(seconds: float) -> int:
    return round(seconds * RATE)
