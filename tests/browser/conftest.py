"""What tests in a real browser need: Chromium, and the pages with a stand-in behind them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api")

import pages  # noqa: E402

CHROMIUM = os.environ.get("INTERPRETER_CHROMIUM") or shutil.which("chromium")
NODE_MODULES = Path(
    os.environ.get("INTERPRETER_NODE_MODULES") or Path(__file__).parents[2] / "node_modules"
)


@pytest.fixture(scope="session")
def chromium() -> Iterator["sync_api.Browser"]:
    """One browser for all tests; each takes a context of its own."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed here")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the pages are, with a stand-in for the service."""
    with pages.served() as where:
        yield where


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which finds what people with disabilities would stumble over."""
    file = NODE_MODULES / "axe-core" / "axe.min.js"
    if not file.exists():
        pytest.skip("axe-core is not installed here: npm install axe-core, or set its folder")
    return file.read_text(encoding="utf-8")
