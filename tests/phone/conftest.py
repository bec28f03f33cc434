"""Telephones and an exchange for tests, on a network of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .network import own_network
from .telephones import Exchange, Telephone


@pytest.fixture
def network() -> Iterator[None]:
    with own_network():
        yield


@pytest.fixture
def telephone(network: None, tmp_path: Path) -> Iterator[Callable[..., Telephone]]:
    """Starts telephones; takes what `Telephone` takes, without the folder."""
    started: list[Telephone] = []

    def start(**options: Any) -> Telephone:
        made = Telephone(folder=tmp_path / f"telephone-{len(started)}", **options)
        started.append(made)
        return made.start()

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def exchange(network: None, tmp_path: Path) -> Iterator[Exchange]:
    started = Exchange(tmp_path / "exchange").start()
    yield started
    started.stop()
