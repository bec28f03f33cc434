"""The machine itself: Python, processor, memory, GPU, sound."""

import contextlib
import ctypes.util
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from ..models import Manifest, Profile
from ..settings import Settings
from .finding import Finding

_WORKING_BYTES = 600_000_000
"""Of memory a service takes beside its models: libraries, buffers, conversations."""

_INSTRUCTIONS = ("avx", "avx2", "avx512f", "avx512_vnni", "amx_int8")
"""Sets of them that make models faster, the older first."""

_PIP = f"{sys.executable} -m pip install"


def look_at_machine(
    settings: Settings, profile: Profile | None, installed: Iterable[Manifest]
) -> Iterator[Finding]:
    """Everything but models and the network."""
    told = f"Python {platform.python_version()} on {platform.system()}, in {sys.prefix}"
    yield Finding("python", "ok", told)
    yield _processor(settings)
    yield _memory(installed)
    yield _gpu(settings, profile)
    yield _sound()


def processor() -> tuple[str, list[str]]:
    """Its name, and its instruction sets where the system tells them."""
    told: dict[str, str] = {}
    with contextlib.suppress(OSError):  # only Linux has it
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        rows = (line.partition(":") for line in text.splitlines())
        told = {key.strip(): value.strip() for key, _, value in rows}
    name = told.get("model name") or platform.processor() or platform.machine()
    return name, told.get("flags", "").split()


def _processor(settings: Settings) -> Finding:
    name, flags = processor()
    cores = len(os.sched_getaffinity(0))
    sets = [each for each in _INSTRUCTIONS if each in flags]
    text = f"{name}; {cores} {'core' if cores == 1 else 'cores'}; {' '.join(sets) or 'no AVX'}"
    if cores < settings.workers:
        text += f". {settings.workers} calls to models at once are more than it can do"
        return Finding("processor", "warning", text, f"interpreter serve --workers {cores}")
    if flags and "avx2" not in flags:
        text += ". Without AVX2 models run several times more slowly"
        return Finding("processor", "warning", text, "use a machine or a virtual CPU with AVX2")
    return Finding("processor", "ok", text)


def _memory(installed: Iterable[Manifest]) -> Finding:
    memory = psutil.virtual_memory()
    needed = _WORKING_BYTES + sum(manifest.size for manifest in installed)
    text = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB of memory are free"
    if memory.available < needed:
        text += f", the service with its models takes about {needed / 1e9:.1f} GB"
        return Finding("memory", "warning", text, "end other programs, or use a smaller profile")
    return Finding("memory", "ok", text)


def _gpu(settings: Settings, profile: Profile | None) -> Finding:
    count, seen = _usable_gpus(), _nvidia()
    if count and not _cuda_libraries():
        text = f"{seen or 'a GPU is here'}, but the CUDA libraries are missing"
        return Finding("gpu", "warning", text, f"{_PIP} -r scripts/requirements/gpu.txt")
    if count:
        device = "" if settings.device != "cpu" else "; the settings say device = cpu, all the same"
        return Finding("gpu", "ok", f"{seen or f'{count} found'}{device}")
    if seen:
        text = f"{seen}, but its driver is too old, or hidden from this program"
        return Finding("gpu", "warning", text, "install a current NVIDIA driver")
    if settings.device == "cuda" or (profile and profile.name == "gpu"):
        text = "no GPU was found; models made for one run slowly on the processor"
        return Finding("gpu", "warning", text, "interpreter serve --device auto --profile cpu")
    return Finding("gpu", "ok", "none was found; models run on the processor")


def _usable_gpus() -> int:
    import ctranslate2

    try:
        return int(ctranslate2.get_cuda_device_count())
    except RuntimeError:  # what an old driver is answered with
        return 0


def _nvidia() -> str:
    """Name, driver and memory of each GPU; nothing where nvidia-smi is not there."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=3, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return "; ".join(line.strip() for line in told.stdout.splitlines() if line.strip())


def _cuda_libraries() -> bool:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution("nvidia-cublas-cu12")
        return True
    return ctypes.util.find_library("cublas") is not None


def _sound() -> Finding:
    """Looked for without being loaded: PortAudio talks much where there is no sound card."""
    if importlib.util.find_spec("sounddevice") is None:
        text = "sounddevice is not installed: `interpreter desk` has no microphone"
        return Finding("sound", "warning", text, f"{_PIP} sounddevice")
    # Elsewhere it comes along with sounddevice.
    if platform.system() == "Linux" and ctypes.util.find_library("portaudio") is None:
        text = "the PortAudio library is missing: `interpreter desk` has no microphone"
        mend = "apt install libportaudio2 (Debian, Ubuntu), dnf install portaudio (Fedora)"
        return Finding("sound", "warning", text, mend)
    return Finding("sound", "ok", "PortAudio and sounddevice are here, for `interpreter desk`")
