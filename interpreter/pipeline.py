"""One direction of a conversation: what was said to a party becomes text and voice for it.

transcript -> translation -> speech
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .errors import InterpreterError, TranslationError
from .events import DOUBTFUL, Event, Failure, Notice, Party, Transcript, Translation
from .mt import Briefing
from .mt.router import Checked, Router
from .plain import PlainLanguage
from .preparation import Preparation, Wanted
from .rendering import Rendering, is_doubtful, spoken
from .sentences import split
from .speech import Speech
from .stopwatch import Stopwatch
from .tts import Synthesizer
from .work import Quality

_WAITING = 8
"""Transcripts before translation; beyond it recognition waits."""

_TRANSLATION_SECONDS = 15.0
"""For one sentence, whoever is asked."""

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

    ready: str | None = None
    """Its translation, made and checked by people beforehand."""


@dataclass(slots=True)
class _Course:
    """How far the translation of an utterance has come while it is said."""

    utterance: int
    source: int = 0
    """Characters of the transcript that have been translated."""

    glanced: str = ""
    """What is shown for now, unchecked."""

    rendering: Rendering = field(default_factory=Rendering)
    """What has been spoken, and stays."""


class Direction:
    """Interprets for one party, in order, never with two voices at once.

    While somebody speaks, the clauses that are certain are translated one by one and appended.
    When all has been said, the whole is translated anew, since clauses translate worse than
    sentences; but where a sentence has been spoken already (`simultaneous`), what was said stays,
    and only the rest is translated and appended. Whatever is spoken has been checked, sentence by
    sentence; the first is spoken while the second is translated.
    """

    def __init__(
        self,
        party: Party,
        listener: Callable[[], Listener],
        briefing: Callable[[], Briefing],
        translator: Router,
        synthesizer: Synthesizer,
        emit: Callable[[Event, Party | None], None],
        stopwatch: Stopwatch,
        plain: PlainLanguage | None = None,
    ) -> None:
        """`plain` may put what is said into plain language first."""
        self._listener = listener
        self._briefing = briefing
        self._translator = translator
        self._emit = emit
        self._stopwatch = stopwatch
        self._plain = plain
        self._speech = Speech(party, lambda: listener().speed, synthesizer, emit, stopwatch)
        self._said: asyncio.Queue[_Said] = asyncio.Queue(_WAITING)
        self._course: _Course | None = None
        self._prepared: Preparation | None = None
        self._degraded = False
        self._took_seconds = 0.0
        """What the latest glance took."""

    async def interpret(
        self, transcript: Transcript, *, repeated: bool = False, ready: str | None = None
    ) -> None:
        """Take a final transcript, and its translation where people have made it beforehand.

        Waits while too many wait already.
        """
        await self._said.put(_Said(transcript, repeated, ready=ready))

    def follow(self, transcript: Transcript, *, simultaneous: bool) -> None:
        """Take what is certain of a partial transcript; dropped while others wait."""
        if self._said.empty() and not self._rephrases:
            self._said.put_nowait(_Said(transcript, simultaneous=simultaneous))

    def prepare(self, transcript: Transcript) -> None:
        """The speaker may have finished: make the translation and the first sound, tell nobody."""
        self._withdraw()
        if self._rephrases:
            return
        target = self._listener().language

        def first(checked: Checked) -> None:
            if self._listener().present:
                ahead = spoken(checked.text, checked.flags, target)
                self._speech.make_ahead(ahead, target, growing=False)

        wanted = self._wanted(transcript, target)
        self._prepared = Preparation(wanted, self._translated, first)

    def withdraw(self, utterance: int) -> None:
        """The speaker goes on: what was prepared for that utterance is void."""
        if self._prepared and self._prepared.wanted.utterance == utterance:
            self._withdraw()

    def repeat(self, translation: Translation) -> bool:
        """Speak a translation once more; False when too much waits to be spoken."""
        flags = () if translation.confirmed else translation.flags
        text = spoken(translation.text, flags, translation.target)
        return self._speech.repeat(translation.utterance, text, translation.target)

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

    @property
    def _rephrases(self) -> bool:
        """Whether what is said will be worded differently, so that nothing can be guessed."""
        return self._plain is not None and self._plain.on

    async def _translate_all(self) -> None:
        while True:
            said = await self._said.get()
            try:
                if said.ready is not None:
                    await self._conclude_with(said, said.ready)
                elif said.transcript.final:
                    if self._plain:
                        said = replace(said, transcript=await self._plain.rephrase(said.transcript))
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
        source, target = transcript.language, self._listener().language
        certain = transcript.text[: transcript.committed]
        if said.simultaneous:
            while (end := _finished_sentence(certain, course.source, source)) > course.source:
                sentence = await self._translated(certain[course.source : end], source, target)
                course.source = end
                self._take(course.rendering, sentence)
                self._tell(transcript, course.rendering, target, final=False)
                await self._say(said, sentence, target)
            return
        if (end := _finished_clauses(certain, course.source)) > course.source:
            text, engine = await self._glance(certain[course.source : end], source, target)
            course.source, course.glanced = end, f"{course.glanced} {text}".strip()
            self._show(transcript, course.glanced, engine, target)
        elif self._took_seconds < _QUICK_SECONDS and self._listener().present:
            text, _ = await self._glance(transcript.text, source, target)
            self._speech.make_ahead(text, target, growing=True)

    def _withdraw(self) -> None:
        if self._prepared:
            self._prepared.cancel()
            self._prepared = None

    # When it has been said ------------------------------------------------------------------

    async def _conclude(self, said: _Said) -> None:
        transcript, utterance = said.transcript, said.transcript.utterance
        target = self._listener().language
        wanted = self._wanted(transcript, target)
        rendering = self._course_of(utterance).rendering
        self._course = None
        prepared, self._prepared = self._prepared, None
        if prepared and prepared.wanted != wanted:
            prepared.cancel()
            prepared = None
        checked: Checked | None = None
        for number, sentence in enumerate(wanted.sentences, 1):
            checked = await prepared.take() if prepared else None
            if checked is None:
                try:
                    checked = await self._translated(sentence, wanted.source, target)
                except InterpreterError as error:
                    await self._break_off(said, rendering, target, error)
                    return
            self._take(rendering, checked)
            self._stopwatch.lap(utterance, "translation")
            if number < len(wanted.sentences):
                self._tell(transcript, rendering, target, final=False)
                await self._say(said, checked, target)
        self._tell(transcript, rendering, target, final=True)
        await self._say(said, checked, target, last=True)

    async def _conclude_with(self, said: _Said, translation: str) -> None:
        """What people have translated beforehand needs no machine, and no check."""
        target = self._listener().language
        checked = Checked(translation, "phrases", Quality.NATIVE)
        self._tell(said.transcript, Rendering([checked]), target, final=True)
        await self._say(said, checked, target, last=True)

    async def _break_off(
        self, said: _Said, rendering: Rendering, target: str, error: InterpreterError
    ) -> None:
        """A sentence cannot be translated; what came before it stays, and is told to be a part."""
        utterance = said.transcript.utterance
        if rendering.sentences:
            self._tell(said.transcript, rendering, target, final=True, flags=("incomplete",))
            await self._say(said, None, target, last=True)
        self._emit(Failure(error.code, error.retryable, utterance), None)

    # Both -----------------------------------------------------------------------------------

    def _course_of(self, utterance: int) -> _Course:
        if self._course is None or self._course.utterance != utterance:
            self._course = _Course(utterance)
        return self._course

    def _wanted(self, transcript: Transcript, target: str) -> Wanted:
        """The sentences whose translation has not been spoken yet."""
        course = self._course
        begun = course and course.utterance == transcript.utterance and course.rendering.sentences
        start = course.source if course and begun else 0
        sentences = tuple(split(transcript.text[start:], transcript.language))
        return Wanted(transcript.utterance, sentences, transcript.language, target)

    async def _say(
        self, said: _Said, sentence: Checked | None, target: str, *, last: bool = False
    ) -> None:
        """Speak a sentence, if anybody listens; without one, only say that it was the last."""
        utterance = said.transcript.utterance
        if self._listener().present:
            text = spoken(sentence.text, sentence.flags, target) if sentence else ""
            await self._speech.say(utterance, text, target, last=last, repeated=said.repeated)
        elif last:
            self._speech.report(utterance)

    def _tell(
        self,
        transcript: Transcript,
        rendering: Rendering,
        target: str,
        *,
        final: bool,
        flags: tuple[str, ...] = (),
    ) -> None:
        if transcript.confidence < DOUBTFUL:
            flags = ("low_confidence", *flags)
        translation = Translation(
            utterance=transcript.utterance,
            revision=transcript.revision,
            party=transcript.party,
            source=transcript.language,
            target=target,
            text=rendering.text,
            committed=len(rendering.text),
            engine=rendering.engine or "original",
            quality=rendering.quality,
            final=final,
            flags=(*flags, *rendering.flags),
            facts=rendering.facts,
        )
        self._emit(translation, None)
        if final and is_doubtful(translation.flags):
            self._emit(Notice("please-confirm", transcript.utterance, Party.STAFF), Party.STAFF)
        if final and transcript.confidence < DOUBTFUL:
            speaker = transcript.party
            self._emit(Notice("unsure", transcript.utterance, speaker), speaker)

    def _show(self, transcript: Transcript, text: str, engine: str, target: str) -> None:
        """What is not spoken may still change, so it is not checked yet."""
        pair = (transcript.language, target)
        same = transcript.language == target
        self._emit(
            Translation(
                utterance=transcript.utterance,
                revision=transcript.revision,
                party=transcript.party,
                source=transcript.language,
                target=target,
                text=text,
                committed=0,
                engine=engine,
                quality=Quality.NATIVE if same else self._translator.pairs[pair],
                final=False,
            ),
            None,
        )

    async def _translated(self, sentence: str, source: str, target: str) -> Checked:
        if source == target:
            return Checked(sentence, "original", Quality.NATIVE)
        try:
            async with asyncio.timeout(_TRANSLATION_SECONDS):
                checked = await self._translator.translate(
                    sentence, source, target, self._briefing()
                )
        except TimeoutError:
            raise TranslationError(
                "translation-timeout", f"not done after {_TRANSLATION_SECONDS} s", retryable=True
            ) from None
        return checked

    def _take(self, rendering: Rendering, checked: Checked) -> None:
        """It will be heard; tell where the better engine has stopped answering, or is back."""
        rendering.sentences.append(checked)
        if checked.degraded is not self._degraded and checked.engine != "phrases":
            self._degraded = checked.degraded
            code = "translation-degraded" if checked.degraded else "translation-recovered"
            self._emit(Notice(code), None)

    async def _glance(self, text: str, source: str, target: str) -> tuple[str, str]:
        """What something unfinished means, and who says so."""
        if source == target:
            return text.strip(), "original"
        began = time.monotonic()
        draft = await self._translator.glance(text.strip(), source, target)
        self._took_seconds = time.monotonic() - began
        return draft.text, draft.engine


def _finished_clauses(text: str, start: int) -> int:
    """Where the last clause ends that is certain to be complete: another word follows it."""
    ends = [match.end() for match in _CLAUSE_END.finditer(text, start)]
    return ends[-1] if ends and ends[-1] - start >= _SHORTEST_CLAUSE else start


def _finished_sentence(text: str, start: int, language: str) -> int:
    """Where the next sentence ends, if it is certain to be complete: another word follows it."""
    sentences = split(text[start:], language)
    if len(sentences) < 2:
        return start
    return text.index(sentences[0], start) + len(sentences[0])
