"""Two parties, their connections and microphones, and everything that happens between them."""

import asyncio
import logging
import secrets
import time
from dataclasses import replace

from .agreements import Agreements
from .audio import AudioFrame
from .back_translation import BackTranslator
from .cards import Table
from .connection import Connection, Connections, ConversationLimits, Engines
from .corrections import Corrections, as_typed
from .echo import EchoGuard
from .errors import ProtocolError, trace
from .events import (
    Ended,
    EndReason,
    Event,
    Failure,
    Notice,
    Party,
    PartyChange,
    PartyChanged,
    SpeechBegan,
    SpeechStarted,
    Transcript,
    Translation,
    TurnTaking,
)
from .handover import Handover, human_interprets
from .hearing import Surroundings
from .interpreting import Interpreting
from .journal import Journal
from .microphone import Button, Microphone
from .office import NO_OFFICE, Office
from .pipeline import Direction, Listener
from .plain import PlainLanguage
from .recall import Recall
from .roles import PARTIES, Role
from .speaker import SpeakerChoice
from .stopwatch import Stopwatch
from .tasks import Tasks
from .vad import Endpointing

log = logging.getLogger(__name__)


class Conversation:
    """One conversation; `run` lives as long as it does."""

    def __init__(
        self,
        languages: dict[Party, str],
        engines: Engines,
        endpointing: Endpointing,
        limits: ConversationLimits,
        office: Office = NO_OFFICE,
        *,
        consent_required: bool = False,
        simultaneous: bool = False,
    ) -> None:
        """`simultaneous`: who has a microphone of their own is interpreted while they speak."""
        self.name = f"c_{secrets.token_urlsafe(9)}"
        self.languages = languages
        self.engines = engines
        self.endpointing = endpointing
        self.office = office
        self.agreements = Agreements(required=consent_required, changed=self._changed)
        self.interpreting = Interpreting(simultaneous, self.emit)
        self.table = Table(office, languages.values, self.emit)
        self.journal = Journal()
        self.ended = False
        self._limits = limits
        self.connections = Connections(limits.connections, self._changed)
        self._speed = dict.fromkeys(Party, 1.0)
        self._numbers = 0
        self._behind = False
        self._recall = Recall()
        self._speaker = SpeakerChoice()
        self._stopwatch = Stopwatch()
        self._last_sign = self._began = time.monotonic()
        self._reason: asyncio.Future[EndReason] = asyncio.get_running_loop().create_future()
        self._tasks = Tasks(self.name, self._broken)
        self._hearing = Tasks(self.name, self._broken)
        self._briefing = lambda: replace(office.briefing, turns=self._recall.turns())
        self.plain = PlainLanguage(engines.plain, self._briefing, self.emit)
        self._translator = engines.translator.with_glossary(office.glossary)
        self._directions = {party: self._direction_to(party) for party in Party}
        self._back = BackTranslator(self._translator, self.emit)
        self.handover = Handover(office, self.emit, lambda: self._be_silent("human-interprets"))
        self.corrections = Corrections(
            recall=self._recall,
            languages=languages,
            recognizer=engines.recognizer,
            emit=self.emit,
            interpret=lambda transcript: self._said(transcript, repeated=True),
            silence=lambda transcript: self._towards(transcript).stop_speaking(),
            deaf_to=self.deaf_to,
            start=self._tasks.start,
        )

    # Its life -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Live until `end`, until it idles, until its time is up, or until a stage breaks."""
        directions = [each.run() for each in self._directions.values()]
        for work in (*directions, self._watch(), self._back.run()):
            self._tasks.start(work)
        reason: EndReason = "failed"
        try:
            reason = await self._reason
            self.ended = True
            if reason != "failed":
                await self._finish_what_was_said()
        finally:
            self.ended = True
            await asyncio.gather(self._tasks.cancel(), self._hearing.cancel())
            self.emit(Ended(reason))
            self.journal.close()
            self._recall.clear()

    def end(self, reason: EndReason) -> None:
        """Finish what was said, tell everybody, and forget it all."""
        if not self._reason.done():
            self._reason.set_result(reason)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._recall.forget_sounds()
            if (behind := self.engines.run.behind) is not self._behind:
                self._behind = behind
                self.emit(Notice("machine-behind" if behind else "machine-recovered"))
            now = time.monotonic()
            for connection in self.connections.cut_before(now - self._limits.resume_seconds):
                await self.leave(connection)
            if self.connections.in_touch(without_machine=self.handover.active):
                self._last_sign = now
            if now - self._began > self._limits.lifetime_seconds:
                self.end("expired")
            elif now - self._last_sign > self._limits.idle_seconds:
                self.end("idle")

    async def _finish_what_was_said(self) -> None:
        try:
            async with asyncio.timeout(self._limits.drain_seconds):
                await self.connections.hang_up()
                await self._hearing.finish()
                for direction in self._directions.values():
                    await direction.drain()
        except TimeoutError:
            log.warning("a conversation ended before all that was said had been interpreted")

    def _broken(self, error: BaseException) -> None:
        log.error("a conversation broke: %s", trace(error))
        self.emit(Failure("internal-error", False, None))
        self.end("failed")

    # Its connections ------------------------------------------------------------------------

    def connect(
        self,
        role: Role,
        turn_taking: TurnTaking,
        microphone_rate: int | None,
        speech_rate: int | None,
        *,
        video: bool = False,
    ) -> Connection:
        """A new way to reach a party (or both). Raises `ProtocolError`."""
        if self.ended:
            raise ProtocolError("conversation-ended", "it is over", fatal=True)
        shared = turn_taking is TurnTaking.SHARED_MICROPHONE
        guard = EchoGuard() if shared and speech_rate is not None else None
        connection = Connection(
            name=f"k_{secrets.token_urlsafe(9)}",
            role=role,
            turn_taking=turn_taking,
            speech_rate=speech_rate,
            microphone=self._microphone(PARTIES[role], turn_taking, microphone_rate, guard),
            guard=guard,
        )
        if gone := self.connections.add(connection, video=video):
            self._hearing.start(self._see_off(gone))
        self.handover.interpreter(self.connections.hear_an_interpreter)
        if connection.microphone:
            self._hearing.start(connection.microphone.run())
        return connection

    def reconnect(self, name: str, role: Role) -> Connection | None:
        """The connection of that name, taken over from an older websocket; None if forgotten."""
        return None if self.ended else self.connections.take_over(name, role)

    async def leave(self, connection: Connection) -> None:
        """It said goodbye, or was away for too long. Without the last one it all ends."""
        if self.connections.remove(connection):
            await self._see_off(connection)

    async def _see_off(self, connection: Connection) -> None:
        await connection.hang_up()
        self.handover.interpreter(self.connections.hear_an_interpreter)
        if not self.connections.anybody_left:
            self.end("left")

    # What is said ---------------------------------------------------------------------------

    async def hear(self, connection: Connection, item: AudioFrame | Button) -> None:
        """Take a microphone's next frame; if `deaf_to` it, only count. Raises `ProtocolError`."""
        if connection.microphone is None:
            raise ProtocolError("unsupported-audio", "join named no microphone_rate")
        if self.deaf_to(connection):
            connection.microphone.skip_to(item.sequence + 1)
            return
        if isinstance(item, Button):
            item = replace(item, party=connection.party(item.party))
        await connection.microphone.push(item)

    def deaf_to(self, connection: Connection) -> ProtocolError | None:
        """Why the machine does not interpret what this connection says, if so."""
        if self.handover.deaf:
            return human_interprets()
        if not self.agreements.may_speak(connection.parties):
            return ProtocolError("consent-required", "the visitor has to agree first")
        return None

    async def type(self, connection: Connection, text: str, party: Party | None) -> None:
        """Interpret what was typed. Raises `ProtocolError`."""
        await self._said(self._typed(connection, text, connection.party(party)))

    async def phrase(self, connection: Connection, name: str, party: Party | None) -> None:
        """Say a fixed phrase of the office. Raises `ProtocolError`."""
        party = connection.party(party)
        texts = self.office.phrase(name, self.languages[party])
        said = self._typed(connection, texts[self.languages[party]], party)
        await self._said(said, ready=texts.get(self.languages[party.other]))

    def say_again(self, connection: Connection, utterance: int | None, party: Party | None) -> None:
        """Speak an utterance once more. Raises `ProtocolError`."""
        listener = connection.party(party)
        if self.handover.active:
            raise human_interprets()
        if reason := self.deaf_to(connection):
            raise reason
        if not self._directions[listener].repeat(self._recall.heard_by(listener, utterance)):
            raise ProtocolError("overloaded", "too much waits to be spoken", retryable=True)

    def set_speed(self, connection: Connection, speed: float, party: Party | None) -> None:
        """Speak to this party slower or faster from now on."""
        self._speed[connection.party(party)] = speed

    def stop_speaking(self, connection: Connection, party: Party | None) -> None:
        """Drop what is being spoken to this party (to both on a shared device)."""
        parties = connection.parties if party is None else (connection.party(party),)
        self._fall_silent(parties)

    def played(self, connection: Connection, utterance: int, seconds: float) -> None:
        """A loudspeaker reports how much of a voice it has played."""
        if connection.guard:
            connection.guard.played(utterance, seconds, time.monotonic())
        timing = self._stopwatch.played(utterance, round(seconds, 3))
        if timing and self._recall.played(utterance, seconds):
            self.emit(timing)

    def change_language(self, connection: Connection, language: str) -> None:
        """The visitor speaks another language. Raises `ProtocolError`."""
        other, pairs = self.languages[Party.STAFF], self.engines.translator.pairs
        if (language, other) not in pairs or (other, language) not in pairs:
            raise ProtocolError(
                "pair-not-available", f"nothing here translates {language} and {other} both ways"
            )
        self.languages[Party.VISITOR] = language
        self._changed(Party.VISITOR, "language")

    def emit(self, event: Event, to: Party | None = None) -> None:
        """Put an event into the journal, from where every connection takes it."""
        self._recall.take(event)
        self.handover.take(event)
        if isinstance(event, Transcript | Translation) and event.final:
            self._back.take(event)
        match event:
            case SpeechStarted():
                self._last_sign = time.monotonic()
            case SpeechBegan() | Transcript(final=True):
                self._speaker.expect(event.party)
        self.connections.guard(event, to)
        self.journal.append(event, to)

    # Behind it ------------------------------------------------------------------------------

    def _direction_to(self, party: Party) -> Direction:
        def listener() -> Listener:
            present = self.connections.anybody_listens(party) and not self.handover.active
            return Listener(self.languages[party], present, self._speed[party])

        return Direction(
            party,
            listener,
            self._briefing,
            self._translator,
            self.engines.synthesizer,
            self.emit,
            self._stopwatch,
            self.plain if party is Party.VISITOR else None,
        )

    def _microphone(
        self,
        parties: tuple[Party, ...],
        turn_taking: TurnTaking,
        rate: int | None,
        guard: EchoGuard | None,
    ) -> Microphone | None:
        if rate is None:
            return None
        shared = turn_taking is TurnTaking.SHARED_MICROPHONE

        def emit(event: Event) -> None:
            self.emit(event)
            if isinstance(event, SpeechStarted) and not shared:
                self._fall_silent(parties)

        def follow(words: Transcript) -> None:
            own = turn_taking is TurnTaking.OWN_MICROPHONE
            simultaneous = own and self.interpreting.simultaneous
            self._towards(words).follow(words, simultaneous=simultaneous)

        return Microphone(
            turn_taking,
            parties[0] if len(parties) == 1 else None,
            rate,
            self.engines.vad.stream(),
            self.endpointing,
            self.engines.recognizer,
            Surroundings(
                emit=emit,
                next_utterance=self._next_utterance,
                languages=lambda: self.languages,
                follow=follow,
                prepare=lambda words: self._towards(words).prepare(words),
                withdraw=self._withdraw,
                deliver=self._deliver,
                keep_sound=self._recall.keep_sound if shared else None,
                hotwords=self.office.hotwords,
                speaker=self._speaker,
                guard=guard,
                stopwatch=self._stopwatch,
            ),
        )

    def _fall_silent(self, parties: tuple[Party, ...]) -> None:
        """Barge-in: who begins to speak does not listen any more."""
        for party in parties:
            self._directions[party].stop_speaking()

    def _be_silent(self, reason: str) -> None:
        """Speak no more, nor listen to what is being said by whom nobody may hear."""
        self._fall_silent(tuple(Party))
        deaf = [each.microphone for each in self.connections.all if self.deaf_to(each)]
        for utterance in filter(None, [each.forget() for each in deaf if each]):
            self.emit(Failure(reason, False, utterance))

    def _typed(self, connection: Connection, text: str, party: Party) -> Transcript:
        if reason := self.deaf_to(connection):
            raise reason
        number = self._next_utterance()
        self._stopwatch.start(number, time.monotonic())
        return as_typed(number, 1, party, self.languages[party], text)

    async def _said(
        self, transcript: Transcript, *, repeated: bool = False, ready: str | None = None
    ) -> None:
        self._stopwatch.lap(transcript.utterance, "transcript")
        self.emit(transcript)
        await self._deliver(transcript, repeated=repeated, ready=ready)

    async def _deliver(
        self, transcript: Transcript, *, repeated: bool = False, ready: str | None = None
    ) -> None:
        self._last_sign = time.monotonic()
        await self._towards(transcript).interpret(transcript, repeated=repeated, ready=ready)

    def _towards(self, transcript: Transcript) -> Direction:
        return self._directions[transcript.party.other]

    def _withdraw(self, utterance: int) -> None:
        for direction in self._directions.values():
            direction.withdraw(utterance)

    def _next_utterance(self) -> int:
        self._numbers += 1
        return self._numbers

    def _changed(self, party: Party, state: PartyChange) -> None:
        self._last_sign = time.monotonic()
        if state == "consent" and not self.agreements.may_speak((party,)):
            self._be_silent("consent-required")
        consent, record = self.agreements.consent[party], self.agreements.record[party]
        self.emit(PartyChanged(party, state, self.languages[party], consent, record))
