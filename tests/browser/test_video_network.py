"""Calls over bad lines, from network to network, and through a relay; each person in a house."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from browsing import blank_page
from engine_room import QUESTION, wait
from in_process import Running, running
from networks import House, Internet
from playwright.sync_api import Page
from video_calls import Launch, hears, is_live, join, peers, sees, speak

from interpreter.audio import Samples
from interpreter.bench.words import errors
from interpreter.connection import Engines
from interpreter.relays import VideoSettings
from interpreter.settings import ServerSettings, Settings

CONFIGURATION = Path(__file__).parents[2] / "clients" / "web" / "turnserver.conf"
SECRET = "a secret of the tests"
Meet = Callable[..., tuple[Page, Page]]


@pytest.fixture
def office(
    engines: Engines, internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    """The service in a house of its own, which knows a relay there."""
    monkeypatch.setenv("INTERPRETER_TURN_SECRET", SECRET)
    house = internet.houses[0]
    turn = (f"turn:{house.address}:3478?transport=udp",)
    settings = Settings(server=ServerSettings(conversations=100), video=VideoSettings(turn=turn))
    with house.inside(), running(engines, settings, host=house.address) as served:
        yield served


@pytest.fixture
def meet(
    office: Running, internet: Internet, launch: Launch, chromium: str, tmp_path: Path
) -> Meet:
    """Staff and visitor open the call, each in a house of their own."""

    def opened(house: House, heard: Samples | None = None) -> Page:
        browser = launch(
            heard,
            f"--unsafely-treat-insecure-origin-as-secure={office.address}",
            program=house.program(tmp_path, chromium),
        )
        return blank_page(browser.new_context(), office.address)

    def both(heard: Samples | None = None) -> tuple[Page, Page]:
        tokens = office.open()
        staff = join(opened(internet.houses[1]), tokens["staff"])
        visitor = join(opened(internet.houses[2], heard), tokens["visitor"])
        return staff, visitor

    return both


@contextmanager
def relay(folder: Path, secret: str = SECRET) -> Iterator[None]:
    """The relay, with the file that administrators copy."""
    file = folder / "turnserver.conf"
    told = CONFIGURATION.read_text()
    for before, after in (("CHANGE-ME", secret), ("\nsyslog\n", "\n")):
        assert told.count(before) == 1
        told = told.replace(before, after)
    file.write_text(told)
    log = folder / "turnserver.log"
    own = [f"--pidfile={folder / 'pid'}", f"--userdb={folder / 'users'}", f"--log-file={log}"]
    turnserver = subprocess.Popen(
        ["turnserver", "-c", str(file), *own, "--simple-log"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while "(admin thread)" not in (log.read_text() if log.exists() else ""):
            assert turnserver.poll() is None, log.read_text() if log.exists() else "no log"
            time.sleep(0.05)
        yield
    finally:
        turnserver.terminate()
        with suppress(subprocess.TimeoutExpired):
            turnserver.wait(10)
        turnserver.kill()


def test_a_slow_line_that_loses_packets_carries_the_call(
    internet: Internet, meet: Meet, question: Samples
) -> None:
    for house in internet.houses[1:]:
        house.worsen(0.3, 0.05)
    staff, visitor = meet(question)
    sees(staff)
    sees(visitor)
    visitor.evaluate("talk.openMicrophone()")
    speak(visitor)
    wait(staff, "talk.state.lines.some(({ source }) => source?.text.includes('resid'))")
    wait(staff, "talk.state.lines.at(-1).target?.final")
    assert errors(staff.evaluate("talk.state.lines.at(-1).source.text"), QUESTION)[0] <= 2
    wait(staff, "stats(0, 'audio', 'packetsLost').then((lost) => lost > 0)")
    wait(staff, "roundTrip().then((seconds) => seconds > 0.55)")
    assert peers(staff)[0]["picture"] == "live"


def test_another_address_in_mid_call_is_found(internet: Internet, meet: Meet) -> None:
    staff, visitor = meet()
    sees(staff)
    assert staff.evaluate("route()")[1] == ["host", "203.0.113.30"]
    internet.houses[2].move("203.0.113.99")
    wait(staff, "route().then(([, [, address]]) => address === '203.0.113.99')")
    wait(visitor, "talk.state.connection === 'open'")
    sees(staff)
    sees(visitor)


def test_a_cut_between_two_people_is_told_and_mended(internet: Internet, meet: Meet) -> None:
    staff, visitor = meet()
    sees(staff)
    internet.blocked.add(frozenset(internet.houses[1:]))
    wait(staff, "call.state.peers[0].picture === 'lost'")
    # Words go through the service, and so go on.
    visitor.evaluate("talk.say('Bom dia.', 'visitor')")
    wait(staff, "talk.state.lines[0]?.target?.final")
    internet.blocked.clear()
    sees(staff)
    sees(visitor)


def test_without_a_direct_way_the_relay_carries_pictures(
    internet: Internet, meet: Meet, tmp_path: Path
) -> None:
    internet.blocked.add(frozenset(internet.houses[1:]))
    with relay(tmp_path):
        staff, visitor = meet()
        sees(staff)
        sees(visitor)
        for page in (staff, visitor):
            kinds = [kind for kind, _ in page.evaluate("route()")]
            assert "relay" in kinds
    # The relay is gone: that is told, and words go on.
    wait(staff, "call.state.peers[0].picture === 'lost'")
    staff.evaluate("talk.say('Good morning.', 'staff')")
    wait(visitor, "talk.state.lines[0]?.target?.final")
    with relay(tmp_path):
        sees(staff)


def test_a_relay_lets_nobody_in_without_the_service(
    internet: Internet, meet: Meet, tmp_path: Path
) -> None:
    internet.blocked.add(frozenset(internet.houses[1:]))
    with relay(tmp_path, secret="another secret"):
        staff, visitor = meet()
        wait(staff, "call.state.peers[0]?.picture === 'lost'")
        assert staff.evaluate("frames()") == 0
        visitor.evaluate("talk.say('Bom dia.', 'visitor')")
        wait(staff, "talk.state.lines[0]?.target?.final")


def test_a_line_that_is_too_thin_loses_the_picture_and_keeps_the_voice(
    internet: Internet, meet: Meet
) -> None:
    staff, visitor = meet()
    sees(staff)
    internet.houses[2].bits = 100_000
    wait(staff, "call.state.peers[0].picture === 'narrow'")
    assert visitor.evaluate("call.state.narrow") is True
    hears(staff)
    sees(visitor)
    internet.houses[2].bits = 0
    wait(staff, "call.state.peers[0].picture === 'live'")
    is_live(staff)
    sees(staff)
