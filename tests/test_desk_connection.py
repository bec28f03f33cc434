"""The client library against a real server, over lines that break."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Recording, Server, start_server, stop_server
from desk_lines import Ears, invited, relayed, speaker, staff, typist

from interpreter.audio import RATE, Samples, silence
from interpreter.channels import protocol
from interpreter.errors import InterpreterError
from interpreter.events import Party, TurnTaking
from interpreter_desk import line
from interpreter_desk.address import Address
from interpreter_desk.connection import Connection, Line, SpeechFrame
from interpreter_desk.rest import Staff

FRAME_SECONDS = 0.1


async def speak(connection: Connection, samples: Samples, cut: Callable[[int], None]) -> None:
    """Stream in real time; `cut` is told the number of each frame that has been handed over."""
    length = round(FRAME_SECONDS * RATE)
    began = time.monotonic()
    for number, start in enumerate(range(0, len(samples) - length + 1, length)):
        connection.send_audio(samples[start : start + length])
        cut(number)
        await asyncio.sleep(began + (number + 1) * FRAME_SECONDS - time.monotonic())


@pytest.mark.parametrize("cuts", [(), (3, 11, 12, 25, 40)])
def test_speech_over_a_line_that_is_cut_is_interpreted_once_and_whole(
    server: Server, recordings: dict[str, Recording], cuts: tuple[int, ...]
) -> None:
    spoken = recordings["tel8k_en_conf-onlyperson"].samples()

    async def converse() -> tuple[Ears, Ears]:
        async with (
            invited(server) as invitation,
            relayed(server) as relay,
            relayed(server) as other_relay,
            Connection(relay.address, speaker(invitation.tokens.staff)) as clerk,
            Connection(other_relay.address, protocol.Join(invitation.tokens.visitor)) as visitor,
        ):
            mine, theirs = Ears(clerk), Ears(visitor)

            def cut(number: int) -> None:
                if number in cuts:
                    relay.cut()
                    other_relay.cut()

            await speak(clerk, np.concatenate([spoken, silence(2.5)]), cut)
            await theirs.until(lambda: theirs.of(protocol.SpeechEndMessage))
            other_relay.cut()  # what is told after this one is told over yet another line
            await clerk.text("Thank you.")
            await theirs.until(lambda: len(theirs.of(protocol.SpeechEndMessage)) == 2)
            await mine.until(lambda: clerk.unacknowledged_seconds < 1.0)
            assert relay.cuts == len(cuts)
        return mine, theirs

    mine, theirs = asyncio.run(converse())
    for ears in (mine, theirs):
        transcripts = [each for each in ears.of(protocol.TranscriptMessage) if each.final]
        assert len(transcripts) == 2
        assert "only person" in transcripts[0].text.lower()
        assert transcripts[1].text == "Thank you."
        numbers = [
            each.event
            for each in ears.received
            if not isinstance(each, Line | protocol.Joined | protocol.Unnumbered)
        ]
        assert numbers == sorted(set(numbers))
        assert not ears.of(protocol.NoticeMessage) + ears.of(protocol.ErrorMessage)
    for end in theirs.of(protocol.SpeechEndMessage):
        assert len(theirs.voice(end.utterance)) / 24_000 == pytest.approx(end.seconds, abs=0.001)
    connected = [each.connected for each in mine.of(Line)]
    assert connected == [False, True] * (len(connected) // 2)
    assert bool(connected) == bool(cuts)


def test_a_voice_that_is_cut_anywhere_arrives_once(server: Server) -> None:
    text = "Good morning. Please fill in this form. Bring it back on Thursday, with your passport."

    async def listen(cut_after: int | None) -> Samples:
        async with (
            invited(server) as invitation,
            relayed(server) as relay,
            Connection(relay.address, protocol.Join(invitation.tokens.visitor)) as visitor,
            Connection(Address(server.address), typist(invitation.tokens.staff)) as clerk,
        ):
            ears = Ears(visitor)
            await clerk.text(text)
            if cut_after is not None:
                await ears.until(lambda: len(ears.of(SpeechFrame)) >= cut_after)
                relay.cut()
            await ears.until(lambda: ears.of(protocol.SpeechEndMessage))
        (end,) = ears.of(protocol.SpeechEndMessage)
        heard = ears.voice()
        assert len(heard) / 24_000 == pytest.approx(end.seconds, abs=0.001)
        assert len(ears.of(Line)) == (0 if cut_after is None else 2)
        return heard

    whole = asyncio.run(listen(None))
    assert len(whole) > 24_000
    for cut_after in (1, 7, 20):
        assert np.array_equal(asyncio.run(listen(cut_after)), whole)


def test_what_the_server_will_not_have_is_refused_at_the_door(server: Server) -> None:
    async def join(token: str, turn_taking: TurnTaking = TurnTaking.OWN_MICROPHONE) -> str:
        asked = protocol.Join(token, 16_000, turn_taking=turn_taking)
        with pytest.raises(InterpreterError) as caught:
            async with Connection(Address(server.address), asked):
                pass
        return caught.value.code

    async def knock() -> None:
        assert await join("made up") == "bad-token"
        async with invited(server) as invitation:
            assert await join(invitation.tokens.shared) == "not-allowed"

    asyncio.run(knock())


def test_a_conversation_that_staff_ends_ends_the_iteration(server: Server) -> None:
    async def converse() -> Ears:
        async with (
            invited(server) as invitation,
            Connection(Address(server.address), typist(invitation.tokens.visitor)) as visitor,
        ):
            ears = Ears(visitor)
            await staff(server).end_conversation(invitation.conversation)
            await ears.end()
            assert [each async for each in visitor] == []
        return ears

    ears = asyncio.run(converse())
    assert ears.failure is None
    assert isinstance(ears.received[-1], protocol.EndedMessage)


def test_leaving_is_told_to_the_other_side_at_once(server: Server) -> None:
    async def converse() -> None:
        async with (
            invited(server) as invitation,
            Connection(Address(server.address), typist(invitation.tokens.staff)) as clerk,
        ):
            ears = Ears(clerk)
            async with Connection(
                Address(server.address), typist(invitation.tokens.visitor)
            ) as visitor:
                theirs = Ears(visitor)
                await visitor.leave()
                await theirs.end(5.0)
            await ears.until(
                lambda: any(
                    each.state == "left" and each.party is Party.VISITOR
                    for each in ears.of(protocol.PartyMessage)
                ),
                5.0,
            )

    asyncio.run(converse())


def test_a_conversation_that_ended_during_a_cut_is_not_resumed(server: Server) -> None:
    async def converse() -> Ears:
        async with (
            invited(server) as invitation,
            relayed(server) as relay,
            Connection(relay.address, typist(invitation.tokens.visitor)) as visitor,
        ):
            ears = Ears(visitor)
            relay.refusing = True
            relay.cut()
            await ears.until(lambda: ears.of(Line))
            await staff(server).end_conversation(invitation.conversation)
            await asyncio.sleep(0.5)
            relay.refusing = False
            await ears.end()
        return ears

    ears = asyncio.run(converse())
    assert ears.failure is not None and ears.failure.code == "conversation-ended"


def test_a_line_that_does_not_come_back_is_given_up(server: Server) -> None:
    async def converse() -> Ears:
        async with invited(server) as invitation, relayed(server) as relay:
            join = typist(invitation.tokens.staff)
            async with Connection(relay.address, join, give_up_seconds=2.0) as clerk:
                ears = Ears(clerk)
                relay.refusing = True
                relay.cut()
                await ears.until(lambda: ears.of(Line))
                with pytest.raises(InterpreterError) as caught:
                    await clerk.text("Does anybody hear me?")
                assert caught.value.code == "not-sent"
                await ears.end(0.5)
        return ears

    began = time.monotonic()
    ears = asyncio.run(converse())
    assert 2.0 < time.monotonic() - began < 6.0
    assert ears.failure is not None and ears.failure.code == "connection-lost"


def test_what_was_said_during_too_long_a_cut_is_lost_and_both_sides_say_so(server: Server) -> None:
    async def converse() -> Ears:
        async with (
            invited(server) as invitation,
            relayed(server) as relay,
            Connection(relay.address, speaker(invitation.tokens.staff), keep_seconds=1.0) as clerk,
        ):
            ears = Ears(clerk)
            relay.refusing = True
            relay.cut()
            await ears.until(lambda: ears.of(Line))
            for _number in range(50):
                clerk.send_audio(silence(FRAME_SECONDS))
            relay.refusing = False
            await ears.until(lambda: ears.of(protocol.NoticeMessage))
            await ears.until(lambda: clerk.unacknowledged_seconds == 0)
        return ears

    ears = asyncio.run(converse())
    back = [each for each in ears.of(Line) if each.connected]
    assert [each.lost_seconds for each in back] == [pytest.approx(4.0)]
    assert [each.code for each in ears.of(protocol.NoticeMessage)] == ["audio-lost"]


def test_a_line_that_died_silently_is_noticed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "_HEARTBEAT_SECONDS", 0.5)

    async def converse() -> float:
        async with (
            invited(server) as invitation,
            relayed(server) as relay,
            Connection(relay.address, typist(invitation.tokens.visitor)) as visitor,
        ):
            ears = Ears(visitor)
            relay.dead = True
            began = time.monotonic()
            await ears.until(lambda: ears.of(Line))
            noticed = time.monotonic() - began
            relay.dead = False
            await ears.until(lambda: len(ears.of(Line)) == 2)
            await visitor.text("Bom dia.")
            await ears.until(lambda: ears.of(protocol.TranslationMessage))
        return noticed

    assert asyncio.run(converse()) < 5.0


def test_a_self_signed_certificate_is_trusted_only_when_it_is_named(tmp_path: Path) -> None:
    async def converse(server: Server) -> None:
        trusted = Address(server.address, verify=tmp_path / "self-signed.crt")
        invitation = await Staff(trusted, server.key).create_conversation("en", "pt")
        join = typist(invitation.tokens.staff)
        async with (
            Connection(trusted, join) as clerk,
            Connection(Address(server.address, verify=False), join) as colleague,
        ):
            assert clerk.joined and colleague.joined
            assert clerk.joined.conversation == colleague.joined.conversation
        with pytest.raises(InterpreterError, match="certificate") as caught:
            async with Connection(Address(server.address), join):
                pass
        assert caught.value.code == "server-unreachable"

    started = start_server("--self-signed", INTERPRETER_STATE=str(tmp_path))
    try:
        asyncio.run(converse(started))
    finally:
        stop_server(started)


def test_nobody_there_is_told_at_once_and_not_waited_for(server: Server) -> None:
    async def converse() -> float:
        async with relayed(server) as relay:
            relay.refusing = True
            began = time.monotonic()
            with pytest.raises(InterpreterError) as caught:
                async with Connection(relay.address, typist("token")):
                    pass
            assert caught.value.code == "server-unreachable"
        return time.monotonic() - began

    assert asyncio.run(converse()) < 5.0


def test_audio_without_a_microphone_is_refused_before_it_is_sent(server: Server) -> None:
    async def converse() -> None:
        async with (
            invited(server) as invitation,
            Connection(Address(server.address), typist(invitation.tokens.staff)) as clerk,
        ):
            with pytest.raises(InterpreterError) as caught:
                clerk.send_audio(silence(FRAME_SECONDS))
        assert caught.value.code == "unsupported-audio"

    asyncio.run(converse())
