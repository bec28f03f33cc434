import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from interpreter.audio import Samples
from interpreter.channels import protocol, wire
from interpreter_desk.line import delays
from interpreter_desk.outbox import Outbox

RATE = 16_000


def frame(number: int) -> Samples:
    """100 ms that can be told from others."""
    return np.full(1600, number % 30_000, dtype=np.int16)


def what(sent: bytes | str) -> tuple[int, int | bool]:
    """Sequence and content of what was put on the wire."""
    if isinstance(sent, str):
        message = wire.decode_client(sent)
        assert isinstance(message, protocol.Talk)
        return message.sequence, message.down
    decoded = wire.decode_audio(sent, RATE)
    return decoded.sequence, int(decoded.samples[0])


class FarEnd:
    """A server as the protocol describes it: takes what is next, ignores what it has."""

    def __init__(self) -> None:
        self.expected = 0
        self.taken: list[int | bool] = []
        self.gaps = 0

    def receive(self, sent: bytes | str) -> None:
        sequence, content = what(sent)
        if sequence == self.expected:
            self.expected += 1
            self.taken.append(content)
        elif sequence > self.expected:
            self.gaps += 1


STEPS = st.lists(
    st.sampled_from(["audio", "audio", "audio", "press", "send", "arrive", "acknowledge", "cut"]),
    max_size=120,
)


@given(STEPS, st.randoms(use_true_random=False))
def test_whatever_is_cut_everything_arrives_once_and_in_order(
    steps: list[str], chance: random.Random
) -> None:
    outbox, server = Outbox(), FarEnd()
    said: list[int | bool] = []
    under_way: list[bytes | str] = []
    for number, step in enumerate(steps):
        match step:
            case "audio":
                assert outbox.add_audio(frame(number), RATE) == len(said)
                said.append(number)
            case "press":
                assert outbox.add_talk(number % 2 == 0, None) == len(said)
                said.append(number % 2 == 0)
            case "send":
                while (sent := outbox.take()) is not None and chance.random() < 0.8:
                    under_way.append(sent)
                if sent is not None:
                    under_way.append(sent)
            case "arrive":
                for _ in range(chance.randint(0, len(under_way))):
                    server.receive(under_way.pop(0))
            case "acknowledge":
                outbox.acknowledge(chance.randint(0, server.expected) - 1)
            case "cut":  # some of what was under way still arrived, the rest is gone
                for sent in under_way[: chance.randint(0, len(under_way))]:
                    server.receive(sent)
                under_way.clear()
                assert outbox.first <= server.expected
                outbox.resume(server.expected)
    for sent in under_way:
        server.receive(sent)
    outbox.resume(server.expected)
    while (sent := outbox.take()) is not None:
        server.receive(sent)
    assert server.taken == said
    assert server.gaps == 0
    outbox.acknowledge(server.expected - 1)
    assert (outbox.first, outbox.next, outbox.seconds) == (len(said), len(said), 0.0)


@given(st.lists(st.booleans(), max_size=80), st.integers(0, 80))
def test_a_full_box_forgets_the_oldest_and_says_how_much(kinds: list[bool], arrived: int) -> None:
    outbox, server = Outbox(longest_seconds=1.0), FarEnd()
    for number, audio in enumerate(kinds):
        if audio:
            outbox.add_audio(frame(number), RATE)
        else:
            outbox.add_talk(True, None)
        if number < arrived:
            sent = outbox.take()
            assert sent is not None
            server.receive(sent)
    assert outbox.seconds <= 1.0 + 1e-6
    kept = outbox.seconds + outbox.dropped_seconds
    assert abs(kept - 0.1 * sum(kinds)) < 1e-6
    # The server is told by `resume_audio` what it will never get, and goes on from there.
    server.expected = max(server.expected, outbox.first)
    outbox.resume(server.expected)
    while (sent := outbox.take()) is not None:
        server.receive(sent)
    assert server.gaps == 0
    assert server.expected == len(kinds)


def test_an_acknowledgement_of_what_was_never_sent_is_not_believed() -> None:
    outbox = Outbox()
    outbox.add_audio(frame(1), RATE)
    outbox.add_audio(frame(2), RATE)
    outbox.take()
    outbox.acknowledge(17)
    assert outbox.first == 1
    sent = outbox.take()
    assert sent is not None and what(sent) == (1, 2)


@given(st.integers(0, 2**32))
def test_delays_grow_are_capped_and_differ_between_clients(seed: int) -> None:
    random.seed(seed)
    tried = delays(longest=5.0)
    waits = [next(tried) for _ in range(12)]
    for number, wait in enumerate(waits):
        middle = min(5.0, 0.2 * 2**number)
        assert 0.5 * middle <= wait <= 1.5 * middle
    assert len(set(waits[6:])) > 1
