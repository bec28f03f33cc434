"""Words while they are spoken: what is shown, what is kept back, and what must not be heard."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from conftest import Recording
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live import Live, living, voiced
from rapidfuzz.distance import Levenshtein

import interpreter.asr.whisper as whisper
from interpreter.asr.whisper import WhisperRecognizer
from interpreter.audio import RATE, Samples, resample, silence
from interpreter.connection import Engines
from interpreter.echo import EchoGuard
from interpreter.errors import ProtocolError
from interpreter.events import (
    Ending,
    Event,
    Failure,
    Notice,
    Party,
    SpeechBegan,
    SpeechChunk,
    SpeechEnded,
    SpeechStarted,
    Transcript,
    Translation,
    TurnTaking,
)
from interpreter.hearing import Hearing, Surroundings
from interpreter.sentences import bare_words
from interpreter.speaker import SpeakerChoice
from interpreter.stopwatch import Stopwatch
from interpreter.utterance import Utterance
from interpreter.vad import CHUNK, Endpointing

STAFF, VISITOR = Party.STAFF, Party.VISITOR
PATIENT = Endpointing(silence_seconds=1.5, finished_seconds=1.5, hesitation_seconds=1.5)
VERY_PATIENT = Endpointing(silence_seconds=3.0, finished_seconds=3.0, hesitation_seconds=3.0)


def finals(live: Live) -> list[Transcript]:
    return [each for each in live.of(Transcript) if each.final]


# Committed words ---------------------------------------------------------------------------------


async def hear(
    engines: Engines, samples: Samples, language: str, cuts: Sequence[int]
) -> list[Transcript]:
    """Every transcript of an utterance that is looked at after each of these pieces."""
    events: list[Event] = []

    async def deliver(_: Transcript) -> None:
        pass

    def ignore(_: Any) -> None:
        pass

    around = Surroundings(
        emit=events.append,
        next_utterance=lambda: 1,
        languages=lambda: {STAFF: "en" if language != "en" else "de", VISITOR: language},
        follow=ignore,
        prepare=ignore,
        withdraw=ignore,
        deliver=deliver,
        keep_sound=None,
        hotwords=lambda _: (),
        speaker=SpeakerChoice(),
        guard=None,
        stopwatch=Stopwatch(),
    )
    hearing = Hearing(1, VISITOR, 0, engines.recognizer, around)
    now = 0
    for cut in cuts:
        now = min(now + cut * CHUNK, len(samples) // CHUNK * CHUNK)
        hearing.attend(now, now, lambda: samples[:now])  # noqa: B023
        if hearing._look:
            await hearing._look
    utterance = Utterance(1, VISITOR, samples, 0.0, len(samples) / RATE, Ending.SILENCE)
    await hearing.finish(utterance, len(samples))
    return [event for event in events if isinstance(event, Transcript)]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(["leopard_pt", "leopard_en", "fleurs_en_003", "fleurs_pt_002"]),
    cuts=st.lists(st.integers(6, 60), min_size=4, max_size=12),
)
def test_what_is_committed_never_changes(
    engines: Engines, recordings: dict[str, Recording], name: str, cuts: list[int]
) -> None:
    recording = recordings[name]
    samples = recording.samples()[: 12 * RATE]
    transcripts = asyncio.run(hear(engines, samples, recording.language, cuts))
    committed = ""
    for transcript in transcripts:
        assert transcript.text.startswith(committed)
        assert transcript.committed >= len(committed)
        committed = transcript.text[: transcript.committed]
    assert transcripts[-1].final
    assert transcripts[-1].committed == len(transcripts[-1].text)
    assert [each.revision for each in transcripts] == list(range(1, len(transcripts) + 1))


def test_streaming_and_offline_agree(engines: Engines, recordings: dict[str, Recording]) -> None:
    """Over ten recordings, what was committed early costs hardly any accuracy."""

    async def main() -> tuple[int, int, int, int]:
        errors = offline = words = early = 0
        for name in (f"fleurs_{tag}_00{n}" for tag in ("en", "pt") for n in range(5)):
            recording = recordings[name]
            samples = recording.samples()[: 25 * RATE]
            transcripts = await hear(engines, samples, recording.language, [16] * 60)
            whole = await engines.recognizer.recognize(samples, {recording.language: 1.0})
            reference = bare_words(recording.transcript)
            errors += Levenshtein.distance(bare_words(transcripts[-1].text), reference)
            offline += Levenshtein.distance(bare_words(whole.text), reference)
            words += len(reference)
            early += max((each.committed for each in transcripts[:-1]), default=0) > 0
        return errors, offline, words, early

    errors, offline, words, early = asyncio.run(main())
    assert early >= 8  # otherwise there was nothing to disagree about
    assert errors <= 1.05 * offline + 0.01 * words


def test_words_appear_while_they_are_spoken(engines: Engines) -> None:
    async def main() -> None:
        samples = await voiced(
            engines, "Please fill in this form and bring it back by Friday at noon.", "en"
        )
        async with living(engines) as live:
            clerk = live.connect(STAFF)
            await live.say(clerk, samples)
            shown = [each for each in live.of(Transcript) if not each.final]
            assert shown  # and nothing of it was final yet
            assert "form" in shown[-1].text.lower()
            await live.say(clerk, silence(1.5))
            await live.until(SpeechEnded) if live.of(SpeechBegan) else None
            (final,) = finals(live)
            assert final.text.startswith(shown[-1].text[: shown[-1].committed])

    asyncio.run(main())


# Speculation -------------------------------------------------------------------------------------


def test_what_was_made_ready_in_vain_leaves_no_trace(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        first = await voiced(engines, "Please take a seat.", "en")
        second = await voiced(engines, "My colleague will call you in a moment.", "en")
        async with living(engines, VERY_PATIENT) as live:
            clerk, _ = live.connect(STAFF), live.connect(VISITOR)
            direction = live.conversation._directions[VISITOR]
            await live.say(clerk, np.concatenate([first, silence(0.5)]))
            for _ in range(20):  # a slow machine makes it ready later
                if (ready := direction._prepared) and ready._task.done():
                    break
                await live.say(clerk, silence(0.1))
            assert ready and ready._task.done()
            assert direction._speech._ahead
            await live.say(clerk, second)
            assert direction._prepared is not ready
            assert not finals(live)
            assert not live.of(SpeechBegan) and not live.of(SpeechChunk)
            assert not [each for each in live.of(Translation) if each.final]
            await live.say(clerk, silence(3.5))
            await live.until(SpeechEnded)
            (said,) = finals(live)
            assert "seat" in said.text and "colleague" in said.text
            assert len([each for each in live.of(Translation) if each.final]) == 1
            assert len(live.of(SpeechBegan)) == 1

    asyncio.run(main())


def test_hesitation_is_given_more_time_than_a_finished_sentence(engines: Engines) -> None:
    endpointing = Endpointing(finished_seconds=0.4, silence_seconds=4.0, hesitation_seconds=4.0)

    async def main() -> None:
        finished = await voiced(engines, "Please take a seat.", "en")
        async with living(engines, endpointing) as live:
            clerk = live.connect(STAFF)
            await live.say(clerk, np.concatenate([finished, silence(2.5)]))
            # Time is that of the sound: it did not wait for four seconds of silence.
            await live.wait(lambda: len(finals(live)) == 1)
            # the sentence wants to go on
            begun = await voiced(engines, "I need a new passport because", "en")
            await live.say(clerk, np.concatenate([begun, silence(2.5)]))
            waiting = len(finals(live))
            assert waiting == 1
            await live.say(clerk, silence(3.0))
            await live.wait(lambda: len(finals(live)) == 2)

    asyncio.run(main())


# Simultaneous -----------------------------------------------------------------------------------


def test_finished_sentences_are_spoken_while_the_speaker_goes_on(engines: Engines) -> None:
    async def main() -> None:
        sentences = [
            "Please fill in this form today.",
            "Then take a seat in the waiting room.",
            "My colleague will call your number.",
            "After that you can pay downstairs.",
            "We are open until five o'clock.",
            "Please bring your passport with you.",
            "The letter will be sent to your address.",
        ]
        voices = [await voiced(engines, each, "en") for each in sentences]
        async with living(engines, PATIENT, simultaneous=True) as live:
            clerk, _ = live.connect(STAFF), live.connect(VISITOR)
            for samples in voices:  # a slow processor speaks later, but before the speaker ends
                await live.say(clerk, samples)
                if live.of(SpeechBegan):
                    break
            assert live.of(SpeechBegan) and not finals(live)
            await live.say(clerk, silence(2.5))
            (ended,) = await live.until(SpeechEnded)
            committed = ""
            for each in live.of(Translation):
                assert each.text.startswith(committed)
                committed = each.text[: each.committed]
            (whole,) = [each for each in live.of(Translation) if each.final]
            assert ended.text == whole.text
            assert len(live.of(SpeechBegan)) == 1

    asyncio.run(main())


def test_by_default_nothing_is_spoken_before_the_end(engines: Engines) -> None:
    async def main() -> None:
        sentences = ["Please fill in this form today.", "Then take a seat in the waiting room."]
        samples = np.concatenate([await voiced(engines, each, "en") for each in sentences])
        async with living(engines, PATIENT) as live:
            clerk, _ = live.connect(STAFF), live.connect(VISITOR)
            await live.say(clerk, samples)
            assert not live.of(SpeechBegan)

    asyncio.run(main())


# Who speaks, and who is spoken to ----------------------------------------------------------------


def test_who_begins_to_speak_is_not_spoken_to_any_more(engines: Engines) -> None:
    async def main() -> None:
        samples = await voiced(engines, "Onde fica a sala doze?", "pt")
        async with living(engines) as live:
            clerk, visitor = live.connect(STAFF), live.connect(VISITOR)
            long = "The form has to be signed and brought back by Friday. " * 4
            await live.conversation.type(clerk, long, None)
            await live.until(SpeechChunk, 10)
            await live.say(visitor, samples[: 2 * RATE])
            (started,) = await live.until(SpeechStarted)
            (ended,) = await live.until(SpeechEnded)
            assert ended.stopped and ended.party is VISITOR
            at = live.events.index(started)
            assert not any(isinstance(each, SpeechChunk) for each in live.events[at + 2 :])

    asyncio.run(main())


def test_a_voice_that_was_sent_whole_can_still_be_stopped(engines: Engines) -> None:
    async def main() -> None:
        async with living(engines) as live:
            clerk, visitor = live.connect(STAFF), live.connect(VISITOR)
            await live.conversation.type(clerk, "Please take a seat over there.", None)
            (whole,) = await live.until(SpeechEnded)
            assert not whole.stopped
            live.conversation.stop_speaking(visitor, None)
            _, stopped = await live.until(SpeechEnded, 2)
            assert (stopped.utterance, stopped.stopped) == (whole.utterance, True)

    asyncio.run(main())


def test_a_wrong_speaker_can_be_put_right(engines: Engines) -> None:
    async def main() -> None:
        samples = await voiced(engines, "Bom dia, tenho uma pergunta sobre o formulário.", "pt")
        async with living(engines) as live:
            tablet = live.connect(STAFF, VISITOR, turn_taking=TurnTaking.SHARED_MICROPHONE)
            await live.say(tablet, np.concatenate([samples, silence(1.5)]))
            await live.until(SpeechEnded)
            (first,) = finals(live)
            assert (first.party, first.language) == (VISITOR, "pt")
            await live.conversation.corrections.correct(tablet, first.utterance, None, STAFF)
            await live.until(SpeechBegan, 2)
            second = finals(live)[-1]
            assert (second.party, second.language) == (STAFF, "en")
            assert (second.utterance, second.revision) == (first.utterance, first.revision + 1)
            assert live.of(Translation)[-1].target == "pt"
            assert live.of(SpeechBegan)[-1].repeated
            with pytest.raises(ProtocolError, match="a text or a party"):
                await live.conversation.corrections.correct(tablet, first.utterance, None, None)

    asyncio.run(main())


def test_the_sound_of_an_own_microphone_is_gone_once_it_was_recognised(engines: Engines) -> None:
    async def main() -> None:
        samples = await voiced(engines, "Bom dia, tenho uma pergunta.", "pt")
        async with living(engines) as live:
            visitor = live.connect(VISITOR)
            await live.say(visitor, np.concatenate([samples, silence(1.5)]), pace=4.0)
            await live.until(Translation)
            with pytest.raises(ProtocolError, match="its sound is gone"):
                await live.conversation.corrections.correct(
                    visitor, finals(live)[0].utterance, None, STAFF
                )

    asyncio.run(main())


def test_a_tablet_does_not_interpret_its_own_voice(engines: Engines) -> None:
    """The voice comes back out of the room 20 dB softer, as it is played."""

    async def main(guarded: bool) -> list[Event]:
        async with living(engines) as live:
            tablet = live.connect(STAFF, VISITOR, turn_taking=TurnTaking.SHARED_MICROPHONE)
            if not guarded:
                assert tablet.microphone
                monkey = EchoGuard()  # one that is told nothing
                object.__setattr__(tablet.microphone._around, "guard", monkey)
            await live.conversation.type(
                tablet, "Please bring your passport and the form when you come again.", STAFF
            )
            (whole,) = await live.until(SpeechEnded)
            voice = np.concatenate([chunk.samples for chunk in live.of(SpeechChunk)])
            room = np.random.default_rng(1).normal(0, 20, len(voice) * 2 // 3).astype(np.int16)
            echo = (resample(voice, 24_000, RATE)[: len(room)] * 0.1).astype(np.int16) + room
            played = 0.0
            for start in range(0, len(echo), RATE // 2):  # it tells every half second
                live.conversation.played(tablet, whole.utterance, played)
                await live.say(tablet, echo[start : start + RATE // 2])
                played = min(whole.seconds, (start + RATE // 2) / RATE)
            live.conversation.played(tablet, whole.utterance, played)
            await live.say(tablet, silence(1.5))
            await asyncio.sleep(1.0)
            return [
                each for each in live.of(Transcript) if each.ending is not None or not each.final
            ]

    assert asyncio.run(main(guarded=False))  # the room is loud enough to be understood
    assert not asyncio.run(main(guarded=True))


# Faults ------------------------------------------------------------------------------------------


def test_a_stuck_call_times_out_and_the_conversation_goes_on(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = engines.recognizer
    assert isinstance(recognizer, WhisperRecognizer)
    opened, hear_all, stuck = threading.Event(), recognizer._hear, threading.Event()

    def hear(speeches: Any) -> Any:
        if not stuck.is_set():
            stuck.set()
            opened.wait(20)
        return hear_all(speeches)

    monkeypatch.setattr(recognizer, "_hear", hear)
    monkeypatch.setattr(whisper, "_CALL_SECONDS", 2.0)

    async def main() -> None:
        samples = await voiced(engines, "Bom dia.", "pt")
        said = np.concatenate([samples, silence(1.5)])
        async with living(engines) as live:
            visitor = live.connect(VISITOR)
            await live.say(visitor, said)
            await live.wait(lambda: bool(finals(live) or live.of(Failure)))
            before = len(finals(live))
            await live.say(visitor, said)
            await live.wait(lambda: len(finals(live)) > before)
            assert stuck.is_set()
            assert "bom dia" in finals(live)[-1].text.lower()

    try:
        asyncio.run(main())
    finally:
        opened.set()


def test_people_are_told_when_the_machine_is_behind_and_when_it_has_recovered(
    engines: Engines,
) -> None:
    """Both workers are kept inside calls until a final one has waited for too long."""
    opened = threading.Event()

    async def main() -> None:
        async with living(engines) as live:
            live.connect(VISITOR)
            run = engines.run
            calls = [asyncio.create_task(_final(run, lambda: opened.wait(20))) for _ in range(3)]
            await live.until(Notice, 1, 15)
            opened.set()
            await asyncio.gather(*calls)
            await live.until(Notice, 2)
            assert [each.code for each in live.of(Notice)] == [
                "machine-behind",
                "machine-recovered",
            ]

    async def _final(run: Any, call: Any) -> None:
        from interpreter.work import Priority

        await run(Priority.FINAL, call)

    asyncio.run(main())
