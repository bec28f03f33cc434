"""Microphones and loudspeakers, by way of sounddevice and PortAudio."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from interpreter.errors import SettingsError

Direction = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class Device:
    """Something that hears or sounds."""

    number: int
    name: str
    inputs: int
    """Channels."""

    outputs: int

    def fits(self, direction: Direction) -> bool:
        """Whether it has channels in that direction."""
        return (self.inputs if direction == "input" else self.outputs) > 0


def sound() -> Any:
    """The sounddevice module. Raises `SettingsError` ("no-sound") with how to get it."""
    try:
        import sounddevice
    except ImportError as error:
        raise SettingsError(
            "no-sound", "sounddevice is not installed: pip install sounddevice"
        ) from error
    except OSError as error:
        raise SettingsError(
            "no-sound",
            "the PortAudio library is missing: apt install libportaudio2 (Debian, Ubuntu), "
            "dnf install portaudio (Fedora)",
        ) from error
    return sounddevice


def all_devices(module: Any) -> list[Device]:
    """What PortAudio finds on this machine."""
    return [
        Device(number, str(each["name"]), each["max_input_channels"], each["max_output_channels"])
        for number, each in enumerate(module.query_devices())
    ]


def choose(
    devices: Iterable[Device], direction: Direction, wanted: str | None, default: int
) -> Device:
    """The device of that number, or whose name holds that text; else the system's default.

    Raises `SettingsError` ("no-device") that lists what there is.
    """
    fitting = [device for device in devices if device.fits(direction)]
    if wanted is None:
        # PortAudio says -1 where the system has no default.
        matching = [d for d in fitting if d.number == default] or fitting
    elif wanted.isdecimal():
        matching = [device for device in fitting if device.number == int(wanted)]
    else:
        matching = [device for device in fitting if wanted.lower() in device.name.lower()]
    if matching:
        return matching[0]
    there_are = "; ".join(f"{device.number} {device.name}" for device in fitting) or "none at all"
    sought = f"called {wanted!r}" if wanted else "found"
    raise SettingsError("no-device", f"no {direction} device {sought}; there are: {there_are}")


def first_rate(
    device: Device,
    rates: Iterable[int],
    check: Callable[[int], None],
    errors: tuple[type[Exception], ...],
) -> int:
    """The first of these rates (hertz) that the device takes.

    `check` raises one of `errors` for what it does not. Raises `SettingsError` ("no-rate").
    """
    tried = list(rates)
    for rate in tried:
        try:
            check(rate)
        except errors:
            continue
        return rate
    raise SettingsError(
        "no-rate",
        f"{device.name} works at none of {', '.join(map(str, tried))} Hz; choose the system's "
        "default device, which converts",
    )


def listing(devices: Iterable[Device]) -> str:
    """A line for each, for `--devices`. Raises `SettingsError` ("no-device") if there is none."""
    lines = [
        f"{device.number:3}  {'in' if device.inputs else '':3} "
        f"{'out' if device.outputs else '':4} {device.name}"
        for device in devices
    ]
    if not lines:
        raise SettingsError("no-device", "PortAudio finds no sound device on this machine")
    return "\n".join(lines)
