"""The service over HTTP: its page and probes, who may begin conversations, and TLS."""

import http.client
import json
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import start_server, stop_server
from in_process import KEY, Running, running
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from interpreter.connection import Engines
from interpreter.engines import House
from interpreter.errors import SettingsError
from interpreter.launch import serve
from interpreter.settings import ServerSettings, Settings
from interpreter.vad import Endpointing

WANTED = {"staff_language": "en", "visitor_language": "pt"}


@pytest.fixture(scope="module")
def house(engines: Engines) -> Iterator[Running]:
    with running(engines) as service:
        yield service


def ask(
    house: Running, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
    content = body if isinstance(body, str | bytes | None) else json.dumps(body)
    connection.request(
        method, path, content, {name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    told = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return told


def refusal(house: Running, body: object, status: int, **headers: str) -> str:
    headers = {"Authorization": f"Bearer {KEY}"} | headers
    told = ask(house, "POST", "/v1/conversations", body, **headers)
    assert told[0] == status
    code: str = json.loads(told[2])["code"]
    return code


def test_the_page_says_what_runs_and_asks_nobody_else(house: Running) -> None:
    status, headers, page = ask(house, "GET", "/status")
    text = page.decode()
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "English → Português (en-pt): good" in text
    assert "whisper-base" in text
    assert "http" not in text.replace("http-equiv", "")


def test_probes_and_schema(house: Running) -> None:
    assert ask(house, "GET", "/healthz")[0] == 200
    before = json.loads(ask(house, "GET", "/readyz")[2])
    assert before["status"] == "ready"
    house.open()
    assert json.loads(ask(house, "GET", "/readyz")[2])["conversations"] > before["conversations"]
    assert json.loads(ask(house, "GET", "/v1/schema.json")[2])["title"] == "interpreter.v1"


def test_a_conversation_is_made_and_ended(house: Running) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    status, _, body = ask(house, "POST", "/v1/conversations", WANTED, **key)
    made = json.loads(body)
    assert status == 201
    assert set(made["tokens"]) == {"staff", "visitor", "shared"}
    assert made["translation"] == {"staff": "good", "visitor": "good"}
    assert made["voices"]["staff"] == "piper/en_US-joe-medium"
    assert made["expires"].endswith("Z")
    path = f"/v1/conversations/{made['conversation']}"
    assert ask(house, "DELETE", path, Authorization="Bearer wrong")[0] == 401
    assert ask(house, "DELETE", path, **key)[0] == 204
    assert ask(house, "DELETE", "/v1/conversations/c_unknown", **key)[0] == 404


def test_its_own_staff_may_end_a_conversation_and_nobody_else_in_it(house: Running) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    made, other = (
        json.loads(ask(house, "POST", "/v1/conversations", WANTED, **key)[2]) for _ in range(2)
    )
    path = f"/v1/conversations/{made['conversation']}"
    for token in (made["tokens"]["visitor"], other["tokens"]["staff"]):
        status, _, told = ask(house, "DELETE", path, Authorization=f"Bearer {token}")
        assert (status, json.loads(told)["code"]) == (403, "not-allowed")
    staff = made["tokens"]["staff"]
    assert ask(house, "DELETE", path, Authorization=f"Bearer {staff}")[0] == 204


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "bad-json"),
        ("[]", 400, "bad-message"),
        ({"staff_language": "en"}, 400, "bad-message"),
        (WANTED | {"more": 1}, 400, "bad-message"),
        (WANTED | {"visitor_language": "q!"}, 400, "unknown-language"),
        (WANTED | {"visitor_language": "en-GB"}, 400, "pair-not-available"),
        (WANTED | {"visitor_language": "el"}, 400, "pair-not-available"),
        (WANTED | {"interpreting": "whispered"}, 400, "bad-message"),
        (WANTED | {"pauses": {"finished_seconds": 9}}, 400, "bad-message"),
        (WANTED | {"pauses": {"finished": 1}}, 400, "bad-message"),
        (" " * 70_000, 413, "message-too-large"),
    ],
)
def test_bad_wishes_are_refused(house: Running, body: object, status: int, code: str) -> None:
    assert refusal(house, body, status) == code


