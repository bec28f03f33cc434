"""`interpreter desk`: takes part in a conversation with a microphone and a loudspeaker."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from rich.console import Console

from interpreter.audio import Samples
from interpreter.channels import protocol
from interpreter.errors import InterpreterError, SettingsError
from interpreter.events import TurnTaking

from .address import Address
from .connection import Connection
from .converse import add_language_arguments, add_server_arguments, server_address
from .devices import Device, Direction, all_devices, choose, first_rate, listing, sound
from .keyboard import keys
from .loudspeaker import Loudspeaker
from .participant import KEYS, SHARED_KEYS, TALK_KEYS, Participant
from .recordings import MICROPHONE_RATES
from .rest import Staff, staff_key
from .screen import Screen

_ABOUT = """\
Take part in a conversation with this machine's microphone and loudspeaker.

  interpreter desk --devices                                         what there is
  interpreter desk --staff-language en --visitor-language pt         begin one, as staff
  interpreter desk --party visitor --token TOKEN                     join one, as the visitor

Beginning one needs the staff key (read as `interpreter serve` reads it) and prints the command with
which the other party joins. Needs sounddevice (pip install sounddevice) and PortAudio.

Hands-free, the microphone is closed while the loudspeaker speaks, since the machine would interpret
itself; with --headset it stays open. With --push-to-talk, press space to talk and again when done.
A shared device (--party shared) sits between both people: s and v begin and end their turns.
"""

_SPEECH_RATES = (24_000, 48_000, 16_000)
_METER_SECONDS = 0.1
_BLOCK_SECONDS = 0.02


def add_desk_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_desk` needs to be told."""
    parser.description = _ABOUT
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_server_arguments(parser, default="http://127.0.0.1:8420")
    parser.add_argument(
        "--party", choices=["staff", "visitor", "shared"], default="staff", help="who sits here"
    )
    parser.add_argument("--token", help="join the conversation that this token opens")
    add_language_arguments(parser, required=False)
    parser.add_argument("--devices", action="store_true", help="list sound devices, and stop")
    parser.add_argument("--input", metavar="NUMBER|NAME", help="microphone")
    parser.add_argument("--output", metavar="NUMBER|NAME", help="loudspeaker")
    parser.add_argument("--push-to-talk", action="store_true", help="space begins and ends a turn")
    parser.add_argument(
        "--headset", action="store_true", help="the microphone does not hear the loudspeaker"
    )


def run_desk(given: argparse.Namespace) -> int:
    """Run the command; gives the exit status: 1 if the conversation failed, 2 for wrong use."""
    try:
        if given.devices:
            sys.stdout.write(listing(all_devices(sound())) + "\n")
            return 0
        return asyncio.run(_desk(given))
    except InterpreterError as error:
        sys.stderr.write(f"{error.code}: {error}\n")
        return 2 if isinstance(error, SettingsError) else 1


@dataclass(frozen=True, slots=True)
class SoundCard:
    """The devices in use, and at which rates (hertz)."""

    module: Any
    input: Device
    output: Device
    input_rate: int
    output_rate: int


def sound_card(module: Any, wanted_input: str | None, wanted_output: str | None) -> SoundCard:
    """Choose devices and rates. Raises `SettingsError` ("no-device", "no-rate")."""
    devices = all_devices(module)
    errors = (module.PortAudioError, ValueError)

    def pick(
        direction: Direction, wanted: str | None, rates: tuple[int, ...]
    ) -> tuple[Device, int]:
        default = module.default.device[0 if direction == "input" else 1]
        device = choose(devices, direction, wanted, default)
        check = getattr(module, f"check_{direction}_settings")

        def takes(rate: int) -> None:
            check(device=device.number, channels=1, dtype="int16", samplerate=rate)

        return device, first_rate(device, rates, takes, errors)

    microphone, input_rate = pick("input", wanted_input, MICROPHONE_RATES)
    speaker, output_rate = pick("output", wanted_output, _SPEECH_RATES)
    return SoundCard(module, microphone, speaker, input_rate, output_rate)


