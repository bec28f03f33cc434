"""Sound cards. There is none where tests run, so PortAudio is stood in for; the rest is real."""

import argparse
import asyncio
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interpreter.audio import Samples, silence
from interpreter.errors import SettingsError
from interpreter_desk.desk import (
    add_desk_arguments,
    input_stream,
    output_stream,
    run_desk,
    sound_card,
)
from interpreter_desk.devices import Device, choose, listing
from interpreter_desk.loudspeaker import Loudspeaker

RATE = 24_000
DEVICES = [
    Device(0, "Built-in microphone", 2, 0),
    Device(1, "Built-in loudspeaker", 0, 2),
    Device(4, "USB headset", 1, 2),
]


class PortAudioError(Exception):
    pass


class FakeStream:
    """Calls back when told to, as the sound card's own thread would."""

    def __init__(self, callback: Any, **options: Any) -> None:
        self.callback, self.options = callback, options
        self.time, self.latency = 0.0, 0.05
        self.running = self.closed = False

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def close(self) -> None:
        self.closed = True

    def play(self, count: int, *, knows_when: bool = True) -> Samples:
        """The next block that goes to the loudspeaker."""
        block = np.zeros((count, 1), np.int16)
        dac = self.time + self.latency if knows_when else 0.0
        times = SimpleNamespace(outputBufferDacTime=dac, currentTime=self.time)
        self.callback(block, count, times, None)
        self.time += count / RATE
        played: Samples = block[:, 0]
        return played


class FakePortAudio:
    """What of the module is used."""

    def __init__(self, devices: list[Device], rates: dict[int, set[int]] | None = None) -> None:
        self._devices, self._rates = devices, rates or {}
        self.default = SimpleNamespace(device=(-1, 1))
        self.PortAudioError = PortAudioError
        self.streams: list[FakeStream] = []

    def query_devices(self) -> list[dict[str, Any]]:
        return [
            {"name": d.name, "max_input_channels": d.inputs, "max_output_channels": d.outputs}
            for d in self._devices
        ]

    def check_input_settings(self, device: int, samplerate: int, **_: Any) -> None:
        if samplerate not in self._rates.get(device, {16_000, 24_000, 48_000}):
            raise PortAudioError("Invalid sample rate")

    check_output_settings = check_input_settings

    def OutputStream(self, **options: Any) -> FakeStream:
        self.streams.append(FakeStream(**options))
        return self.streams[-1]

    InputStream = OutputStream


def test_a_device_is_chosen_by_number_name_or_the_systems_default() -> None:
    assert choose(DEVICES, "input", None, 4).number == 4
    assert choose(DEVICES, "input", None, -1).number == 0
    assert choose(DEVICES, "output", "4", 1).number == 4
    assert choose(DEVICES, "output", "HEADSET", 1).number == 4


@pytest.mark.parametrize(
    ("devices", "wanted"), [([], None), (DEVICES, "0"), (DEVICES, "9"), (DEVICES, "gramophone")]
)
def test_a_device_that_is_not_there_is_answered_with_what_is(
    devices: list[Device], wanted: str | None
) -> None:
    with pytest.raises(SettingsError) as caught:
        choose(devices, "output", wanted, -1)
    assert caught.value.code == "no-device"
    assert ("none at all" if not devices else "4 USB headset") in str(caught.value)


def test_an_empty_list_of_devices_is_an_error_too() -> None:
    assert "USB headset" in listing(DEVICES)
    with pytest.raises(SettingsError) as caught:
        listing([])
    assert caught.value.code == "no-device"


def test_the_best_rate_both_sides_know_is_taken() -> None:
    devices = [Device(0, "microphone", 1, 0), Device(1, "loudspeaker", 0, 2)]
    card = sound_card(FakePortAudio(devices), None, None)
    assert (card.input_rate, card.output_rate) == (16_000, 24_000)
    card = sound_card(FakePortAudio(devices, {0: {48_000}, 1: {44_100, 48_000}}), None, None)
    assert (card.input_rate, card.output_rate) == (48_000, 48_000)
    with pytest.raises(SettingsError) as caught:
        sound_card(FakePortAudio(devices, {1: {44_100}}), None, None)
    assert caught.value.code == "no-rate"


