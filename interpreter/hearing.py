"""One utterance while it is spoken: words that grow, and what is made ready for its end.

samples so far -> recognition again and again -> partial transcripts -> final transcript
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from .asr import Hypothesis, Recognizer
from .asr.agreement import Agreement
from .asr.firewall import reason_to_drop
from .audio import RATE, Samples
from .echo import EchoGuard
from .errors import BusyError, InterpreterError
from .events import Ending, Event, Failure, Notice, Party, Transcript, Word
from .sentences import sounds_finished
from .speaker import SpeakerChoice, certain, settle
from .stopwatch import Stopwatch
from .utterance import Utterance
from .vad import CHUNK, Endpointing
from .work import Priority

_PAUSE = 3 * CHUNK
"""Samples of silence (0.1 s) after which everything is made ready as if the speaker had finished.

Most pauses within a sentence are shorter, and the recognizer needs no more."""

_FIRST_PARTIAL = RATE
"""Samples from the utterance's start, with some silence in them: less would be guesswork."""

_PARTIAL = RATE // 2
"""Samples between two looks at what is being said. They take half of the time of two cores; where
more people speak, the scheduler refuses what comes late."""

_SURE_LANGUAGE = 0.8
"""Probability of a language from which words are committed in it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a microphone needs of its conversation."""

    emit: Callable[[Event], None]
    next_utterance: Callable[[], int]
    languages: Callable[[], Mapping[Party, str]]
    follow: Callable[[Transcript], None]
    """Takes a partial transcript on to translation; never waits."""

    prepare: Callable[[Transcript], None]
    """The speaker may have finished with these words: translation and voice are made ready."""

    withdraw: Callable[[int], None]
    """The speaker goes on; what was made ready for that utterance is thrown away."""

    deliver: Callable[[Transcript], Awaitable[None]]
    """Takes a final transcript on to translation; waits while that is behind."""

    keep_sound: Callable[[int, Samples], None] | None
    """Keeps what was said for a while, where it may turn out that somebody else said it."""

    hotwords: Callable[[Collection[str]], Sequence[str]]
    """What the office has people say in any of these languages, the most important first."""

    speaker: SpeakerChoice
    guard: EchoGuard | None
    """Knows what a loudspeaker beside the microphone plays; None where there is none."""

    stopwatch: Stopwatch


@dataclass(frozen=True, slots=True)
class _Pause:
    """What had been said when the speaker paused."""

    speech_end: int
    heard: Hypothesis


