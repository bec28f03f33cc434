"""Who shows pictures in a conversation, and what waits for them."""

import asyncio

import pytest

from interpreter.channels.protocol import SignalMessage
from interpreter.errors import ProtocolError
from interpreter.peers import MOST, Peers, Post


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
