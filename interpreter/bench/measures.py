"""What the benchmarks have in common: figures, the machine they are of, and a word on the way."""

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from ..doctor.machine import processor
from ..errors import InterpreterError


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Median, 95th percentile, greatest and number of the values."""
    if not values:
        return {"n": 0}
    return {
        "median": round(statistics.median(values), 3),
        "p95": round(float(np.percentile(values, 95)), 3),
        "max": round(max(values), 3),
        "n": len(values),
    }


def server_process() -> psutil.Process:
    """The server this process started. Raises `InterpreterError` ("server-failed") without one."""
    for child in psutil.Process().children(recursive=True):
        if "serve" in child.cmdline():
            return child
    raise InterpreterError("server-failed", "the server is not there any more")


def server_peak_memory() -> int:
    """MB (10^6 bytes) that the server this process started has held at most."""
    return peak_memory(server_process())


def peak_memory(process: psutil.Process) -> int:
    """MB (10^6 bytes) a process has held at most, or holds now where the most is not known."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 // 10**6
    return int(process.memory_info().rss // 10**6)


def processor_seconds(process: psutil.Process) -> float:
    """Processor time a process has used, of all its threads."""
    times = process.cpu_times()
    return float(times.user + times.system)


def machine() -> dict[str, Any]:
    """What this was measured on."""
    return {
        "processor": processor()[0],
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 10**9, 1),
        "python": platform.python_version(),
    }


def tell(line: str) -> None:
    """Progress, where it does not mix with the result."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
