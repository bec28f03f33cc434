"""The time of a line: what waits to be played, and what comes in."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpreter.audio import Samples
from interpreter.channels.phone.line import Digit, Heard, LineEvent
from interpreter.channels.phone.pacing import Inflow, Outflow
from interpreter.channels.phone.unread import MOST_EVENTS, Unread
from interpreter.errors import PhoneError

RATE = 8_000
PIECE = 160
LOOK = 80


def loud(count: int) -> Samples:
    return np.full(count, 5_000, np.int16)


class Player:
    """A line that is looked at every 10 ms and plays 20 ms at every second look."""

    def __init__(self, ahead: int = 1_200) -> None:
        self.out = Outflow(RATE)
        self.ahead = ahead
        self.underway = 0
        self.looks = 0
        self.played: list[Samples] = []
        self.reached: list[tuple[int, str]] = []

    def look(self) -> None:
        samples = self.out.take(self.ahead - self.underway, self.underway)
        self.played.append(samples)
        self.underway += len(samples)
        self.reached += [(self.looks, name) for name in self.out.reached(self.underway)]
        self.looks += 1
        if self.looks % 2 == 0:
            self.out.note(self.underway)
            self.underway = max(0, self.underway - PIECE)

    def sound(self) -> Samples:
        return np.concatenate(self.played)


@given(st.lists(st.integers(0, 700), max_size=12))
def test_everything_appended_is_played_in_order(sizes: list[int]) -> None:
    player = Player()
    sent = np.arange(sum(sizes), dtype=np.int16)
    at = 0
    for number, size in enumerate(sizes):
        player.out.append(sent[at : at + size])
        player.out.mark(str(number))
        at += size
    for _ in range(len(sent) // LOOK + 40):
        player.look()
    assert np.array_equal(player.sound(), sent)
    assert [name for _, name in player.reached] == [str(number) for number in range(len(sizes))]


def test_it_plays_ahead_so_far_and_no_further() -> None:
    player = Player(ahead=1_200)
    player.out.append(loud(RATE))
    for _ in range(60):
        player.look()
        assert player.underway <= 1_200
    assert len(player.sound()) < RATE


def test_a_mark_is_reached_when_its_sound_has_been_played() -> None:
    player = Player()
    player.out.append(loud(RATE))
    player.out.mark("end")
    while not player.reached:
        player.look()
    assert 0.98 <= player.reached[0][0] * 0.01 <= 1.05


def test_flushing_tells_the_open_marks_and_plays_no_more() -> None:
    player = Player()
    player.out.append(loud(RATE))
    player.out.mark("a")
    player.out.append(loud(RATE))
    player.out.mark("b")
    player.look()
    assert player.out.flush() == ["a", "b"]
    assert player.out.flush() == []
    played = len(player.sound())
    player.look()
    assert len(player.sound()) == played


def test_it_is_full_after_a_minute() -> None:
    out = Outflow(RATE)
    out.append(loud(59 * RATE))
    assert not out.full
    out.append(loud(RATE))
    assert out.full


def test_a_fast_live_source_loses_silence_and_no_speech() -> None:
    """A source whose clock is a hundredth too fast, which speaks and pauses."""
    player = Player()
    spoken = 0
    deepest = 0
    for look in range(6_000):
        if look % 2 == 0:
            speaks = look % 400 < 300
            spoken += PIECE * speaks
            player.out.append(loud(PIECE) if speaks else np.zeros(PIECE, np.int16))
        if look % 200 == 199:
            player.out.append(np.zeros(PIECE, np.int16))
        player.look()
        deepest = max(deepest, player.underway)
    for _ in range(100):
        player.look()
    assert player.out.trimmed > 20
    assert deepest < 0.12 * RATE
    assert np.count_nonzero(player.sound()) == spoken


def test_pauses_of_prepared_speech_are_kept() -> None:
    player = Player()
    speech = np.concatenate([loud(RATE), np.zeros(RATE, np.int16)] * 3)
    player.out.append(speech)
    for _ in range(700):
        player.look()
    assert player.out.trimmed == 0
    assert np.array_equal(player.sound(), speech)


@given(st.lists(st.integers(0, 500), max_size=30))
def test_what_comes_in_is_cut_in_pieces_and_nothing_is_lost(sizes: list[int]) -> None:
    inflow = Inflow(RATE)
    sent = np.arange(sum(sizes), dtype=np.int16)
    pieces, at = [], 0
    for number, size in enumerate(sizes):
        pieces += inflow.push(sent[at : at + size], number * 0.01 + (0.0 if size else -0.01))
        at += size
        if inflow.made_up:
            return
    assert all(len(piece) == PIECE for piece in pieces)
    heard = np.concatenate([*pieces, np.zeros(0, np.int16)])
    assert np.array_equal(heard, sent[: len(heard)])
    assert len(sent) - len(heard) < PIECE


def test_silence_keeps_the_time_when_nothing_comes() -> None:
    inflow = Inflow(RATE)
    nothing = np.zeros(0, np.int16)
    assert inflow.push(nothing, 5.0) == []
    first = inflow.push(loud(PIECE), 5.01)
    assert len(first) == 1
    made = []
    for look in range(2, 202):
        made += inflow.push(nothing, 5.0 + look * 0.01)
    assert 90 <= len(made) <= 97
    assert (made[0][0], made[0][-1]) == (5_000, 0)
    assert not np.any(np.concatenate(made[1:]))
    assert np.array_equal(inflow.push(loud(PIECE), 7.1)[0], loud(PIECE))


def test_a_line_that_never_brings_anything_brings_silence() -> None:
    inflow = Inflow(RATE)
    nothing = np.zeros(0, np.int16)
    made = sum((inflow.push(nothing, look * 0.01) for look in range(200)), [])
    assert len(made) > 90
    assert not np.any(np.concatenate(made))


async def _read(unread: Unread) -> list[LineEvent]:
    return [event async for event in unread.read()]


def test_a_reader_that_is_behind_loses_the_oldest_sound_and_no_key() -> None:
    async def scenario() -> tuple[list[LineEvent], int]:
        unread = Unread(RATE)
        unread.tell(Digit("1"))
        for number in range(150):
            unread.tell(Heard(np.full(PIECE, number, np.int16)))
        unread.tell(Digit("2"))
        unread.end()
        unread.tell(Digit("3"))
        return await _read(unread), unread.dropped

    events, dropped = asyncio.run(scenario())
    assert (events[0], events[-1]) == (Digit("1"), Digit("2"))
    sound = [event.samples[0] for event in events if isinstance(event, Heard)]
    assert sound == list(range(50, 150))
    assert dropped == 50


def test_a_flood_of_keys_ends_somewhere() -> None:
    async def scenario() -> list[LineEvent]:
        unread = Unread(RATE)
        for _ in range(2 * MOST_EVENTS):
            unread.tell(Digit("1"))
        unread.end()
        return await _read(unread)

    assert len(asyncio.run(scenario())) == MOST_EVENTS


def test_the_reason_of_an_end_comes_after_what_waited() -> None:
    async def scenario() -> list[LineEvent]:
        unread = Unread(RATE)
        unread.tell(Digit("1"))
        unread.end(PhoneError("line-lost", "gone"))
        unread.end()
        seen = []
        with pytest.raises(PhoneError):
            async for event in unread.read():
                seen.append(event)
        return seen

    assert asyncio.run(scenario()) == [Digit("1")]
