import asyncio
import io
import os
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from interpreter.audio import RATE, silence
from interpreter.channels import protocol, wire
from interpreter.events import Party
from interpreter.work import Quality
from interpreter_desk.address import Address
from interpreter_desk.connection import Connection, Line, Received, SpeechFrame
from interpreter_desk.keyboard import keys
from interpreter_desk.loudspeaker import Loudspeaker
from interpreter_desk.participant import Participant
from interpreter_desk.screen import Screen, meter_line

LOUD = np.full(320, 3000, np.int16)


class Room:
    """A participant whose connection has not been opened: all that is sent stays in its outbox."""

    def __init__(self, *parties: Party, push_to_talk: bool = False, headset: bool = False) -> None:
        join = protocol.Join("token", microphone_rate=16_000)
        self.connection = Connection(Address("http://127.0.0.1:1"), join)
        self.loudspeaker = Loudspeaker(24_000)
        self.now = 0.0
        self.participant = Participant(
            self.connection,
            self.loudspeaker,
            lambda: self.now,
            parties=list(parties) or [Party.STAFF],
            push_to_talk=push_to_talk,
            headset=headset,
            rate=RATE,
        )

    def sent(self) -> list[str | bool]:
        """What was sent since the last time: speech, silence, or the buttons with their party."""
        sent: list[str | bool] = []
        while (frame := self.connection._outbox.take()) is not None:
            if isinstance(frame, bytes):
                samples = wire.decode_audio(frame, RATE).samples
                assert len(samples) == len(LOUD)
                sent.append("speech" if samples.any() else "silence")
            else:
                message = wire.decode_client(frame)
                assert isinstance(message, protocol.Talk)
                sent.append(f"{message.party or 'own'} {'down' if message.down else 'up'}")
        return sent


def test_hands_free_the_microphone_is_closed_while_the_machine_speaks() -> None:
    here = Room()
    here.participant.hear(LOUD)
    here.loudspeaker.push(1, np.full(2400, 5, np.int16))
    here.participant.hear(LOUD)
    assert here.participant.state == "the machine speaks"
    here.loudspeaker.fill(2400, 0.0)
    here.now = 0.2  # the voice is over, the room still sounds
    here.participant.hear(LOUD)
    here.now = 0.5
    here.participant.hear(LOUD)
    assert here.sent() == ["speech", "silence", "silence", "speech"]
    assert here.participant.state == "listening"


def test_with_a_headset_it_stays_open_unless_muted() -> None:
    here = Room(headset=True)
    here.loudspeaker.push(1, np.full(2400, 5, np.int16))
    here.participant.hear(LOUD)
    here.participant.press("m")
    here.participant.hear(LOUD)
    assert here.participant.state == "muted"
    here.participant.press("m")
    here.participant.hear(LOUD)
    assert here.sent() == ["speech", "silence", "speech"]
    assert here.participant.level > -30


def test_with_push_to_talk_nothing_goes_out_but_what_was_said_with_the_button_down() -> None:
    here = Room(push_to_talk=True)
    for key in ("", " ", "", " ", ""):
        here.participant.press(key)
        here.participant.hear(LOUD)
    assert here.sent() == [
        *("silence", "own down", "speech", "speech"),
        *("own up", "silence", "silence"),
    ]


def test_on_a_shared_device_each_party_has_a_key_and_takes_over_from_the_other() -> None:
    here = Room(Party.STAFF, Party.VISITOR, push_to_talk=True)
    for key in (" ", "s", "v", "v"):
        here.participant.press(key)
    assert here.sent() == ["staff down", "staff up", "visitor down", "visitor up"]
    assert here.participant.talking is None


def test_the_space_bar_does_nothing_where_the_microphone_is_open() -> None:
    here = Room()
    here.participant.press(" ")
    here.participant.press("s")
    assert here.sent() == []
    here.participant.press("q")
    assert here.participant.left.is_set()


def test_what_is_played_is_dropped_where_it_was_stopped() -> None:
    async def listen() -> list[Received]:
        shown: list[Received] = []
        here = Room()
        for received in (
            SpeechFrame(5, 1, np.full(2400, 1, np.int16), 24_000),
            SpeechFrame(6, 2, np.full(2400, 2, np.int16), 24_000),
            protocol.SpeechEndMessage(7, 1, Party.STAFF, "", 0.1, stopped=True),
            protocol.NoticeMessage(8, "please-repeat", {"en": "Please repeat."}, 3),
            None,
        ):
            await here.connection._received.put(received)
        await here.participant.listen(shown.append)
        assert set(here.loudspeaker.fill(4800, 0.0).tolist()) == {0, 2}
        return shown

    assert [type(each) for each in asyncio.run(listen())] == [protocol.NoticeMessage]


