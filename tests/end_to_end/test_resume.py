"""A line that is cut anywhere, any number of times, loses and doubles nothing."""

import asyncio
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import Running, receive, running
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from interpreter.audio import RATE, Samples, resample, silence
from interpreter.channels import protocol, wire
from interpreter.connection import Engines
from interpreter.events import SpeechChunk, TurnTaking
from interpreter.vad import SileroVad, VadStream

FRAME = RATE // 25
SENTENCES = ("Bom dia, preciso de renovar a minha autorização.", "O prazo termina na sexta-feira.")


class OverhearingVad:
    """The real detector; notes what each microphone's pipeline is given to hear."""

    def __init__(self, vad: SileroVad) -> None:
        self._vad = vad
        self.heard: list[list[Samples]] = []

    def stream(self) -> "OverhearingStream":
        self.heard.append([])
        return OverhearingStream(self._vad.stream(), self.heard[-1])


class OverhearingStream:
    def __init__(self, stream: VadStream, heard: list[Samples]) -> None:
        self._stream, self._heard = stream, heard

    def probabilities(self, samples: Samples) -> list[float]:
        self._heard.append(samples)
        return self._stream.probabilities(samples)


@dataclass
class House:
    """A service, what its microphones heard, and something to say to it."""

    service: Running
    vad: OverhearingVad
    frames: list[Samples]


@dataclass
class Client:
    """As simple as a client can be that keeps to the protocol; its line is cut where told."""

    house: House
    token: str
    connection: str | None = None
    last_event: int = 0
    conversation: str = ""
    messages: list[protocol.ServerMessage] = field(default_factory=list)
    voice: dict[int, Samples] = field(default_factory=dict)
    sent: int = 0

    @property
    def complete(self) -> bool:
        ended = [m for m in self.messages if isinstance(m, protocol.SpeechEndMessage)]
        return len(ended) == len(SENTENCES)

    async def live(self, frames: int | None = None, messages: int | None = None) -> None:
        """Join, send and receive until complete, or until the cut after so much of either."""
        async with self.house.service.websocket() as websocket:
            join = protocol.Join(
                self.token,
                microphone_rate=16_000,
                turn_taking=TurnTaking.SHARED_MICROPHONE,
                connection=self.connection,
                resume_after=self.last_event,
                resume_audio=0 if self.connection else None,
            )
            await websocket.send(wire.encode(join))
            joined = await receive(websocket)
            assert isinstance(joined, protocol.Joined)
            self.connection, self.conversation = joined.connection, joined.conversation
            sending = asyncio.create_task(self._send(websocket, joined.audio, frames))
            budget = messages
            try:
                async with asyncio.timeout(60):
                    while not self.complete and (budget is None or budget > 0):
                        if frames is not None and sending.done():
                            break
                        try:
                            async with asyncio.timeout(0.05):
                                received = await websocket.recv()
                        except TimeoutError:
                            continue
                        self._take(received)
                        if budget is not None:
                            budget -= 1
            except ConnectionClosed:
                pass
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
                if not self.complete:
                    websocket.transport.abort()  # as a dead Wi-Fi would: no goodbye

    async def _send(self, websocket: ClientConnection, first: int, most: int | None) -> None:
        for number, samples in list(enumerate(self.house.frames))[first:][:most]:
            await websocket.send(wire.encode_audio(samples, stream=0, sequence=number))
            self.sent += 1
            await asyncio.sleep(0)

    def _take(self, received: str | bytes) -> None:
        if isinstance(received, bytes):
            _, number, samples = wire.decode_speech(received)
            assert number > self.last_event, "a piece of a voice came twice"
            self.voice[number] = samples
            self.last_event = number
            return
        message = wire.decode_server(received)
        if isinstance(message, protocol.Unnumbered):
            return
        assert not isinstance(message, protocol.NoticeMessage | protocol.ErrorMessage), message
        assert not isinstance(message, protocol.Joined)
        assert message.event > self.last_event, "an event came twice"
        self.last_event = message.event
        self.messages.append(message)


def told(client: Client) -> list[object]:
    """What the client was told, but for numbers, times, and who came and went."""
    kept: list[object] = []
    for message in client.messages:
        match message:
            case protocol.SpeechStartedMessage(utterance=utterance):
                kept.append(("started", utterance))
            case protocol.TranscriptMessage():
                kept.append(("transcript", message.utterance, message.text, message.party))
            case protocol.TranslationMessage():
                kept.append(("translation", message.utterance, message.text))
            case protocol.SpeechMessage(utterance=utterance):
                kept.append(("speech", utterance))
            case protocol.SpeechEndMessage(utterance=utterance):
                kept.append(("speech end", utterance))
    return sorted(kept, key=repr)  # hearing and speaking overlap as the processor has time


@pytest.fixture(scope="module")
def house(engines: Engines) -> Iterator[House]:
    vad = OverhearingVad(engines.vad)
    overheard = dataclasses.replace(engines, vad=vad)  # type: ignore[arg-type]  # it stands between, and is no SileroVad
    speech = np.concatenate([asyncio.run(_speak(engines, sentence)) for sentence in SENTENCES])
    frames = [speech[i : i + FRAME] for i in range(0, len(speech) // FRAME * FRAME, FRAME)]
    with running(overheard) as service:
        yield House(service, vad, frames)


async def _speak(engines: Engines, sentence: str) -> Samples:
    sounds = [
        resample(sound.samples, sound.rate, RATE)
        async for sound in engines.synthesizer.synthesize(sentence, "pt")
    ]
    return np.concatenate([silence(0.5), *sounds, silence(1.5)])


@pytest.fixture(scope="module")
def uncut(house: House) -> tuple[list[object], Samples]:
    client = Client(house, house.service.open()["shared"])
    asyncio.run(client.live())
    assert client.complete
    heard = np.concatenate(house.vad.heard[-1])
    assert np.array_equal(heard, np.concatenate(house.frames)[: len(heard)])
    return told(client), heard


def _journal_voice(house: House, client: Client) -> dict[int, Samples]:
    reception = house.service.service.reception
    assert reception
    journal = reception.conversations[client.conversation].journal
    return {
        entry.number: entry.event.samples
        for entry in journal.past()
        if isinstance(entry.event, SpeechChunk)
    }


CUTS = st.lists(
    st.tuples(st.integers(0, 120), st.none()) | st.tuples(st.none(), st.integers(0, 25)),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=CUTS)
def test_cut_anywhere(
    house: House,
    uncut: tuple[list[object], Samples],
    cuts: list[tuple[int | None, int | None]],
) -> None:
    async def main() -> Client:
        client = Client(house, house.service.open()["shared"])
        for frames, messages in cuts:
            await client.live(frames, messages)
        await client.live()
        return client

    client = asyncio.run(main())
    assert client.complete
    assert told(client) == uncut[0]
    assert np.array_equal(np.concatenate(house.vad.heard[-1])[: len(uncut[1])], uncut[1])
    sent_by_server = _journal_voice(house, client)
    assert client.voice.keys() == sent_by_server.keys()
    for number, samples in sent_by_server.items():
        assert np.array_equal(client.voice[number], samples)
