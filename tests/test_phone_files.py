"""The files for telephone systems say what the service understands."""

import configparser
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from interpreter.channels.phone import asterisk

PHONE = Path(__file__).parents[1] / "clients" / "phone"


def section(name: str, part: str) -> configparser.SectionProxy:
    file = configparser.ConfigParser(strict=False, interpolation=None)
    file.read(PHONE / "asterisk" / name, encoding="utf-8")
    return file[part]


def test_asterisk_connects_as_is_expected() -> None:
    client = section("websocket_client.conf", "interpreter")
    assert client["protocols"] == asterisk.SUBPROTOCOL
    assert client["connection_type"] == "per_call_config"
    assert client["uri"].startswith("wss://")
    assert client["uri"].endswith("/v1/phone/asterisk")
    assert section("chan_websocket.conf", "global")["control_message_format"] == "json"


def test_the_dial_plan_uses_the_connection_and_parameters_of_the_table() -> None:
    plan = (PHONE / "asterisk" / "extensions.conf").read_text(encoding="utf-8")
    assert "WebSocket/interpreter/c(slin16)" in plan
    table = (PHONE / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"(\w+)=\$\{(?:URIENCODE|WHO|CLERK|EXTEN)", plan)) - {"WHO", "CLERK"}
    assert {"number", "called", "clerk"} <= used
    for name in used - {"call"}:
        assert f"| `{name}` |" in table
    assert not re.search(r"[(,](number|clerk|call)=\$\{(?!URIENCODE|WHO|CLERK)", plan)


def test_the_twiml_has_its_parameters_where_twilio_passes_them_on() -> None:
    stream = ElementTree.parse(PHONE / "twilio" / "answer.xml").find("Connect/Stream")
    assert stream is not None
    assert re.fullmatch(r"wss://[^?]+/v1/phone/media", stream.attrib["url"])
    assert {one.attrib["name"] for one in stream} == {"number", "called"}


def test_it_is_said_what_was_not_tried() -> None:
    text = (PHONE / "README.md").read_text(encoding="utf-8")
    for system in ("Asterisk", "3CX", "innovaphone", "Twilio"):
        assert re.search(rf"\|[^|]*{system}[^|]*\|[^|]*\|[^|]*(double only|not)", text), system
