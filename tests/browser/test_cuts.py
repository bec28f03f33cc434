"""What happens to a conversation on a page when its line is cut, frozen, or left by a reload."""

from collections.abc import Callable
from urllib.request import Request, urlopen

from browsing import Line, blank_page
from engine_room import QUESTION, START, state, wait
from in_process import KEY, Running
from playwright.sync_api import Browser, Page

from interpreter.audio import Samples
from interpreter.bench.words import errors

Launch = Callable[..., Browser]

LONG = "Please bring your passport, two photographs, your rental contract and the form. " * 3


def lost(page: Page) -> list[str]:
    """Codes of the notices that say that something is missing."""
    codes = [notice["code"] for notice in state(page)["notices"]]
    return [code for code in codes if code.endswith("-lost")]


def close(service: Running, token: str) -> None:
    """End a conversation from elsewhere."""
    assert service.service.reception is not None
    name = service.service.reception.admit(token)[0].name
    headers = {"Authorization": f"Bearer {KEY}"}
    address = f"{service.address}/v1/conversations/{name}"
    urlopen(Request(address, headers=headers, method="DELETE"), timeout=10).close()


def test_a_line_that_is_silent_counts_as_cut(
    line: Line, service: Running, launch: Launch, question: Samples
) -> None:
    page = blank_page(launch(question).new_context(), line.address)
    page.evaluate(START, [service.open()["shared"], "shared_microphone"])
    page.evaluate("talk.openMicrophone()")
    wait(page, "talk.doing.hearing.size > 0")
    line.freeze()
    wait(page, "talk.state.connection === 'lost'")
    assert page.evaluate("talk.connection.outbox.entries.length") > 200  # over four seconds
    line.mend()
    wait(page, "talk.state.lines[0]?.spoken === 'done'")
    (said,) = state(page)["lines"]
    assert errors(said["source"]["text"], QUESTION)[0] <= 2
    assert lost(page) == []


def test_a_browser_that_is_offline_comes_back(
    service: Running, launch: Launch, question: Samples
) -> None:
    context = launch(question).new_context()
    page = blank_page(context, service.address)
    page.evaluate(START, [service.open()["shared"], "shared_microphone"])
    page.evaluate("talk.openMicrophone()")
    wait(page, "talk.doing.hearing.size > 0")
    context.set_offline(True)
    wait(page, "talk.state.connection === 'lost'")
    page.wait_for_timeout(2000)
    context.set_offline(False)
    wait(page, "talk.state.lines[0]?.spoken === 'done'")
    (said,) = state(page)["lines"]
    assert errors(said["source"]["text"], QUESTION)[0] <= 2
    assert lost(page) == []


def test_what_is_typed_while_the_line_is_cut_arrives(
    line: Line, service: Running, launch: Launch
) -> None:
    page = blank_page(launch().new_context(), line.address)
    page.evaluate(START, [service.open()["shared"], "push_to_talk"])
    page.evaluate("text => talk.say(text, 'staff')", LONG)
    wait(page, "reports.length > 0")
    line.cut()
    wait(page, "talk.state.connection === 'lost'")
    # However much is played meanwhile, reports of it do not take the room of what people say.
    waiting = page.evaluate("talk.connection.messages.length")
    before = page.evaluate("reports.length")
    wait(page, f"reports.length > {before} + 4")
    assert page.evaluate("talk.connection.messages.length") == waiting == 0
    assert page.evaluate("talk.unreported.size") == 1
    page.evaluate("talk.say('Please take a seat.', 'staff')")
    line.mend()
    wait(page, "talk.state.lines[1]?.target?.final")
    assert page.evaluate("talk.unreported.size") == 0
    # A line that has not held for a while yet is not trusted at once.
    assert page.evaluate("talk.connection.attempts") >= 1


def test_what_was_typed_just_before_a_line_died_is_said_once(
    line: Line, service: Running, launch: Launch
) -> None:
    page = blank_page(launch().new_context(), line.address)
    page.evaluate(START, [service.open()["shared"], "push_to_talk"])
    page.evaluate("talk.say('Good  morning.', 'staff')")
    wait(page, "talk.state.lines[0]?.target?.final && talk.connection.typed.length === 0")
    # Without a sound from here a line is not taken for dead as long as the service is there.
    page.wait_for_timeout(17_000)
    assert page.evaluate("[talk.state.connection, talk.connection.attempts]") == ["open", 0]
    line.freeze()
    page.evaluate("talk.say('Please take a seat.', 'staff')")
    wait(page, "talk.state.connection === 'lost'")
    line.cut()
    line.mend()
    wait(page, "talk.state.lines[1]?.target?.final")
    page.wait_for_timeout(3000)
    assert page.evaluate("[talk.state.lines.length, talk.connection.typed.length]") == [2, 0]


def test_attempts_come_ever_more_seldom(line: Line, service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), line.address)
    page.evaluate(START, [service.open()["shared"], "push_to_talk"])
    page.evaluate(
        """() => {
          const real = globalThis.setTimeout;
          globalThis.delays = [];
          globalThis.setTimeout = (work, delay) => { delays.push(delay); return real(work, 0); };
        }"""
    )
    line.cut()
    wait(page, "delays.length >= 9")
    delays = page.evaluate("delays.slice(0, 9)")
    for attempt, delay in enumerate(delays):
        longest = min(5000, 250 * 2**attempt)
        assert longest / 2 <= delay <= longest
    assert len(set(delays)) == len(delays)  # by chance, so that not all tablets come at once


def test_a_conversation_that_is_over_closes_the_microphone(
    line: Line, service: Running, launch: Launch
) -> None:
    page = blank_page(launch().new_context(), line.address)
    token = service.open()["shared"]
    page.evaluate(START, [token, "shared_microphone"])
    page.evaluate("talk.openMicrophone()")
    assert page.evaluate("sessionStorage.length") == 1
    line.cut()
    wait(page, "talk.state.connection === 'lost'")
    close(service, token)
    line.mend()
    wait(page, "talk.state.connection === 'gone'")
    assert page.evaluate("talk.microphone") is None
    assert page.evaluate("sessionStorage.length") == 0
    # It is for good.
    sent = page.evaluate("talk.connection.outbox.next")
    page.evaluate("talk.talk(true, 'visitor')")
    assert page.evaluate("talk.connection.outbox.next") == sent
    refused = "talk.openMicrophone().then(() => 'open', (error) => error.code)"
    assert page.evaluate(refused) == "failed"


def test_what_was_said_before_a_reload_is_interpreted(
    service: Running, launch: Launch, question: Samples
) -> None:
    page = blank_page(launch(question).new_context(), service.address)
    token = service.open()["shared"]
    page.evaluate(START, [token, "push_to_talk"])
    page.evaluate("talk.say('Please take a seat.', 'staff')")
    wait(page, "talk.state.lines[0]?.target?.final")
    page.evaluate("talk.openMicrophone()")
    page.evaluate("talk.talk(true, 'visitor')")
    wait(page, "talk.state.lines[1]?.source.text.split(' ').length >= 4")
    page.reload()
    assert page.evaluate(START, [token, "push_to_talk"]) == "open"
    # Long before the service would have given the old connection up.
    page.wait_for_function("talk.state.lines[1]?.target?.final", timeout=30_000)
    first, second = state(page)["lines"]
    assert first["party"] == "staff" and first["target"]["language"] == "pt"
    assert second["party"] == "visitor" and second["source"]["text"].startswith("Bom dia")
    assert state(page)["activity"] in ("speaking", "idle")
    assert lost(page) == []
