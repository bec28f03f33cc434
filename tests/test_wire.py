import contextlib
import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpreter.channels import protocol, wire
from interpreter.errors import ProtocolError
from interpreter.events import (
    BackTranslation,
    CardShown,
    Contact,
    Ended,
    Ending,
    Event,
    Fact,
    FactKind,
    FactStatus,
    Failure,
    HandoverChanged,
    InterpretingChanged,
    Notice,
    Party,
    PartyChanged,
    PlainChanged,
    Rephrased,
    SpeechBegan,
    SpeechChunk,
    SpeechEnded,
    SpeechStarted,
    Timing,
    Transcript,
    Translation,
    Word,
)
from interpreter.work import Quality

PROTOCOL, _, _ = (
    (Path(__file__).parents[1] / "clients" / "PROTOCOL.md")
    .read_text(encoding="utf-8")
    .partition("## Waiting room")  # of which `test_room_wire.py` is
)
EXAMPLES = [
    example
    for block in re.findall(r"```json\n(.*?)```", PROTOCOL, re.DOTALL)
    if "type" in (example := json.loads(block))
]


def tag(message: Any) -> str:
    return str(message.__struct_config__.tag)


CLIENT = {tag(message): message for message in get_args(protocol.ClientMessage)}
SERVER = {tag(message): message for message in get_args(protocol.ServerMessage)}


def test_every_message_has_an_example_and_every_example_is_a_message() -> None:
    assert {example["type"] for example in EXAMPLES} == CLIENT.keys() | SERVER.keys()
    for example in EXAMPLES:
        text = json.dumps(example)
        told = {"event", "from"} & example.keys() or example["type"] not in CLIENT
        known = SERVER if told else CLIENT
        decode = wire.decode_client if known is CLIENT else wire.decode_server
        message = decode(text)
        assert isinstance(message, known[example["type"]])
        # Nothing is lost on the way, save what holds its default.
        said = json.loads(wire.encode(message))
        assert said.items() <= example.items() or said == example


def test_every_field_is_shown_in_some_example_or_optional() -> None:
    for name, message in (CLIENT | SERVER).items():
        shown = {field for e in EXAMPLES if e["type"] == name for field in e}
        required = {f.encode_name for f in msgspec.structs.fields(message) if f.required}
        assert required <= shown, name


EVENTS: list[Event] = [
    SpeechStarted(1, None),
    Transcript(
        1,
        2,
        Party.STAFF,
        "en",
        0.9,
        "Hi.",
        3,
        (Word("Hi.", 0, 0.5, 0.9),),
        0.9,
        True,
        Ending.BUTTON,
    ),
    Translation(1, 1, Party.STAFF, "en", "pt", "Oi.", 3, "x", Quality.GOOD, True, ("doubt",)),
    Translation(
        *(1, 1, Party.STAFF, "en", "pt", "Oi.", 3, "x", Quality.DEMONSTRATION, True),
        facts=(Fact(FactKind.TIME, FactStatus.CHANGED, "09:30", "half past nine", "dez", "10:00"),),
        confirmed=True,
    ),
    BackTranslation(1, 1, Party.STAFF, "Hi.", "x", 0.9, False),
    SpeechBegan(1, Party.VISITOR, 24_000, "v", "pt", False),
    SpeechEnded(1, Party.VISITOR, "Oi.", 0.5, True),
    Timing(1, 0.5, 0.6, 0.7, 0.8, 1.0),
    PartyChanged(Party.VISITOR, "consent", "pt", True, False),
    Rephrased(1, 1, "Hi.", "x"),
    InterpretingChanged(simultaneous=True),
    PlainChanged(True),
    CardShown("number", "A 112", {"en": "A 112"}, "left"),
    CardShown("", "", {}),
    HandoverChanged("proposed", "subject", "hearing", Contact("Ana", "+49 30 1", "https://x.org")),
    HandoverChanged("over", "staff"),
    Notice("please-repeat", 1, Party.VISITOR),
    Failure("recognition-failed", True, 1),
    Ended("idle"),
]


def test_every_event_becomes_a_message_and_comes_back() -> None:
    told = {type(event) for event in EVENTS} | {SpeechChunk}
    assert told == set(get_args(Event))
    for number, event in enumerate(EVENTS, 1):
        message = wire.to_message(event, number, ["en", "ar"], 24_000)
        assert message is not None
        back = wire.decode_server(wire.encode(message))
        assert back == message
        assert getattr(back, "event", None) == number


