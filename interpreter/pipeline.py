"""One direction of a conversation: what was said to a party becomes text and voice for it.

transcript -> translation -> speech
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from .errors import InterpreterError, TranslationError
from .events import DOUBTFUL, Event, Failure, Party, Transcript, Translation
from .mt import Draft, Translator
from .sentences import split
from .speech import Speech
from .stopwatch import Stopwatch
from .tts import Synthesizer
from .work import Quality

_WAITING = 8
"""Transcripts before translation; beyond it recognition waits."""

_TRANSLATION_SECONDS = 15.0
"""For one utterance of at most half a minute of speech."""

_QUICK_SECONDS = 0.1
"""What a translation may take that serves only to guess which words will be spoken first."""

_CLAUSE_END = re.compile(r"[,;:.!?…،؛؟—–]\s|[。，、；！？]")
_SHORTEST_CLAUSE = 12
"""Characters; shorter ones mean little alone ("Well,") and wait for the next."""


@dataclass(frozen=True, slots=True)
class Listener:
    """What a direction needs to know about who listens; asked anew for each utterance."""

    language: str
    present: bool
    """Whether any connection would play the voice."""

    speed: float


@dataclass(frozen=True, slots=True)
class _Said:
    """A transcript on its way through."""

    transcript: Transcript
    repeated: bool = False
    """It replaces one that was spoken before."""

    simultaneous: bool = False
    """Its sentences are spoken while the speaker goes on."""


@dataclass(slots=True)
class _Course:
    """How far the translation of an utterance has come while it is said."""

    utterance: int
    source: int = 0
    """Characters of the transcript that have been translated."""

    text: str = ""
    spoken: bool = False


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A translation that will be needed if the speaker has finished."""

    utterance: int
    text: str
    source: str
    target: str
    draft: asyncio.Task[Draft | None]