def test_a_conversation_can_be_more_patient_and_simultaneous(house: Running) -> None:
    wish = WANTED | {
        "interpreting": "simultaneous",
        "pauses": {"finished_seconds": 0.6, "hesitation_seconds": 1.5},
    }
    key = {"Authorization": f"Bearer {KEY}"}
    status, _, body = ask(house, "POST", "/v1/conversations", wish, **key)
    assert status == 201
    assert house.service.reception
    made = house.service.reception.conversations[json.loads(body)["conversation"]]
    assert made.interpreting.simultaneous
    assert (made.endpointing.finished_seconds, made.endpointing.hesitation_seconds) == (0.6, 1.5)
    assert made.endpointing.silence_seconds == Endpointing().silence_seconds


def test_only_so_many_conversations(engines: Engines) -> None:
    with running(engines, Settings(server=ServerSettings(conversations=1))) as house:
        house.open()
        assert refusal(house, WANTED, 503) == "overloaded"


def test_who_guesses_keys_is_slowed_down(engines: Engines) -> None:
    with running(engines) as house:
        codes = [refusal(house, WANTED, 401, Authorization=wrong) for wrong in ["", "Bearer x"]]
        assert codes == ["bad-key", "bad-key"]
        statuses = {
            ask(house, "POST", "/v1/conversations", WANTED, Authorization="Bearer x")[0]
            for _ in range(40)
        }
        assert statuses == {401, 429}


@pytest.mark.parametrize("origin", ["https://evil.example", "http://[", "http://[x]", "null"])
def test_origins_of_others_are_refused(house: Running, origin: str) -> None:
    assert refusal(house, WANTED, 403, Origin=origin) == "origin-not-allowed"


def test_pages_of_others_may_not_connect(house: Running, engines: Engines) -> None:
    address = f"ws://127.0.0.1:{house.port}/v1/stream"
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(address, origin=Origin("https://evil.example")),
    ):
        pass
    assert refused.value.response.status_code == 403
    with connect(address, origin=Origin(f"http://127.0.0.1:{house.port}")):
        pass
    allowed = Settings(server=ServerSettings(origins=("https://counter.example",)))
    with running(engines, allowed) as other:
        address = f"ws://127.0.0.1:{other.port}/v1/stream"
        with connect(address, origin=Origin("https://counter.example")):
            pass


def test_while_models_are_loaded(engines: Engines) -> None:
    go = threading.Event()

    def slow(house: House) -> House:
        assert go.wait(20)
        return house

    with running(engines, load=slow) as house:
        assert ask(house, "GET", "/healthz")[0] == 200
        assert ask(house, "GET", "/readyz")[0] == 503
        assert b"being loaded" in ask(house, "GET", "/status")[2]
        assert refusal(house, WANTED, 503) == "starting"
        with connect(f"ws://127.0.0.1:{house.port}/v1/stream") as websocket:
            assert json.loads(websocket.recv(5))["code"] == "starting"
        go.set()


def test_models_that_cannot_be_loaded_end_it_with_the_reason(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("INTERPRETER_MODELS", str(tmp_path))
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", KEY)
    assert serve(Settings(server=ServerSettings(port=0))) == 1
    assert "interpreter models fetch embedded" in capfd.readouterr().err


def test_without_tls_it_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", KEY)
    with pytest.raises(SettingsError) as refused:
        serve(Settings(server=ServerSettings(host="0.0.0.0", port=0)))
    assert refused.value.code == "tls-required"


def test_with_a_certificate_of_its_own(tmp_path: Any) -> None:
    server = start_server("--self-signed", INTERPRETER_STATE=str(tmp_path))
    try:
        assert server.address.startswith("https://")
        trusted = ssl.create_default_context(cafile=str(tmp_path / "self-signed.crt"))
        with urllib.request.urlopen(f"{server.address}/readyz", context=trusted) as answer:
            assert answer.status == 200
    finally:
        assert stop_server(server) == 0