def test_people_read_notices_in_their_own_languages() -> None:
    message = wire.to_message(Notice("please-repeat"), 1, ["de", "pt"], None)
    assert isinstance(message, protocol.NoticeMessage)
    assert message.messages.keys() == {"de", "pt"}
    assert message.messages["de"] != message.messages["pt"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad-json"),
        ("{", "bad-json"),
        ("[" * 5000, "bad-message"),
        ("[]", "bad-message"),
        ("null", "bad-message"),
        ("{}", "unknown-message"),
        ('{"type": "dance"}', "unknown-message"),
        ('{"type": 5}', "unknown-message"),
        ('{"type": "joined"}', "unknown-message"),
        ('{"type": "talk"}', "bad-message"),
        ('{"type": "talk", "down": "yes", "sequence": 1}', "bad-message"),
        ('{"type": "talk", "down": true, "sequence": -1}', "bad-message"),
        ('{"type": "talk", "down": true, "sequence": 1, "volume": 11}', "bad-message"),
        ('{"type": "text", "text": ""}', "bad-message"),
        ('{"type": "slower", "speed": 99}', "bad-message"),
        ('{"type": "text", "text": "' + "a" * 70_000 + '"}', "message-too-large"),
        ('{"type": "text", "text": "' + "ü" * 40_000 + '"}', "message-too-large"),
        ('{"type": "text", "text": "\ud800"}', "bad-json"),
        ('{"type": "text", "more": ' + "[" * 30_000 + "]" * 30_000 + "}", "bad-message"),
        ('{"more": ' + "[" * 30_000 + "]" * 30_000 + "}", "bad-json"),
    ],
)
def test_what_cannot_be_understood_has_a_code(text: str, code: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        wire.decode_client(text)
    assert refused.value.code == code


def test_the_limit_is_of_bytes() -> None:
    around = wire.encode(protocol.Join(""))
    token = "ü" * ((wire.LONGEST_MESSAGE - len(around)) // 2)
    with pytest.raises(ProtocolError) as refused:
        wire.decode_client(wire.encode(protocol.Join(token)))  # within it, though long for a token
    assert refused.value.code == "bad-message"
    with pytest.raises(ProtocolError) as refused:
        wire.decode_client(wire.encode(protocol.Join(token + "ü")))
    assert refused.value.code == "message-too-large"


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_no_text_breaks_the_decoder(text: str) -> None:
    with contextlib.suppress(ProtocolError):
        wire.decode_client(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(sorted(CLIENT)),
    st.dictionaries(
        st.sampled_from(["token", "down", "sequence", "text", "party", "utterance", "speed"]), JSON
    ),
)
def test_no_fields_break_the_decoder(kind: str, fields: dict[str, Any]) -> None:
    try:
        message = wire.decode_client(json.dumps({"type": kind} | fields))
    except ProtocolError as error:
        assert error.code == "bad-message"
    else:
        assert wire.decode_client(wire.encode(message)) == message


@given(st.lists(st.integers(-32768, 32767), min_size=160, max_size=1600), st.integers(0, 2**32 - 1))
def test_audio_goes_there_and_back(values: list[int], sequence: int) -> None:
    samples = np.array(values, np.int16)
    frame = wire.decode_audio(wire.encode_audio(samples, stream=0, sequence=sequence), 16_000)
    assert frame.sequence == sequence
    assert frame.rate == 16_000
    assert np.array_equal(frame.samples, samples)
    _, number, back = wire.decode_speech(wire.encode_audio(samples, stream=7, sequence=sequence))
    assert number == sequence
    assert np.array_equal(back, samples)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01\x00\x00",
        b"\x02\x00\x00\x00\x00\x00\x00\x00" + bytes(640),  # an unknown kind
        b"\x01\x00\x00\x05\x00\x00\x00\x00" + bytes(640),  # not the microphone's stream
        b"\x01\x00\x00\x00\x00\x00\x00\x00" + bytes(641),  # half a sample
        b"\x01\x00\x00\x00\x00\x00\x00\x00" + bytes(20),  # too short
        b"\x01\x00\x00\x00\x00\x00\x00\x00" + bytes(16_000),  # half a second
    ],
)
def test_bad_frames_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError) as refused:
        wire.decode_audio(data, 16_000)
    assert refused.value.code == "bad-audio-frame"


@given(st.binary(max_size=4000))
def test_no_bytes_break_the_frame_decoder(data: bytes) -> None:
    try:
        wire.decode_audio(data, 16_000)
    except ProtocolError as error:
        assert error.code == "bad-audio-frame"


def test_the_schema_describes_all_messages_and_the_examples() -> None:
    schema = wire.schema()
    described = json.dumps(schema)
    for name in CLIENT.keys() | SERVER.keys():
        assert f'"{name}"' in described