class Hearing:
    """Recognises one utterance as it grows; positions are samples of the microphone's stream."""

    def __init__(
        self,
        number: int,
        party: Party | None,
        start: int,
        recognizer: Recognizer,
        around: Surroundings,
    ) -> None:
        self.number = number
        self.party = party
        self.start = start
        self._recognizer = recognizer
        self._around = around
        self._agreement = Agreement()
        self._language: str | None = None
        """Of the words so far, once that is sure."""

        self._latest: Hypothesis | None = None
        """That begins with what is committed."""

        self._shown = ""
        self._revision = 0
        self._looked_at = start + _FIRST_PARTIAL - _PARTIAL
        self._pause: _Pause | None = None
        self._prepared: int | None = None
        """End of the speech for which translation and voice are being made ready."""

        self._look: asyncio.Task[None] | None = None
        self._looks_to: int | None = None
        """End of the speech that the present look hears whole; None if there is more to come."""

    def attend(self, now: int, speech_end: int, sound: Callable[[], Samples]) -> None:
        """Sound has come; look at all of it where that is due. Never waits."""
        if self._prepared not in (None, speech_end):
            self._withdraw()
        if self._looking():
            return
        if now - speech_end >= _PAUSE:
            if self._pause is None or self._pause.speech_end != speech_end:
                self._begin(sound(), speech_end)
        elif now == speech_end and now - self._looked_at >= _PARTIAL:
            self._looked_at = now
            self._begin(sound(), None)

    @property
    def committed_to(self) -> int:
        """Where in the stream the last word ends that will not change any more."""
        return self.start + round(self._agreement.seconds * RATE)

    def patience(self, speech_end: int, endpointing: Endpointing) -> float | None:
        """Seconds of silence that end it after the words so far; None if they are not known yet."""
        if self._pause is None or self._pause.speech_end != speech_end:
            return None
        heard = self._pause.heard
        finished = sounds_finished(heard.text, heard.language)
        return endpointing.finished_seconds if finished else endpointing.hesitation_seconds

    async def finish(self, utterance: Utterance, speech_end: int) -> None:
        """All has been said: emit and deliver the final transcript. Raises `InterpreterError`."""
        try:
            heard = await self._hear_out(utterance.samples, speech_end)
        except InterpreterError as error:
            if self._latest is None or not self._agreement.committed:
                raise
            # What is certain was said all the same.
            self._around.emit(Failure(error.code, error.retryable, self.number, self.party))
            heard = self._as_committed(self._latest)
        if dropped := self._reason_to_drop(heard):
            self._withdraw()
            self._around.emit(Notice(dropped, self.number, self.party))
            return
        if self._around.keep_sound:
            self._around.keep_sound(self.number, utterance.samples)
        final = self._transcript(heard, ending=utterance.ending)
        self._around.stopwatch.lap(self.number, "transcript")
        self._around.emit(final)
        await self._around.deliver(final)

    def abandon(self) -> None:
        """There was no utterance after all, or its conversation is over."""
        if self._look:
            self._look.cancel()
        self._withdraw()

    def _looking(self) -> bool:
        """Whether a look is going on; raises what broke the last one."""
        if self._look is None or not self._look.done():
            return self._look is not None
        if not self._look.cancelled():
            self._look.result()
        self._look = None
        return False

    def _begin(self, sound: Samples, speech_end: int | None) -> None:
        self._looks_to = speech_end
        self._look = asyncio.create_task(self._look_at(sound, speech_end))

    async def _look_at(self, sound: Samples, speech_end: int | None) -> None:
        paused = speech_end is not None
        try:
            heard = await self._recognize(sound, draft=not paused, priority=Priority.PARTIAL)
        except BusyError:
            return  # late; with the next sound it is tried again
        except InterpreterError:
            # The final transcript will tell what is wrong, if it still is.
            heard = None
        if speech_end is not None and heard:
            self._pause = _Pause(speech_end, heard)
        if heard is None or self._reason_to_drop(heard, growing=True) or _stutters(heard.words):
            return
        if not self._agree(heard, sound):
            return
        words = self._transcript(heard)
        if words.text != self._shown:
            self._shown, self._revision = words.text, words.revision
            self._around.emit(words)
            self._around.follow(words)
        if paused:
            self._prepared = speech_end
            self._around.prepare(words)

    async def _hear_out(self, sound: Samples, speech_end: int) -> Hypothesis:
        """The hypothesis that counts in the end; most often there is one already."""
        if self._look and self._looks_to == speech_end:
            await asyncio.wait([self._look])
            self._looking()
        elif self._look:
            self._look.cancel()
        if self._pause and self._pause.speech_end == speech_end:
            return self._pause.heard
        return await self._recognize(sound, draft=False, priority=Priority.FINAL)

    async def _recognize(self, sound: Samples, *, draft: bool, priority: Priority) -> Hypothesis:
        languages = self._around.languages()
        weights: Mapping[str, float] = self._around.speaker.weights(languages, self.party)
        if self._language and self._agreement.committed:
            weights = {self._language: 1.0}
        heard = await self._recognizer.recognize(
            sound,
            weights,
            committed=self._agreement.committed,
            before=self._latest,
            draft=draft,
            hotwords=self._around.hotwords(
                [languages[self.party]] if self.party else list(weights)
            ),
            priority=priority,
        )
        if not heard.text.startswith(self._agreement.committed):
            # A loop was cut too early. What is committed was said, whatever comes of the rest.
            return self._as_committed(heard)
        if self.party is None and not draft and len(weights) > 1:
            return await settle(heard, sound, languages, self._recognizer.recognize)
        return heard

    def _as_committed(self, heard: Hypothesis) -> Hypothesis:
        text = self._agreement.committed
        words = self._latest.words if self._latest else ()
        said = tuple(word for word in words if word.end <= self._agreement.seconds)
        return replace(heard, text=text, words=said, pieces=())

    def _agree(self, heard: Hypothesis, sound: Samples) -> bool:
        """Commit what can be; whether these words may be shown."""
        seconds = len(sound) / RATE
        if self.party is None and not self._language and not certain(heard, seconds):
            return False
        if heard.language_probability < _SURE_LANGUAGE:
            return self.party is not None
        if heard.language != self._language:
            self._agreement, self._language = Agreement(), heard.language
        if self._agreement.push(heard.text, heard.words, seconds):
            self._latest = heard
        return True

    def _reason_to_drop(self, heard: Hypothesis, *, growing: bool = False) -> str | None:
        """The notice that takes the transcript's place; what is committed has been believed."""
        if self._agreement.committed:
            return None
        if not heard.text:
            return "nothing-heard"
        if self._around.guard and self._around.guard.repeats(heard.text, time.monotonic()):
            return "echo-suppressed"
        return "please-repeat" if reason_to_drop(heard, growing=growing) else None

    def _transcript(self, heard: Hypothesis, ending: Ending | None = None) -> Transcript:
        final = ending is not None
        languages = self._around.languages()
        return Transcript(
            utterance=self.number,
            revision=self._revision + 1,
            party=self.party or _speaker(heard.language, languages),
            language=heard.language,
            language_probability=round(heard.language_probability, 3),
            text=heard.text,
            committed=len(heard.text) if final else len(self._agreement.committed),
            words=heard.words,
            confidence=round(heard.confidence, 3),
            final=final,
            ending=ending,
        )

    def _withdraw(self) -> None:
        if self._prepared is not None:
            self._prepared = None
            self._around.withdraw(self.number)


def _stutters(words: Sequence[Word]) -> bool:
    """Whether the same word comes again and again, as drafts of half a word sometimes do."""
    texts = [word.text.casefold() for word in words]
    return any(len(set(texts[i : i + 3])) == 1 for i in range(len(texts) - 2))


def _speaker(language: str, languages: Mapping[Party, str]) -> Party:
    return next(party for party, own in languages.items() if own == language)
