"""Lets recordings talk to each other through a server, one after the other."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from interpreter.audio import RATE
from interpreter.events import Party

from .dialogue import Dialogue, Outcome
from .recordings import Recording, last_speech
from .rest import Staff
from .seat import Seat

_SETTLE_SECONDS = 1.0
"""After a file; an utterance at its very end has been announced by then."""

_ARRIVED_SECONDS = 0.8
"""Acknowledgements come every half second; with less outstanding the file has arrived."""

_BREATH_SECONDS = 0.3
"""Between hearing the other party and answering."""


@dataclass(frozen=True, slots=True)
class Said:
    """A recording, and the utterances the server found in it."""

    recording: Recording
    outcomes: list[Outcome]
    """Empty if the server heard no speech."""

    spoken_at: float | None
    """When its last sample of speech was spoken (monotonic seconds); None without speech."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a dialogue is played."""

    wait: bool = True
    """Whether the next file waits until the voice before it has been played."""

    deaf_seconds: float = 10.0
    """How long after a file the server may take to notice that somebody spoke at all."""

    patience_seconds: float = 60.0
    """How long after a file its utterances may take to be interpreted."""


async def play(
    staff: Staff,
    languages: Mapping[Party, str],
    recordings: list[Recording],
    pace: Pace,
    dialogue: Dialogue | None = None,
) -> AsyncGenerator[Said, None]:
    """Hold the conversation; yields what became of each recording, in order.

    Both sides note what they receive in the `dialogue`, a new one where none is given.
    Raises `InterpreterError` if there is no conversation to be had, or it broke.
    """
    invitation = await staff.create_conversation(languages[Party.STAFF], languages[Party.VISITOR])
    tokens = {Party.STAFF: invitation.tokens.staff, Party.VISITOR: invitation.tokens.visitor}
    rates = {recording.party: recording.rate for recording in recordings}
    dialogue = Dialogue() if dialogue is None else dialogue
    async with AsyncExitStack() as stack:
        seats = {
            party: await stack.enter_async_context(
                Seat(
                    party,
                    staff.address,
                    tokens[party],
                    rates.get(party, RATE),
                    dialogue,
                )
            )
            for party in Party
        }
        for recording in recordings:
            yield await _say(recording, seats, dialogue, pace)


async def _say(
    recording: Recording, seats: Mapping[Party, Seat], dialogue: Dialogue, pace: Pace
) -> Said:
    speaker, listener = seats[recording.party], seats[recording.party.other]
    before = {outcome.utterance for outcome in dialogue}
    speech = await asyncio.to_thread(last_speech, recording.samples, recording.rate)
    began = await speaker.speak(recording)
    ended = time.monotonic()

    def outcomes() -> list[Outcome]:
        return [outcome for outcome in dialogue if outcome.utterance not in before]

    def settled() -> bool:
        if listener.failure:
            raise listener.failure
        passed, found = time.monotonic() - ended, outcomes()
        if passed > pace.patience_seconds:
            return True
        if not found:
            return passed > pace.deaf_seconds
        arrived = speaker.unacknowledged_seconds < _ARRIVED_SECONDS
        return passed > _SETTLE_SECONDS and arrived and all(each.done for each in found)

    await speaker.keep_silent(until=settled)
    if pace.wait:
        heard = listener.playback.ends + _BREATH_SECONDS
        await speaker.keep_silent(until=lambda: time.monotonic() >= heard)
    found = sorted(outcomes(), key=lambda outcome: outcome.utterance)
    for outcome in found:
        if not outcome.done:
            outcome.error = "no-answer"
    return Said(recording, found, None if speech is None else began + speech)
