"""What the tests of the pages need: a browser, and the pages with a stand-in for the service."""

from collections.abc import Callable, Iterator

import pytest
import stand_in_pages
from browsing import NODE_MODULES
from playwright.sync_api import Browser


@pytest.fixture
def browser(launch: Callable[..., Browser]) -> Browser:
    """A browser whose microphone hears silence."""
    return launch()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the pages are, with a stand-in for the service behind them."""
    with stand_in_pages.served() as where:
        yield where


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which finds what people with disabilities would stumble over."""
    file = NODE_MODULES / "axe-core" / "axe.min.js"
    if not file.exists():
        pytest.fail("axe-core is missing: run scripts/setup --test")
    return file.read_text(encoding="utf-8")