async def _desk(given: argparse.Namespace) -> int:
    console = Console()
    card = sound_card(sound(), given.input, given.output)
    address = server_address(given)
    token = given.token or await _begin(given, address, console)
    push_to_talk = given.push_to_talk or given.party == "shared"
    turn_taking = TurnTaking.PUSH_TO_TALK if push_to_talk else TurnTaking.OWN_MICROPHONE
    join = msgspec.convert(
        {
            "token": token,
            "microphone_rate": card.input_rate,
            "speech_rate": card.output_rate,
            "turn_taking": turn_taking,
        },
        protocol.Join,
    )
    loudspeaker = Loudspeaker(card.output_rate)
    async with Connection(address, join) as connection:
        assert connection.joined
        parties = connection.joined.you
        languages = {party: state.language for party, state in connection.joined.parties.items()}
        with output_stream(card, loudspeaker) as speaker:
            participant = Participant(
                connection,
                loudspeaker,
                lambda: float(speaker.time),
                parties=parties,
                push_to_talk=push_to_talk,
                headset=given.headset,
                rate=card.input_rate,
            )
            hint = [SHARED_KEYS if len(parties) > 1 else TALK_KEYS] if push_to_talk else []
            with (
                input_stream(card, participant.hear),
                keys(participant.press) as keyboard,
                Screen(console, languages, parties[0]) as screen,
            ):
                console.print(
                    " · ".join([*hint, KEYS]) if keyboard else "ctrl-c leaves", style="dim"
                )
                await _take_part(participant, screen)
        await connection.leave()
    return 0


async def _begin(given: argparse.Namespace, address: Address, console: Console) -> str:
    if not given.staff_language or not given.visitor_language:
        raise SettingsError(
            "bad-usage",
            "give --token to join a conversation, or --staff-language and --visitor-language to "
            "begin one",
        )
    invitation = await Staff(address, staff_key()).create_conversation(
        given.staff_language, given.visitor_language
    )
    tokens = {"staff": invitation.tokens.staff, "visitor": invitation.tokens.visitor}
    for party, token in tokens.items():
        if given.party not in ("shared", party):
            console.print(
                f"The other party joins with:\n  interpreter desk --party {party} "
                f"--server {address.url} --token {token}",
                soft_wrap=True,
                highlight=False,
            )
    return invitation.tokens.shared if given.party == "shared" else tokens[given.party]


async def _take_part(participant: Participant, screen: Screen) -> None:
    """Until the conversation ends or this side leaves. Raises what broke it."""

    async def meter() -> None:
        while True:
            screen.meter(participant.level, participant.state)
            await asyncio.sleep(_METER_SECONDS)

    tasks = [
        asyncio.create_task(work)
        for work in (
            participant.listen(screen.show),
            participant.left.wait(),
            participant.report(),
            meter(),
        )
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def output_stream(card: SoundCard, loudspeaker: Loudspeaker) -> Iterator[Any]:
    """The running loudspeaker stream; its `time` is the clock of `Loudspeaker`."""

    def fill(block: Any, count: int, times: Any, _status: Any) -> None:
        # Some drivers do not know when a block will be heard, and say 0.
        heard_at = times.outputBufferDacTime or times.currentTime + stream.latency
        block[:, 0] = loudspeaker.fill(count, heard_at)

    stream = card.module.OutputStream(
        device=card.output.number,
        samplerate=card.output_rate,
        channels=1,
        dtype="int16",
        callback=fill,
    )
    with _opened(stream, card.module, card.output):
        yield stream


@contextmanager
def input_stream(card: SoundCard, hear: Callable[[Samples], None]) -> Iterator[None]:
    """The running microphone; the event loop is given what it hears."""
    loop = asyncio.get_running_loop()

    def take(block: Any, _count: int, _times: Any, _status: Any) -> None:
        # The block is PortAudio's and will be written over.
        loop.call_soon_threadsafe(hear, np.array(block[:, 0], dtype=np.int16))

    stream = card.module.InputStream(
        device=card.input.number,
        samplerate=card.input_rate,
        channels=1,
        dtype="int16",
        blocksize=round(_BLOCK_SECONDS * card.input_rate),
        callback=take,
    )
    with _opened(stream, card.module, card.input):
        yield


@contextmanager
def _opened(stream: Any, module: Any, device: Device) -> Iterator[None]:
    try:
        stream.start()
    except module.PortAudioError as error:
        stream.close()
        raise SettingsError("no-device", f"{device.name}: {error}") from error
    try:
        yield
    finally:
        stream.stop()
        stream.close()
