"""Settings: one TOML file, command-line options above it, secrets from the environment."""

import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from .appointments import AppointmentSettings
from .channels.phone.settings import PhoneSettings
from .channels.phone.sip import SipSettings
from .channels.stream import StreamLimits
from .connection import ConversationLimits
from .errors import SettingsError
from .events import Contact
from .mt.glossary import ADMINISTRATION
from .office import STARTER
from .relays import VideoSettings
from .vad import Endpointing
from .work import Quality

PORT = 8420

Some = Annotated[int, Meta(ge=1, le=100_000)]


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the service listens, and for whom."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = PORT
    """0 takes a free one."""

    certificate: str | None = None
    """PEM file; with it and `key` the service speaks TLS."""

    key: str | None = None
    self_signed: bool = False
    """Make a certificate of its own at the first start, for a try-out."""

    without_tls: bool = False
    """Listen beyond this machine without TLS: for a reverse proxy that does TLS."""

    origins: tuple[str, ...] = ()
    """Further origins whose pages may connect, such as `https://counter.example.org`."""

    conversations: Some = 8
    """Open at once; more are refused at the door."""

    connections: Some = 64
    """Websockets at once, of all conversations."""

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False


Seconds = Annotated[float, Meta(gt=0, le=60)]


@dataclass(frozen=True, slots=True)
class LlmServiceSettings:
    """A language model behind an OpenAI-compatible API; its key comes from the environment."""

    base_url: str = ""
    """Such as `http://127.0.0.1:8000/v1`; empty: there is none."""

    model: str = ""
    """As the server calls it."""

    prompt: str = "chat"
    """How it is asked: chat, few-shot, translategemma or salamandrata."""

    languages: tuple[str, ...] = ()
    """It translates from each of these to each other."""

    quality: Quality = Quality.GOOD
    plain: tuple[str, ...] = ()
    """Languages in which it may put what staff say into plain language; it has to be good at it."""

    first_token_seconds: Seconds = 4.0
    total_seconds: Seconds = 8.0
    at_once: Some = 4


@dataclass(frozen=True, slots=True)
class OfficeSettings:
    """What one office needs: what translators should know, what people find on the screen."""

    title: Mapping[str, str] = field(default_factory=dict)
    """What it is called, by language."""

    language: str = ""
    """What its staff speak; empty: chosen for each conversation."""

    domain: str = ""
    """What it deals with, in a few English words."""

    formality: Literal["formal", "informal"] = "formal"
    glossaries: tuple[str, ...] = ("administration",)
    """TOML, CSV or TBX files; `administration` is the shipped one. Later ones win."""

    phrases: tuple[str, ...] = ("starter",)
    """TOML files of phrases and cards; `starter` is the shipped one. Later ones win."""

    subjects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By language, words for what should not be left to a machine."""

    contact: Contact = field(default_factory=Contact)
    """Who takes over."""

    @property
    def glossary_files(self) -> list[Path]:
        return [
            ADMINISTRATION if name == "administration" else Path(name).expanduser()
            for name in self.glossaries
        ]

    @property
    def own_glossary_files(self) -> list[Path]:
        return [path for path in self.glossary_files if path != ADMINISTRATION]

    @property
    def phrase_files(self) -> list[Path]:
        return [STARTER if name == "starter" else Path(name).expanduser() for name in self.phrases]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    profile: str = "embedded"
    """Which models: a shipped profile or the path of one's own."""

    device: Literal["auto", "cpu", "cuda"] = "auto"

    threads: Annotated[int, Meta(ge=0, le=256)] = 0
    """Processor threads of one call to a model; 0 chooses by the number of cores."""

    workers: Annotated[int, Meta(ge=1, le=64)] = 2
    """Calls to models at the same time."""

    server: ServerSettings = field(default_factory=ServerSettings)
    llm: LlmServiceSettings = field(default_factory=LlmServiceSettings)
    office: OfficeSettings = field(default_factory=OfficeSettings)
    offices: Mapping[str, OfficeSettings] = field(default_factory=dict)
    """Several of them by name; what one does not say is as in `office`."""

    phone: PhoneSettings = field(default_factory=PhoneSettings)
    sip: SipSettings = field(default_factory=SipSettings)
    video: VideoSettings = field(default_factory=VideoSettings)
    stream: StreamLimits = field(default_factory=StreamLimits)
    appointments: AppointmentSettings = field(default_factory=AppointmentSettings)
    conversation: ConversationLimits = field(default_factory=ConversationLimits)
    endpointing: Endpointing = field(default_factory=Endpointing)

    @property
    def threads_per_call(self) -> int:
        return self.threads or min(4, os.cpu_count() or 1)