class Direction:
    """Interprets for one party, in order, never with two voices at once.

    While somebody speaks, the clauses that are certain are translated one by one and appended.
    When all has been said, the whole is translated anew, since clauses translate worse than
    sentences; but where a sentence has been spoken already (`simultaneous`), what was said stays,
    and only the rest is translated and appended.
    """

    def __init__(
        self,
        party: Party,
        listener: Callable[[], Listener],
        translator: Translator,
        synthesizer: Synthesizer,
        emit: Callable[[Event, Party | None], None],
        stopwatch: Stopwatch,
    ) -> None:
        self._listener = listener
        self._translator = translator
        self._emit = emit
        self._stopwatch = stopwatch
        self._speech = Speech(party, lambda: listener().speed, synthesizer, emit, stopwatch)
        self._said: asyncio.Queue[_Said] = asyncio.Queue(_WAITING)
        self._course: _Course | None = None
        self._prepared: _Prepared | None = None
        self._took_seconds = 0.0
        """What the latest translation took."""

    async def interpret(self, transcript: Transcript, *, repeated: bool = False) -> None:
        """Take a final transcript; waits while too many wait already."""
        await self._said.put(_Said(transcript, repeated))

    def follow(self, transcript: Transcript, *, simultaneous: bool) -> None:
        """Take what is certain of a partial transcript; dropped while others wait."""
        if self._said.empty():
            self._said.put_nowait(_Said(transcript, simultaneous=simultaneous))

    def prepare(self, transcript: Transcript) -> None:
        """The speaker may have finished: make the translation and the first sound, tell nobody."""
        self._withdraw()
        target = self._listener().language
        text = transcript.text[self._translated(transcript) :].strip()
        task = asyncio.create_task(self._make_ready(text, transcript.language, target))
        self._prepared = _Prepared(transcript.utterance, text, transcript.language, target, task)

    def withdraw(self, utterance: int) -> None:
        """The speaker goes on: what was prepared for that utterance is void."""
        if self._prepared and self._prepared.utterance == utterance:
            self._withdraw()

    def repeat(self, translation: Translation) -> bool:
        """Speak a translation once more; False when too much waits to be spoken."""
        return self._speech.repeat(translation.utterance, translation.text, translation.target)

    def stop_speaking(self) -> None:
        """Drop the voice that is being made, those that wait, and what was not played yet."""
        self._speech.stop()

    async def drain(self) -> None:
        """Return when everything taken so far has been interpreted."""
        await self._said.join()
        await self._speech.drain()

    async def run(self) -> None:
        """Interpret until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._translate_all())
                tasks.create_task(self._speech.run())
        finally:
            self._withdraw()

    async def _translate_all(self) -> None:
        while True:
            said = await self._said.get()
            try:
                if said.transcript.final:
                    await self._conclude(said)
                else:
                    await self._go_on(said)
            except InterpreterError as error:
                if said.transcript.final:
                    self._emit(
                        Failure(error.code, error.retryable, said.transcript.utterance), None
                    )
            finally:
                self._said.task_done()

    # While it is said -----------------------------------------------------------------------

    async def _go_on(self, said: _Said) -> None:
        """Translate what has become certain, by clauses, or by sentences where they are spoken."""
        transcript = said.transcript
        course = self._course_of(transcript.utterance)
        target = self._listener().language
        certain = transcript.text[: transcript.committed]
        find = _finished_sentences if said.simultaneous else _finished_clauses
        end = find(certain, course.source, transcript.language)
        if end > course.source:
            draft = await self._translated_text(
                certain[course.source : end].strip(), transcript.language, target
            )
            course.source, course.text = end, f"{course.text} {draft.text}".strip()
            course.spoken = course.spoken or said.simultaneous
            self._tell(transcript, course, draft, target)
            if said.simultaneous and self._listener().present:
                await self._speech.say(transcript.utterance, draft.text, target, last=False)
        elif not course.spoken and self._took_seconds < _QUICK_SECONDS:
            draft = await self._translated_text(transcript.text, transcript.language, target)
            self._speech.make_ahead(draft.text, target, growing=True)

    async def _make_ready(self, text: str, source: str, target: str) -> Draft | None:
        if not text:
            return None
        try:
            draft = await self._translated_text(text, source, target)
        except InterpreterError:
            return None  # if it fails again when it is needed, it is told then
        if self._listener().present:
            self._speech.make_ahead(draft.text, target, growing=False)
        return draft

    def _withdraw(self) -> None:
        if self._prepared:
            self._prepared.draft.cancel()
            self._prepared = None

    # When it has been said ------------------------------------------------------------------

    async def _conclude(self, said: _Said) -> None:
        transcript = said.transcript
        target = self._listener().language
        rest = transcript.text[self._translated(transcript) :].strip()
        course = self._course_of(transcript.utterance)
        self._course = None
        draft = await self._final_draft(rest, transcript, target)
        begun = course.spoken
        course.text = f"{course.text} {draft.text}".strip() if begun else draft.text
        translation = self._tell(transcript, course, draft, target)
        self._stopwatch.lap(transcript.utterance, "translation")
        if self._listener().present:
            await self._speech.say(
                transcript.utterance,
                draft.text,
                translation.target,
                repeated=said.repeated,
            )
        else:
            self._speech.report(transcript.utterance)

    async def _final_draft(self, text: str, transcript: Transcript, target: str) -> Draft:
        """The translation of what is left, prepared or not; empty where nothing is."""
        prepared, self._prepared = self._prepared, None
        if prepared:
            wanted = (transcript.utterance, text, transcript.language, target)
            if wanted == (prepared.utterance, prepared.text, prepared.source, prepared.target):
                if draft := await prepared.draft:
                    return draft
            else:
                prepared.draft.cancel()
        if not text:
            return Draft("", final=True, engine="original")
        return await self._translated_text(text, transcript.language, target)

    # Both -----------------------------------------------------------------------------------

    def _course_of(self, utterance: int) -> _Course:
        if self._course is None or self._course.utterance != utterance:
            self._course = _Course(utterance)
        return self._course

    def _translated(self, transcript: Transcript) -> int:
        """Characters of the transcript whose translation has been spoken and stays."""
        course = self._course
        if course and course.utterance == transcript.utterance and course.spoken:
            return course.source
        return 0

    def _tell(
        self, transcript: Transcript, course: _Course, draft: Draft, target: str
    ) -> Translation:
        final = transcript.final
        source = transcript.language
        quality = Quality.NATIVE if source == target else self._translator.pairs[source, target]
        translation = Translation(
            utterance=transcript.utterance,
            revision=transcript.revision,
            party=transcript.party,
            source=source,
            target=target,
            text=course.text,
            committed=len(course.text) if final or course.spoken else 0,
            engine=draft.engine,
            quality=quality,
            final=final,
            flags=() if transcript.confidence >= DOUBTFUL else ("low_confidence",),
        )
        self._emit(translation, None)
        return translation

    async def _translated_text(self, text: str, source: str, target: str) -> Draft:
        if source == target:
            return Draft(text, final=True, engine="original")
        final: Draft | None = None
        began = time.monotonic()
        try:
            async with asyncio.timeout(_TRANSLATION_SECONDS):
                async for draft in self._translator.translate(text, source, target):
                    if draft.final:
                        final = draft
        except TimeoutError:
            raise TranslationError(
                "translation-timeout", f"not done after {_TRANSLATION_SECONDS} s", retryable=True
            ) from None
        if final is None or not final.text.strip():
            raise TranslationError("translation-failed", "the engine gave no text")
        self._took_seconds = time.monotonic() - began
        return final


def _finished_clauses(text: str, start: int, language: str) -> int:
    """Where the last clause ends that is certain to be complete: another word follows it."""
    ends = [match.end() for match in _CLAUSE_END.finditer(text, start)]
    return ends[-1] if ends and ends[-1] - start >= _SHORTEST_CLAUSE else start


def _finished_sentences(text: str, start: int, language: str) -> int:
    """Where the last sentence ends that is certain to be complete: another word follows it."""
    *finished, _ = split(text[start:], language) or [""]
    end = start
    for sentence in finished:
        end = text.index(sentence, end) + len(sentence)
    return end
