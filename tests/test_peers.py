"""Who shows pictures in a conversation, and what waits for them."""

import asyncio

import pytest

from interpreter.channels.protocol import SignalMessage
from interpreter.connection import Connection, Connections
from interpreter.errors import ProtocolError
from interpreter.events import Party, PartyChange, TurnTaking
from interpreter.peers import MOST, Peers, Post
from interpreter.roles import Role


def test_a_change_is_told_before_what_others_say_and_once() -> None:
    async def receive() -> list[str | None]:
        post = Post()
        for sender in "ab":
            post.add(SignalMessage(sender))
            post.tell_change()
        taken = [await post.take() for _ in range(3)]
        waiting = asyncio.create_task(post.take())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        post.add(SignalMessage("c"))
        taken.append(await waiting)
        return [each.sender if each else None for each in taken]

    assert asyncio.run(receive()) == [None, "a", "b", "c"]


def test_what_nobody_takes_is_refused_at_some_point() -> None:
    peers = Peers()
    for name in ("one", "other"):
        peers.enter(name)
    sent = 0
    with pytest.raises(ProtocolError) as refused:
        while sent < 10_000:
            peers.send("one", "other", SignalMessage("one"))
            sent += 1
    assert refused.value.code == "peer-gone"
    assert refused.value.retryable
    assert sent == 256


def test_three_show_pictures_and_who_has_gone_makes_room() -> None:
    peers = Peers()
    for number in range(MOST):
        peers.enter(str(number))
    with pytest.raises(ProtocolError) as full:
        peers.enter("one more")
    assert full.value.code == "conversation-full"
    peers.leave("0")
    peers.enter("one more")
    assert peers.before("2", "one more")
    assert not peers.before("one more", "2")


@pytest.mark.parametrize(("sender", "to"), [("one", "nobody"), ("one", "one"), ("nobody", "one")])
def test_nothing_goes_to_or_from_who_shows_no_picture(sender: str, to: str) -> None:
    peers = Peers()
    peers.enter("one")
    with pytest.raises(ProtocolError):
        peers.send(sender, to, SignalMessage(sender))
    assert peers.post("nobody") is None


def in_the_picture(name: str, role: Role) -> Connection:
    return Connection(name, role, TurnTaking.OWN_MICROPHONE, None, None)


@pytest.mark.parametrize(
    ("cut", "comes", "gone"),
    [
        (("visitor", "staff"), "staff", "staff"),
        (("visitor", "staff"), "visitor", "visitor"),
        (("visitor", "staff"), "colleague", "visitor"),
        (("interpreter", "visitor"), "staff", "interpreter"),
    ],
)
def test_a_newcomer_takes_the_place_of_who_is_cut_off(
    cut: tuple[Role, ...], comes: Role, gone: Role
) -> None:
    told: list[tuple[Party, PartyChange]] = []
    connections = Connections(MOST, lambda party, change: told.append((party, change)))
    roles: tuple[Role, ...] = ("staff", "visitor", "interpreter")
    there = {role: in_the_picture(role, role) for role in roles}
    for each in there.values():
        connections.add(each, video=True)
    with pytest.raises(ProtocolError, match="3"):
        connections.add(in_the_picture("early", comes), video=True)
    for at, role in enumerate(cut):
        connections.cut(there[role])
        there[role].cut_at = float(at)
    newcomer = in_the_picture("newcomer", comes)
    assert connections.add(newcomer, video=True) is there[gone]
    assert connections.take_over(gone, gone) is None
    others = [each.connection for each in connections.around(newcomer)]
    assert others == [each for each in roles if each != gone]
    assert (Party("staff"), "left") in told or gone != "staff"


def test_who_shows_no_picture_takes_nobodys_place() -> None:
    connections = Connections(MOST, lambda party, change: None)
    for number in range(MOST):
        connections.add(in_the_picture(str(number), "visitor"), video=True)
    connections.cut(connections.all[0])
    with pytest.raises(ProtocolError, match="connections at most"):
        connections.add(in_the_picture("tablet", "staff"))
    assert len(connections.all) == MOST