_NAMES = {shape: {each.name for each in fields(shape)} for shape in (Settings, ServerSettings)}


def load_settings(path: Path | None, given: Mapping[str, Any] | None = None) -> Settings:
    """Settings from a TOML file, or the defaults; above them what is `given` and not None.

    `given` names settings without their table, as options of the command line do. Raises
    `SettingsError` ("bad-settings") naming what is wrong and where.
    """
    where = path or "the command line"
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
        _refuse_unknown(written, Settings, "")
        for name, value in (given or {}).items():
            if value is not None and name in _NAMES[ServerSettings]:
                written.setdefault("server", {})[name] = value
            elif value is not None and name in _NAMES[Settings]:
                written[name] = value
        for name, office in written.get("offices", {}).items():
            written["offices"][name] = {**written.get("office", {}), **office}
        return msgspec.convert(written, Settings)
    except FileNotFoundError:
        raise SettingsError("bad-settings", f"there is no settings file {path}") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError("bad-settings", f"{where}: {error}") from error


def state_folder() -> Path:
    """Where keys and the self-signed certificate are kept: INTERPRETER_STATE or the user's own."""
    if named := os.environ.get("INTERPRETER_STATE"):
        return Path(named).expanduser()
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "interpreter"


def staff_key() -> tuple[str, Path | None]:
    """The key with which staff make conversations, and the file it came from, if any.

    INTERPRETER_STAFF_KEY, else the file INTERPRETER_STAFF_KEY_FILE, else one that is made at the
    first start. Raises `SettingsError` ("bad-settings").
    """
    if key := os.environ.get("INTERPRETER_STAFF_KEY"):
        return _long_enough(key, "INTERPRETER_STAFF_KEY"), None
    named = os.environ.get("INTERPRETER_STAFF_KEY_FILE")
    path = Path(named).expanduser() if named else state_folder() / "staff.key"
    try:
        if not named and not path.exists():
            write_secret(path, secrets.token_urlsafe(24).encode())
        return _long_enough(path.read_text(encoding="utf-8").strip(), str(path)), path
    except OSError as error:
        raise SettingsError("bad-settings", f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingsError("bad-settings", f"{path}: this is no text, and so no key") from None


def secret(name: str) -> str | None:
    """A secret from the environment, or from the file that `<name>_FILE` names; None without.

    Raises `SettingsError` ("bad-settings").
    """
    if value := os.environ.get(name):
        return value
    if not (named := os.environ.get(f"{name}_FILE")):
        return None
    path = Path(named).expanduser()
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("bad-settings", f"{path}: {type(error).__name__}") from error


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)  # the file may have been there, readable for others
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _long_enough(key: str, where: str) -> str:
    if len(key) < 16:
        raise SettingsError(
            "bad-settings", f"{where}: the staff key needs at least 16 characters to be safe"
        )
    return key


def _refuse_unknown(written: Any, shape: Any, where: str) -> None:
    """A misspelt setting would otherwise be a setting that silently does nothing."""
    if get_origin(shape) is Mapping and isinstance(written, dict):
        for name, value in written.items():
            _refuse_unknown(value, get_args(shape)[1], f"{where}{name}.")
        return
    if not is_dataclass(shape) or not isinstance(written, dict):
        return
    known = {each.name for each in fields(shape)}
    kinds = get_type_hints(shape)
    for name, value in written.items():
        if name not in known:
            raise msgspec.ValidationError(
                f"there is no setting {where}{name}; there are {', '.join(sorted(known))}"
            )
        _refuse_unknown(value, kinds[name], f"{where}{name}.")