def desk(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_desk_arguments(parser)
    return run_desk(parser.parse_args(arguments))


@pytest.mark.parametrize("arguments", [["--devices"], ["--token", "x"]])
def test_without_portaudio_it_is_told_how_to_get_it(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert desk(*arguments) == 2
    assert "no-sound: sounddevice is not installed: pip install" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--devices"], ["--token", "x"]])
def test_without_a_sound_card_it_says_so(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio([]))
    assert desk(*arguments) == 2
    assert capsys.readouterr().err.startswith("no-device: ")


def test_devices_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio(DEVICES))
    assert desk("--devices") == 0
    assert "Built-in microphone" in capsys.readouterr().out


def test_a_desk_must_know_whom_to_join(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio(DEVICES))
    assert desk() == 2
    assert "give --token" in capsys.readouterr().err


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(1, 1500), st.none()), max_size=30), st.integers(40, 900))
def test_everything_is_played_once_in_order_and_counted_to_the_sample(
    steps: list[int | None], block: int
) -> None:
    """A number is a voice of that many samples that arrives; None lets a block be played."""
    loudspeaker = Loudspeaker(RATE)
    pushed: list[int] = []
    played: list[Samples] = []
    now, utterance = 0.0, 0
    for step in [*steps, *[None] * (sum(step or 0 for step in steps) // block + 1)]:
        if step is None:
            played.append(loudspeaker.fill(block, now))
            now += block / RATE
        else:
            utterance += 1
            loudspeaker.push(utterance, np.full(step, utterance, np.int16))
            pushed += [utterance] * step
        heard = loudspeaker.heard(now)
        sounded = np.concatenate(played) if played else silence(0)
        for number in range(1, utterance + 1):
            samples = int(np.count_nonzero(sounded == number))
            assert heard.get(number, 0.0) == pytest.approx(samples / RATE, abs=1.5 / RATE)
    together = np.concatenate(played)
    assert together[together != 0].tolist() == pushed
    assert not loudspeaker.sounding(now + 1.0)


def test_what_the_card_has_not_sounded_yet_is_not_counted() -> None:
    loudspeaker = Loudspeaker(RATE)
    loudspeaker.push(7, np.full(RATE, 1, np.int16))
    loudspeaker.fill(RATE // 2, heard_at=10.0)
    assert loudspeaker.heard(9.9) == {}
    assert loudspeaker.heard(10.25) == {7: pytest.approx(0.25)}
    assert loudspeaker.heard(60.0) == {7: pytest.approx(0.5)}
    assert loudspeaker.sounding(60.0)  # the other half waits
    loudspeaker.stop(7)
    assert loudspeaker.sounding(10.6) and not loudspeaker.sounding(11.0)
    loudspeaker.forget(7)
    assert loudspeaker.heard(60.0) == {}


def test_stopping_one_voice_leaves_the_next() -> None:
    loudspeaker = Loudspeaker(RATE)
    for utterance in (1, 2, 1):
        loudspeaker.push(utterance, np.full(100, utterance, np.int16))
    loudspeaker.stop(1)
    assert loudspeaker.fill(300, 0.0).tolist() == [2] * 100 + [0] * 200
    loudspeaker.push(3, np.full(100, 3, np.int16))
    loudspeaker.stop()
    assert not loudspeaker.fill(300, 1.0).any()


@pytest.mark.parametrize("knows_when", [True, False])
def test_the_output_stream_plays_what_is_pushed(knows_when: bool) -> None:
    module = FakePortAudio(DEVICES)
    card = sound_card(module, None, "headset")
    loudspeaker = Loudspeaker(card.output_rate)
    with output_stream(card, loudspeaker) as stream:
        assert stream.running and stream.options["samplerate"] == RATE
        loudspeaker.push(1, np.full(1000, 9, np.int16))
        block = stream.play(1200, knows_when=knows_when)
        assert block.tolist() == [9] * 1000 + [0] * 200
        assert loudspeaker.heard(stream.time + 0.05) == {1: pytest.approx(1000 / RATE)}
    assert stream.closed and not stream.running


def test_the_input_stream_hands_copies_to_the_event_loop() -> None:
    heard: list[Samples] = []
    module = FakePortAudio(DEVICES)

    async def listen() -> None:
        card = sound_card(module, None, None)
        with input_stream(card, heard.append):
            (stream,) = module.streams
            block = np.full((320, 1), 5, np.int16)
            await asyncio.to_thread(stream.callback, block, 320, None, None)
            block[:] = 0  # PortAudio uses it again
            await asyncio.sleep(0)
        assert stream.closed

    asyncio.run(listen())
    assert [samples.tolist() for samples in heard] == [[5] * 320]


def test_a_device_that_will_not_start_is_an_error_of_its_own() -> None:
    class Busy(FakeStream):
        def start(self) -> None:
            raise PortAudioError("Device unavailable")

    module = FakePortAudio(DEVICES)
    module.OutputStream = Busy  # type: ignore[assignment]  # one that fails, for this test
    card = sound_card(module, None, None)
    with (
        pytest.raises(SettingsError, match="Device unavailable"),
        output_stream(card, Loudspeaker(RATE)),
    ):
        pass
