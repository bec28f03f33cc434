"""Makes and ends conversations over HTTP, for whoever holds the staff key."""

import asyncio
import os
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from interpreter.errors import InterpreterError, SettingsError

from .address import Address

STAFF_KEY = "INTERPRETER_STAFF_KEY"
"""Environment variable; a key on the command line would be visible to everybody on the machine."""

_TIMEOUT_SECONDS = 15.0
_LONGEST_ANSWER = 1 << 20


class Tokens(msgspec.Struct, frozen=True):
    """Each opens the conversation for one party; `shared` for both, on one device."""

    staff: str
    visitor: str
    shared: str


class Invitation(msgspec.Struct, frozen=True):
    """A new conversation."""

    conversation: str
    tokens: Tokens
    expires: str
    """ISO 8601, UTC."""

    stream: str
    """Path of the websocket."""

    translation: dict[str, str | None] = {}
    voices: dict[str, str | None] = {}


class _Refusal(msgspec.Struct):
    code: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Staff:
    """A server as staff sees it. All methods raise `InterpreterError`.

    Codes are the server's own, or `server-unreachable` and `bad-answer`.
    """

    address: Address
    key: str = field(repr=False)

    async def create_conversation(
        self, staff_language: str, visitor_language: str, *, consent_required: bool = False
    ) -> Invitation:
        """Begin a conversation; its tokens let the parties in."""
        wish: dict[str, Any] = {
            "staff_language": staff_language,
            "visitor_language": visitor_language,
        }
        if consent_required:
            wish["consent_required"] = True
        answer = await asyncio.to_thread(self._call, "POST", "/v1/conversations", wish)
        try:
            return msgspec.json.decode(answer, type=Invitation)
        except msgspec.MsgspecError as error:
            raise _bad_answer(self.address) from error

    async def end_conversation(self, conversation: str) -> None:
        """End it for everybody."""
        path = f"/v1/conversations/{quote(conversation, safe='')}"
        await asyncio.to_thread(self._call, "DELETE", path, None)

    def _call(self, method: str, path: str, body: object) -> bytes:
        request = urllib.request.Request(
            self.address.over_http(path),
            method=method,
            data=None if body is None else msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with self._opener().open(request, timeout=_TIMEOUT_SECONDS) as response:
                return bytes(response.read(_LONGEST_ANSWER))
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(self.address, error) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise InterpreterError(
                "server-unreachable", f"{self.address.url}: {reason}", retryable=True
            ) from error

    def _opener(self) -> urllib.request.OpenerDirector:
        handlers: list[urllib.request.BaseHandler] = []
        if self.address.loopback:
            handlers.append(urllib.request.ProxyHandler({}))
        if tls := self.address.tls():
            handlers.append(urllib.request.HTTPSHandler(context=tls))
        return urllib.request.build_opener(*handlers)


def staff_key() -> str:
    """The key from the environment, or from the file of a server on this machine.

    Raises `SettingsError` ("no-staff-key").
    """
    if key := os.environ.get(STAFF_KEY):
        return key
    from interpreter.settings import state_folder  # brings the whole service along

    path = Path(os.environ.get(f"{STAFF_KEY}_FILE") or state_folder() / "staff.key").expanduser()
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            "no-staff-key",
            f"set {STAFF_KEY} to the key the server was started with (it is not in {path} either)",
        ) from None


def _refused(address: Address, error: urllib.error.HTTPError) -> InterpreterError:
    try:
        refusal = msgspec.json.decode(error.read(_LONGEST_ANSWER), type=_Refusal)
    except (msgspec.MsgspecError, OSError):
        return _bad_answer(address, f"HTTP {error.code} without an explanation")
    # 429 and 503 tell that the same may work later.
    return InterpreterError(refusal.code, refusal.message, retryable=error.code in (429, 503))


def _bad_answer(address: Address, why: str = "not what this client expects") -> InterpreterError:
    return InterpreterError("bad-answer", f"{address.url}: {why}; is it an interpreter server?")
