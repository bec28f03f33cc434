"""What people can do in a conversation, over real websockets with real engines."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest
from in_process import Running, receive, receive_final, receive_until, running, with_limits
from websockets.asyncio.client import ClientConnection

from interpreter.audio import RATE, Samples, resample, silence
from interpreter.channels import protocol, wire
from interpreter.connection import Engines
from interpreter.events import Party, TurnTaking

FRAME = RATE // 25
LONG_SPEECH = {
    "The office is open from Monday to Friday in the morning.": "monday",
    "Please bring your passport when you come to the counter.": "passport",
    "The library is on the second floor next to the stairs.": "library",
    "Your landlord has to sign the form before you move in.": "landlord",
    "We need the birth certificate of your daughter as well.": "certificate",
    "The bus to the railway station leaves every ten minutes.": "railway",
    "You can pay the fee with a card or in cash downstairs.": "downstairs",
    "My colleague will send you a letter after the weekend.": "colleague",
    "The school is looking for your doctor's telephone number.": "telephone",
    "Bring a photograph that is not older than six months.": "photograph",
    "The waiting room is at the end of the corridor, on the left.": "corridor",
    "Children under twelve travel without a ticket on Sundays.": "sunday",
}
"""Sentences of three to four seconds, and a word to know each by."""


@pytest.fixture(scope="module")
def house(engines: Engines) -> Iterator[Running]:
    with running(engines) as service:
        yield service


@contextlib.asynccontextmanager
async def joined(
    house: Running, token: str, **options: Any
) -> AsyncIterator[tuple[ClientConnection, protocol.Joined]]:
    """A websocket that has joined."""
    async with house.websocket() as websocket:
        await say(websocket, protocol.Join(token, **options))
        answer = await receive(websocket)
        assert isinstance(answer, protocol.Joined), answer
        yield websocket, answer


async def say(websocket: ClientConnection, message: protocol.Message) -> None:
    await websocket.send(wire.encode(message))


async def speak(websocket: ClientConnection, samples: Samples, first: int = 0) -> int:
    """Send audio as fast as it goes; gives the next sequence."""
    for start in range(0, len(samples) // FRAME * FRAME, FRAME):
        await websocket.send(
            wire.encode_audio(samples[start : start + FRAME], stream=0, sequence=first)
        )
        first += 1
    return first


async def voiced(engines: Engines, text: str, language: str) -> Samples:
    """A sentence as a microphone would hear it, and the silence after it."""
    sounds = [
        resample(sound.samples, sound.rate, RATE)
        async for sound in engines.synthesizer.synthesize(text, language)
    ]
    return np.concatenate([silence(0.4), *sounds, silence(1.2)])


def without_silence(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 500)
    return samples[loud[0] : loud[-1]]


def test_typed_words_reach_the_other_party_in_both_directions(house: Running) -> None:
    async def main() -> None:
        tokens = house.open()
        async with (
            joined(house, tokens["staff"]) as (staff, welcome),
            joined(house, tokens["visitor"]) as (visitor, _),
        ):
            assert welcome.you == [Party.STAFF]
            assert welcome.parties[Party.VISITOR].name == "Português"
            assert welcome.parties[Party.STAFF].translation == "good"
            assert set(welcome.notice) == {"en"}
            await say(staff, protocol.TypedText("Please take a seat."))
            heard = await receive_final(visitor, protocol.TranslationMessage)
            assert (heard.source, heard.target, heard.party) == ("en", "pt", Party.STAFF)
            assert "sent" in heard.text.lower()
            ended = await receive_until(visitor, protocol.SpeechEndMessage)
            assert ended.party is Party.VISITOR
            assert ended.seconds > 0.3
            await say(visitor, protocol.TypedText("Bom dia!"))
            back = await receive_final(staff, protocol.TranslationMessage)
            while back.party is Party.STAFF:
                back = await receive_final(staff, protocol.TranslationMessage)
            assert back.text.lower().startswith("good morning")

    asyncio.run(main())


def test_speech_is_heard_read_and_spoken(house: Running, engines: Engines) -> None:
    async def main() -> None:
        tokens = house.open()
        samples = await voiced(engines, "Bom dia, tenho uma pergunta.", "pt")
        async with (
            joined(house, tokens["staff"]) as (staff, _),
            joined(house, tokens["visitor"], microphone_rate=RATE) as (visitor, _),
        ):
            await speak(visitor, samples)
            transcript = await receive_final(visitor, protocol.TranscriptMessage)
            assert "pergunta" in transcript.text.lower()
            assert transcript.language == "pt"
            assert transcript.words
            assert transcript.words[-1].end <= len(samples) / RATE
            translation = await receive_final(staff, protocol.TranslationMessage)
            assert "question" in translation.text.lower()
            speech = await receive_until(staff, protocol.SpeechMessage)
            assert (speech.language, speech.rate) == ("en", 24_000)
            timing = await receive_until(staff, protocol.TimingMessage)
            assert timing.endpoint is not None
            assert timing.transcript is not None
            assert timing.translation is not None
            assert timing.first_audio is not None
            assert timing.endpoint <= timing.transcript <= timing.translation

    asyncio.run(main())


def test_push_to_talk_on_a_shared_device(house: Running, engines: Engines) -> None:
    async def main() -> None:
        token = house.open()["shared"]
        question = await voiced(engines, "Onde fica a sala doze?", "pt")
        answer = await voiced(engines, "On the second floor.", "en")
        async with joined(
            house, token, microphone_rate=RATE, turn_taking=TurnTaking.PUSH_TO_TALK
        ) as (tablet, welcome):
            assert set(welcome.notice) == {"en", "pt"}
            number = await speak(tablet, question)  # nobody pressed: nobody listens
            for samples, party in [(question, Party.VISITOR), (answer, Party.STAFF)]:
                await say(tablet, protocol.Talk(True, number, party))
                number = await speak(tablet, samples, number + 1)
                await say(tablet, protocol.Talk(False, number, party))
                number += 1
                transcript = await receive_final(tablet, protocol.TranscriptMessage)
                assert (transcript.party, transcript.ending) == (party, "button")
                ended = await receive_until(tablet, protocol.SpeechEndMessage)
                assert ended.party is party.other
            await say(tablet, protocol.Talk(True, number, Party.STAFF))
            number = await speak(tablet, silence(0.5), number + 1)
            await say(tablet, protocol.Talk(False, number, Party.STAFF))
            notice = await receive_until(tablet, protocol.NoticeMessage)
            assert notice.code == "nothing-heard"

    asyncio.run(main())


def test_the_language_tells_who_spoke_at_a_shared_microphone(
    house: Running, engines: Engines
) -> None:
    async def main() -> None:
        token = house.open()["shared"]
        samples = [
            await voiced(engines, "Preciso de renovar a minha autorização de residência.", "pt"),
            await voiced(engines, "Please fill in this form and come back on Friday.", "en"),
        ]
        async with joined(
            house, token, microphone_rate=RATE, turn_taking=TurnTaking.SHARED_MICROPHONE
        ) as (tablet, _):
            await speak(tablet, np.concatenate(samples))
            first = await receive_final(tablet, protocol.TranscriptMessage)
            second = await receive_final(tablet, protocol.TranscriptMessage)
            assert (first.party, first.language) == (Party.VISITOR, "pt")
            assert (second.party, second.language) == (Party.STAFF, "en")

    asyncio.run(main())


def test_an_utterance_that_is_too_long_is_split_and_nothing_is_lost(
    house: Running, engines: Engines
) -> None:
    async def main() -> None:
        tokens = house.open()
        spoken = [
            np.append(without_silence(await voiced(engines, sentence, "en")), silence(0.2))
            for sentence in LONG_SPEECH
        ]
        samples = np.concatenate([*spoken, silence(1.5)])
        assert len(samples) / RATE > 30
        async with joined(house, tokens["staff"], microphone_rate=RATE) as (staff, _):
            await speak(staff, samples)
            texts = []
            while True:
                transcript = await receive_final(staff, protocol.TranscriptMessage, 60)
                texts.append(transcript)
                if transcript.ending == "silence":
                    break
            assert [each.ending for each in texts[:-1]] == ["length"] * (len(texts) - 1)
            assert len(texts) > 1
            said = " ".join(each.text.lower() for each in texts)
            missing = [word for word in LONG_SPEECH.values() if word not in said]
            assert not missing

    asyncio.run(main())


def test_correct_say_again_slower_and_stop(house: Running) -> None:
    async def main() -> None:
        tokens = house.open()
        async with (
            joined(house, tokens["staff"]) as (staff, _),
            joined(house, tokens["visitor"]) as (visitor, _),
        ):
            await say(visitor, protocol.TypedText("A consulta é na terça-feira."))
            first = await receive_until(staff, protocol.SpeechEndMessage)
            await say(staff, protocol.Played(first.utterance, round(first.seconds * 1000)))
            timing = await receive_until(staff, protocol.TimingMessage)
            while timing.played is None:
                timing = await receive_until(staff, protocol.TimingMessage)
            assert timing.played == pytest.approx(first.seconds, abs=0.01)
            # staff may correct what the visitor said
            await say(staff, protocol.Correct(first.utterance, "A consulta é na quinta-feira."))
            corrected = await receive_final(staff, protocol.TranslationMessage)
            assert (corrected.utterance, corrected.revision) == (first.utterance, 2)
            assert "Thursday" in corrected.text
            speech = await receive_until(staff, protocol.SpeechMessage)
            assert speech.repeated
            once_more = await receive_until(staff, protocol.SpeechEndMessage)
            # slower, and again
            await say(staff, protocol.Slower(0.6))
            await say(staff, protocol.SayAgain())
            slow = await receive_until(staff, protocol.SpeechEndMessage)
            assert slow.seconds > 1.25 * once_more.seconds
            assert slow.text == once_more.text
            # stop: of three long ones at least the last is never spoken to its end
            long = "O prazo termina na sexta-feira e o formulário tem de ser assinado. " * 4
            for _ in range(3):
                await say(visitor, protocol.TypedText(long))
            await receive_until(staff, protocol.SpeechMessage)
            await say(staff, protocol.StopSpeaking())
            stopped = await receive_until(staff, protocol.SpeechEndMessage)
            while not stopped.stopped:
                stopped = await receive_until(staff, protocol.SpeechEndMessage)

    asyncio.run(main())


def test_consent_comes_before_the_microphone(house: Running, engines: Engines) -> None:
    async def main() -> None:
        tokens = house.open(consent_required=True)
        samples = await voiced(engines, "Bom dia, tenho uma pergunta.", "pt")
        async with joined(house, tokens["visitor"], microphone_rate=RATE) as (visitor, welcome):
            assert welcome.consent_required
            number = await speak(visitor, samples)
            refused = await receive_until(visitor, protocol.ErrorMessage)
            assert refused.code == "consent-required"
            assert set(refused.messages) == {"pt"}
            await say(visitor, protocol.Consent(True))
            agreed = await receive_until(visitor, protocol.PartyMessage)
            assert (agreed.state, agreed.consent) == ("consent", True)
            await speak(visitor, samples, number)
            # the first utterance that is heard is the one after the consent
            transcript = await receive_final(visitor, protocol.TranscriptMessage)
            assert transcript.utterance == 1

    asyncio.run(main())


def test_a_newcomer_reads_what_was_said(house: Running) -> None:
    async def main() -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as (staff, _):
            await say(staff, protocol.TypedText("Please take a seat."))
            await receive_final(staff, protocol.TranslationMessage)
            async with joined(house, tokens["visitor"]) as (visitor, _):
                transcript = await receive(visitor)
                translation = await receive(visitor)
                assert isinstance(transcript, protocol.TranscriptMessage)
                assert isinstance(translation, protocol.TranslationMessage)
                came = await receive(visitor)
                assert isinstance(came, protocol.PartyMessage)
                assert (came.party, came.state) == (Party.VISITOR, "joined")
            left = await receive_until(staff, protocol.PartyMessage)
            while left.state == "joined":
                left = await receive_until(staff, protocol.PartyMessage)
            assert (left.party, left.state) == (Party.VISITOR, "away")

    asyncio.run(main())


@pytest.mark.parametrize(("rate", "seconds"), [(None, 0.0), (RATE, 0.0), (RATE, 0.4)])
def test_a_line_on_which_nobody_speaks_can_be_told_from_a_dead_one(
    house: Running, monkeypatch: pytest.MonkeyPatch, rate: int | None, seconds: float
) -> None:
    monkeypatch.setattr("interpreter.channels.stream._ALIVE_SECONDS", 1.0)

    async def main() -> None:
        async with joined(house, house.open()["staff"], microphone_rate=rate) as (staff, _):
            arrived = await speak(staff, silence(seconds)) - 1 if seconds else -1
            told = [(await receive_until(staff, protocol.Ack, 5.0)).sequence for _ in range(4)]
            assert told == sorted(told)
            assert told[-2:] == [arrived, arrived]

    asyncio.run(main())


def test_the_last_to_leave_ends_it(house: Running) -> None:
    async def main() -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as (staff, _):
            async with joined(house, tokens["visitor"]) as (visitor, _):
                await say(visitor, protocol.Leave())
            left = await receive_until(staff, protocol.PartyMessage)
            while left.state != "left":
                left = await receive_until(staff, protocol.PartyMessage)
            await say(staff, protocol.Leave())
        async with house.websocket() as late:
            await say(late, protocol.Join(tokens["staff"]))
            refused = await receive(late)
            assert isinstance(refused, protocol.ErrorMessage)
            assert refused.code == "conversation-ended"

    asyncio.run(main())


def test_a_conversation_that_idles_ends(engines: Engines) -> None:
    async def main(house: Running) -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"], microphone_rate=RATE) as (staff, _):
            await speak(staff, silence(1.0))  # silence is no sign of life
            ended = await receive_until(staff, protocol.EndedMessage)
            assert ended.reason == "idle"

    with running(engines, with_limits(idle_seconds=1.0)) as house:
        asyncio.run(main(house))


def test_a_cut_connection_is_forgotten_after_its_time(engines: Engines) -> None:
    async def main(house: Running) -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as (staff, _):
            async with joined(house, tokens["visitor"], microphone_rate=RATE) as (cut, welcome):
                await speak(cut, silence(0.4))
                await asyncio.sleep(0.1)
                cut.transport.abort()
            states = []
            while "left" not in states:
                states.append((await receive_until(staff, protocol.PartyMessage)).state)
            assert states[-2:] == ["away", "left"]
            async with joined(
                house,
                tokens["visitor"],
                microphone_rate=RATE,
                connection=welcome.connection,
                resume_after=2,
                resume_audio=4,
            ) as (late, again):
                assert again.connection != welcome.connection
                assert again.audio == 4
                notice = await receive(late)
                assert isinstance(notice, protocol.NoticeMessage)
                assert notice.code == "audio-lost"

    with running(engines, with_limits(resume_seconds=0.5)) as house:
        asyncio.run(main(house))


def test_two_conversations_at_once_never_mix(house: Running, engines: Engines) -> None:
    async def converse(language: str, sentence: str, word: str) -> set[str]:
        party = "visitor" if language == "pt" else "staff"
        tokens = house.open()
        samples = await voiced(engines, sentence, language)
        seen: set[str] = set()
        async with (
            joined(house, tokens["staff"], microphone_rate=RATE) as (staff, _),
            joined(house, tokens["visitor"], microphone_rate=RATE) as (visitor, _),
        ):
            number = 0
            for _ in range(3):
                speaker, listener = (visitor, staff) if party == "visitor" else (staff, visitor)
                number = await speak(speaker, samples, number)
                heard = await receive_final(listener, protocol.TranscriptMessage, 60)
                assert word in heard.text.lower()
                seen.add(heard.text)
                await receive_until(listener, protocol.SpeechEndMessage, 60)
        return seen

    async def main() -> None:
        everything = await asyncio.gather(
            converse("pt", "O prazo termina na sexta-feira.", "sexta"),
            converse("pt", "Preciso de um passaporte novo.", "preciso"),
            converse("en", "The library is on the second floor.", "library"),
        )
        for index, texts in enumerate(everything):
            for other in everything[index + 1 :]:
                assert not texts & other

    asyncio.run(main())
