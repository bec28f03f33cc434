"""Conversations on an empty page: the modules below the tablet's views, with the real service."""

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from browsing import spoken
from playwright.sync_api import Page

from interpreter.audio import Samples, silence
from interpreter.connection import Engines

QUESTION = "Bom dia, preciso de renovar a minha autorização de residência este mês."

START = """async ([token, turnTaking]) => {
  const { Conversation } = await import('/web/conversation.js');
  const talk = globalThis.talk = new Conversation({ token, turnTaking });
  globalThis.reports = [];
  talk.player.addEventListener('played', ({ detail }) => reports.push(detail));
  await talk.start();
  return talk.state.connection;
}"""
"""Begins a conversation `talk` on a page, and gathers what its loudspeaker `reports`."""


@pytest.fixture(scope="session")
def question(engines: Engines) -> Samples:
    """A Portuguese sentence after a second of silence, and four seconds after it."""
    said = asyncio.run(spoken(engines, QUESTION, "pt"))
    return np.concatenate([silence(1.0), said, silence(4.0)])


def state(page: Page) -> Any:
    """What the page knows of its conversation."""
    return json.loads(page.evaluate("JSON.stringify(talk.state)"))


def wait(page: Page, condition: str) -> None:
    """Until an expression of the page holds."""
    page.wait_for_function(condition, timeout=60_000)
