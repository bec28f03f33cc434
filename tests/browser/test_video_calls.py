"""Pictures and voices from browser to browser: a Chromium for each, and the real service."""

import json
from typing import Any
from urllib.request import Request, urlopen

from browsing import Line
from engine_room import wait
from in_process import Running
from video_calls import Launch, caller, hears, is_live, join, peers, sees

WAY = "other().connection.currentLocalDescription.sdp.match(/ice-ufrag:(.*)/)[1]"
"""The name of a way through the network; each restart makes another."""


def guest(service: Running, token: str, role: str) -> str:
    """A third person's token."""
    assert service.service.reception is not None
    name = service.service.reception.admit(token)[0].name
    request = Request(
        f"{service.address}/v1/conversations/{name}/guests",
        json.dumps({"role": role}).encode(),
        {"Authorization": f"Bearer {token}"},
    )
    with urlopen(request, timeout=10) as answer:
        made: dict[str, Any] = json.load(answer)
    return str(made["token"])


def test_two_people_see_and_hear_each_other(service: Running, launch: Launch) -> None:
    tokens = service.open()
    staff = join(caller(launch, service.address), tokens["staff"])
    visitor = join(caller(launch, service.address), tokens["visitor"])
    sees(staff)
    sees(visitor)
    assert [each["role"] for each in peers(staff)] == ["visitor"]
    assert [each["role"] for each in peers(visitor)] == ["staff"]
    # The visitor leaves: nothing of them is kept.
    visitor.evaluate("talk.leave()")
    wait(staff, "call.state.peers.length === 0")
    assert visitor.evaluate("[call.state.peers.length, call.others.size]") == [0, 0]


def test_what_one_shows_is_told(service: Running, launch: Launch) -> None:
    tokens = service.open()
    staff = join(caller(launch, service.address), tokens["staff"])
    visitor = join(caller(launch, service.address), tokens["visitor"])
    sees(staff)
    visitor.evaluate("media.setCamera(false)")
    wait(staff, "call.state.peers[0].picture === 'off' && !call.state.peers[0].camera")
    hears(staff)
    visitor.evaluate("media.setMuted(true)")
    wait(staff, "!call.state.peers[0].microphone")
    assert visitor.evaluate("[media.state.microphone, media.microphone.enabled]") == ["off", False]
    visitor.evaluate("media.setCamera(true)")
    visitor.evaluate("media.setMuted(false)")
    wait(staff, "call.state.peers[0].microphone")
    sees(staff)


def test_both_offer_at_once_and_agree(service: Running, launch: Launch) -> None:
    tokens = service.open()
    pages = [join(caller(launch, service.address), tokens[party]) for party in ("staff", "visitor")]
    ways = []
    for page in pages:
        is_live(page)
        ways.append(page.evaluate(WAY))
        page.evaluate(
            """() => {
              globalThis.kept = [];
              const { send } = other();
              other().send = (signal) => kept.push(signal);
              globalThis.release = () => {
                other().send = send;
                for (const signal of kept) send(signal);
              };
            }"""
        )
    for page in pages:
        page.evaluate("call.restart()")
        wait(page, "kept[0]?.description?.type === 'offer'")
    # Both have offered, and know nothing of the other's.
    for page in pages:
        page.evaluate("release()")
    for page in pages:
        wait(page, "other().connection.signalingState === 'stable'")
        sees(page)
        assert page.evaluate(WAY) != ways.pop(0)


def test_an_offer_that_is_lost_is_repeated_and_an_old_answer_ignored(
    service: Running, launch: Launch
) -> None:
    tokens = service.open()
    staff = join(caller(launch, service.address), tokens["staff"])
    staff.evaluate(
        """() => {
          globalThis.lost = 0;
          const send = talk.connection.send.bind(talk.connection);
          talk.connection.send = (message) => {
            if (message.type === 'signal' && lost < 3 && !message.media) lost += 1;
            else send(message);
          };
        }"""
    )
    visitor = join(caller(launch, service.address), tokens["visitor"])
    sees(staff)
    assert staff.evaluate("lost") == 3
    # Answers that come twice, and late, do not disturb what is agreed meanwhile.
    visitor.evaluate(
        """() => {
          const send = other().send;
          other().send = (signal) => {
            send(signal);
            if (signal.description) setTimeout(() => send(signal), 300);
          };
        }"""
    )
    for _ in range(3):
        staff.evaluate("call.restart()")
        staff.wait_for_timeout(200)
    wait(staff, "other().connection.signalingState === 'stable'")
    sees(staff)
    sees(visitor)


def test_the_picture_goes_on_while_the_service_is_away(
    line: Line, service: Running, launch: Launch
) -> None:
    tokens = service.open()
    staff = join(caller(launch, line.address), tokens["staff"])
    visitor = join(caller(launch, service.address), tokens["visitor"])
    sees(staff)
    line.cut()
    wait(staff, "talk.state.connection === 'lost'")
    wait(visitor, "call.state.peers[0].away")
    sees(visitor)
    sees(staff)
    staff.evaluate("media.setCamera(false)")
    line.mend()
    wait(staff, "talk.state.connection === 'open'")
    wait(visitor, "!call.state.peers[0].away && call.state.peers[0].picture === 'off'")
    sees(staff)


def test_a_page_that_is_loaded_anew_is_seen_again(service: Running, launch: Launch) -> None:
    tokens = service.open()
    staff = join(caller(launch, service.address), tokens["staff"])
    visitor = join(caller(launch, service.address), tokens["visitor"])
    sees(staff)
    visitor.reload()
    join(visitor, tokens["visitor"])
    sees(visitor)
    sees(staff)
    assert len(peers(staff)) == 1


def test_a_screen_is_shared(service: Running, launch: Launch) -> None:
    tokens = service.open()
    staff = join(caller(launch, service.address), tokens["staff"])
    visitor = join(caller(launch, service.address), tokens["visitor"])
    sees(visitor)
    assert staff.evaluate("call.share()") is True
    wait(visitor, "call.state.peers[0].screen !== null")
    size = visitor.evaluate(
        """async () => {
          const shown = document.createElement('video');
          shown.muted = true;
          shown.srcObject = call.state.peers[0].screen;
          await shown.play();
          return [shown.videoWidth, shown.videoHeight];
        }"""
    )
    assert min(size) > 100
    sees(visitor)
    staff.evaluate("call.stopSharing()")
    wait(visitor, "call.state.peers[0].screen === null")
    assert staff.evaluate("call.state.sharing") is False


def test_three_see_one_another(service: Running, launch: Launch) -> None:
    tokens = service.open()
    staff = join(caller(launch, service.address), tokens["staff"])
    visitor = join(caller(launch, service.address), tokens["visitor"])
    third = caller(launch, service.address)
    join(third, guest(service, tokens["staff"], "interpreter"), watching=True)
    for page in (staff, visitor, third):
        sees(page, 2)
    assert {each["role"] for each in peers(visitor)} == {"staff", "interpreter"}
    wait(visitor, "talk.state.handover?.state === 'active'")
    third.evaluate("talk.leave()")
    wait(visitor, "call.state.peers.length === 1 && talk.state.handover === null")
    sees(visitor)
