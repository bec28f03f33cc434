"""A llama.cpp server in a process of its own; `llama.py` starts it and watches over it.

Reads the API key from the first line of standard input, prints its address, and ends when standard
input does, so that it cannot outlive the service. Nobody but this machine can reach it.
"""

import argparse
import os
import signal
import sys
import threading

UNREADABLE = 3
"""Exit status where the model cannot be loaded; any other failure is not the model's fault."""

_CACHE_MIB = 256
"""Of prompts that have been read before; llama.cpp would take 8 GiB."""


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--context", type=int, default=4096)
    given = parser.parse_args()
    key = sys.stdin.readline().strip()
    if not key:
        parser.error("no API key came in; llama.cpp would then serve anybody")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Ctrl-c in a terminal reaches this process too; the service finishes what was said first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = given.model
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = 0
    wanted.api_keys = [key]
    wanted.n_ctx = given.context
    wanted.n_parallel = given.slots
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = given.threads
    # Gemma 3 attends to a sliding window; without this its prompt cache is lost as soon as the
    # other direction of the conversation comes in between.
    wanted.swa_full = True
    wanted.cache_ram_mib = _CACHE_MIB
    wanted.ui = False
    wanted.verbosity = -1
    try:
        server = xllamacpp.Server(wanted)
    except RuntimeError:
        sys.exit(UNREADABLE)
    sys.stdout.write(f"READY {server.listening_address}\n")
    sys.stdout.flush()
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    stop.wait()
    # Taking the server down in order waits for whatever is being written; nobody reads that now.
    os._exit(0)


def _wait_for_end(stop: threading.Event) -> None:
    while sys.stdin.readline():
        pass
    stop.set()


if __name__ == "__main__":
    main()
