"""What is said in waiting rooms, as the protocol's document shows it."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpreter.channels import wire
from interpreter.channels.protocol.room import RoomClientMessage, RoomServerMessage
from interpreter.errors import ProtocolError

_, _, REST = (
    (Path(__file__).parents[1] / "clients" / "PROTOCOL.md")
    .read_text(encoding="utf-8")
    .partition("## Waiting room")
)
SECTION = REST.partition("\n## ")[0]
EXAMPLES = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL)]
MESSAGES = [each for each in EXAMPLES if "type" in each]


def tag(message: Any) -> str:
    return str(message.__struct_config__.tag)


CLIENT = {tag(message): message for message in get_args(RoomClientMessage)}
SERVER = {tag(message): message for message in get_args(RoomServerMessage)}


def decoded(example: dict[str, Any]) -> Any:
    text = json.dumps(example)
    if example["type"] in CLIENT:
        return wire.decode_in_room(text)
    return msgspec.json.decode(text, type=RoomServerMessage)


def test_every_message_has_an_example_and_every_example_is_a_message() -> None:
    assert {example["type"] for example in MESSAGES} == CLIENT.keys() | SERVER.keys()
    for example in MESSAGES:
        message = decoded(example)
        assert isinstance(message, (CLIENT | SERVER)[example["type"]])
        assert json.loads(wire.encode(message)) == example


def test_every_field_is_shown_in_some_example() -> None:
    for name, message in (CLIENT | SERVER).items():
        shown = {field for example in MESSAGES if example["type"] == name for field in example}
        assert {field.encode_name for field in msgspec.structs.fields(message)} <= shown, name


def test_the_schema_describes_waiting_rooms_too() -> None:
    schema = wire.schema()
    assert schema["properties"].keys() == {"client", "server", "room_client", "room_server"}
    described = json.dumps(schema["$defs"])
    for name in CLIENT.keys() | SERVER.keys():
        assert f'"{name}"' in described


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad-json"),
        ("[]", "bad-message"),
        ("{}", "unknown-message"),
        ('{"type": "room"}', "unknown-message"),
        ('{"type": "join", "token": ""}', "unknown-message"),
        ('{"type": "enter"}', "bad-message"),
        ('{"type": "enter", "link": 5}', "bad-message"),
        ('{"type": "ready", "language": ""}', "bad-message"),
        ('{"type": "admit", "interpreting": "whispered"}', "bad-message"),
        ('{"type": "leave", "more": 1}', "bad-message"),
        ('{"type": "enter", "link": "' + "a" * 70_000 + '"}', "message-too-large"),
    ],
)
def test_what_cannot_be_understood_has_a_code(text: str, code: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        wire.decode_in_room(text)
    assert refused.value.code == code


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_no_text_breaks_the_decoder(text: str) -> None:
    with contextlib.suppress(ProtocolError):
        wire.decode_in_room(text)
