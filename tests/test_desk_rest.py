import asyncio
import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Server

from interpreter.errors import InterpreterError, SettingsError
from interpreter.tls import self_signed_pair
from interpreter_desk.address import Address
from interpreter_desk.rest import Staff, staff_key


def staff(server: Server, key: str | None = None) -> Staff:
    return Staff(Address(server.address), server.key if key is None else key)


def refusal(staff: Staff, staff_language: str = "en", visitor_language: str = "pt") -> str:
    with pytest.raises(InterpreterError) as caught:
        asyncio.run(staff.create_conversation(staff_language, visitor_language))
    assert str(caught.value)
    return caught.value.code


def test_a_conversation_is_made_and_ended(server: Server) -> None:
    async def make() -> None:
        invitation = await staff(server).create_conversation("en", "pt-BR", consent_required=True)
        tokens = invitation.tokens
        assert len({tokens.staff, tokens.visitor, tokens.shared}) == 3
        assert invitation.voices.keys() == {"staff", "visitor"}
        await staff(server).end_conversation(invitation.conversation)
        with pytest.raises(InterpreterError) as caught:
            await staff(server).end_conversation("c_made_up")
        assert caught.value.code == "unknown-conversation"

    asyncio.run(make())


def test_the_servers_own_codes_are_passed_on(server: Server) -> None:
    assert refusal(staff(server, "wrong")) == "bad-key"
    assert refusal(staff(server), visitor_language="en") == "pair-not-available"
    assert refusal(staff(server), visitor_language="q!") == "unknown-language"
    assert refusal(staff(server), visitor_language="x" * 17) == "bad-message"


def test_keys_are_not_shown() -> None:
    assert "secret" not in repr(Staff(Address("http://127.0.0.1:1"), "secret"))


def test_where_no_server_is_the_code_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert refusal(Staff(Address(f"http://127.0.0.1:{port}"), "key")) == "server-unreachable"


class _Other(http.server.BaseHTTPRequestHandler):
    """Some other web server."""

    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"<html>It works!</html>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def other_server(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Other) as web:
        if tls:
            web.socket = tls.wrap_socket(web.socket, server_side=True)
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield web.server_port
        web.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 201, 404, 500])
def test_another_web_server_is_recognised_as_such(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Other, "status", status)
    with other_server() as port:
        assert refusal(Staff(Address(f"http://127.0.0.1:{port}"), "key")) == "bad-answer"


def test_a_certificate_is_checked_unless_told_otherwise(tmp_path: Path) -> None:
    certificate, key = self_signed_pair(tmp_path, [])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with other_server(tls) as port:
        url = f"https://127.0.0.1:{port}"
        # `bad-answer` comes over a line that was accepted.
        assert refusal(Staff(Address(url), "key")) == "server-unreachable"
        assert refusal(Staff(Address(url, verify=certificate), "key")) == "bad-answer"
        assert refusal(Staff(Address(url, verify=False), "key")) == "bad-answer"
        elsewhere = Staff(Address(f"https://127.0.0.2:{port}", verify=certificate), "key")
        assert refusal(elsewhere) == "server-unreachable"


@pytest.mark.parametrize(
    "url", ["", "example.org", "ftp://example.org", "http://", "http://x:99999", "http://[::1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Address(url)
    assert caught.value.code == "bad-address"


def test_addresses_lead_to_pages_and_websockets() -> None:
    assert Address("http://127.0.0.1:8420/").over_http("/x") == "http://127.0.0.1:8420/x"
    assert Address("https://example.org").over_websocket() == "wss://example.org/v1/stream"
    assert Address("http://[::1]:8420").loopback and not Address("http://example.org").loopback
    assert Address("http://example.org").tls() is None


def test_a_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    for path in (wrong, tmp_path / "missing.pem"):
        with pytest.raises(SettingsError) as caught:
            Address("https://example.org", verify=path)
        assert caught.value.code == "bad-certificate"


def test_the_staff_key_is_found_where_a_server_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("INTERPRETER_STAFF_KEY", "INTERPRETER_STAFF_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INTERPRETER_STATE", str(tmp_path))
    with pytest.raises(SettingsError) as caught:
        staff_key()
    assert caught.value.code == "no-staff-key"
    (tmp_path / "staff.key").write_text("made by a server\n")
    assert staff_key() == "made by a server"
    (tmp_path / "other").write_text("from a file\n")
    monkeypatch.setenv("INTERPRETER_STAFF_KEY_FILE", str(tmp_path / "other"))
    assert staff_key() == "from a file"
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", "given")
    assert staff_key() == "given"