def screen() -> Screen:
    languages = {Party.STAFF: "en", Party.VISITOR: "pt"}
    return Screen(Console(file=io.StringIO(), width=100), languages, Party.STAFF)


def test_the_screen_tells_what_was_said_and_what_it_means() -> None:
    said = protocol.TranscriptMessage(1, 1, 1, Party.VISITOR, "pt", 0.9, "Bom dia.", 8, 0.9, True)
    means = protocol.TranslationMessage(
        *(2, 1, 1, Party.VISITOR, "pt", "en", "Good morning.", 13, "x", Quality.GOOD, True),
        flags=["low_confidence"],
    )
    assert str(screen().line(said)) == "visitor [pt] Bom dia."
    assert str(screen().line(means)) == "  → [en] Good morning. (?)"


@pytest.mark.parametrize(
    ("received", "shown"),
    [
        (protocol.NoticeMessage(1, "no-voice", {"pt": "Nada.", "en": "None."}), "no-voice: None."),
        (protocol.ErrorMessage(1, "overloaded", {"pt": "Cheio."}), "overloaded: Cheio."),
        (protocol.EndedMessage(1, "idle", {"en": "It is over."}), "It is over."),
        (protocol.PartyMessage(1, Party.VISITOR, "away", "pt"), "visitor away"),
        (Line(connected=False), "the line is cut; what you say is kept"),
        (Line(connected=True), "the line is back"),
        (Line(True, 12.4), "the line is back; 12 s of speech were lost"),
    ],
)
def test_the_screen_tells_what_happened_in_ones_own_language(
    received: Received, shown: str
) -> None:
    assert str(screen().line(received)) == shown


def test_the_screen_keeps_technical_messages_to_itself() -> None:
    assert screen().line(protocol.Ack(3)) is None
    assert screen().line(protocol.TimingMessage(4, 1, 0.5)) is None


def test_the_meter_reaches_from_silence_to_full_scale() -> None:
    assert meter_line(-96.0, "listening").count("█") == 0
    assert meter_line(-30.0, "listening").count("█") == 15
    assert meter_line(0.0, "muted").startswith("█" * 30)
    assert meter_line(-30.0, "muted").endswith(" -30 dB  muted")


def test_keys_of_a_terminal_arrive_one_by_one_and_the_terminal_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pressed: list[str] = []
    person, terminal = os.openpty()
    before = termios.tcgetattr(terminal)

    async def press() -> None:
        last = asyncio.Event()

        def note(key: str) -> None:
            pressed.append(key)
            if key == "q":
                last.set()

        with os.fdopen(terminal, closefd=False) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            with keys(note) as keyboard:
                assert keyboard
                os.write(person, b" xq")  # without a return key
                async with asyncio.timeout(5):
                    await last.wait()
            assert termios.tcgetattr(terminal) == before

    try:
        asyncio.run(press())
    finally:
        os.close(person)
        os.close(terminal)
    assert pressed == [" ", "x", "q"]


def test_without_a_terminal_there_are_no_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def look() -> bool:
        with keys(lambda key: None) as keyboard:
            return keyboard

    (tmp_path / "input").touch()
    with (tmp_path / "input").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert not asyncio.run(look())


def test_silence_is_not_loud() -> None:
    here = Room()
    here.participant.hear(silence(0.02))
    assert here.participant.level == -96.0
    assert here.sent() == ["silence"]


def test_words_grow_above_the_meter_until_they_are_final() -> None:
    def said(text: str, revision: int, *, final: bool) -> protocol.TranscriptMessage:
        return protocol.TranscriptMessage(
            *(revision, 7, revision, Party.VISITOR, "pt", 0.9, text, 3, 0.9, final)
        )

    shown = screen()
    shown.show(said("Bom", 1, final=False))
    shown.show(said("Bom dia, eu", 2, final=False))
    assert [str(line) for line in shown._growing.values()] == ["visitor [pt] Bom dia, eu"]
    shown.meter(-30.0, "listening")
    shown.show(said("Bom dia.", 3, final=True))
    assert not shown._growing
    shown.show(said("Bom", 1, final=False))
    shown.show(protocol.NoticeMessage(9, "please-repeat", {"en": "Again."}, 7))
    assert not shown._growing
