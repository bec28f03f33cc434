"""Settings, where the state is kept, and the staff key."""

import re
import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest

from interpreter.appointments import AppointmentSettings
from interpreter.channels.phone.settings import PhoneSettings
from interpreter.channels.phone.sip import SipSettings
from interpreter.channels.stream import StreamLimits
from interpreter.connection import ConversationLimits
from interpreter.errors import SettingsError
from interpreter.settings import (
    LlmServiceSettings,
    OfficeSettings,
    ServerSettings,
    Settings,
    load_settings,
    staff_key,
    state_folder,
    write_secret,
)
from interpreter.vad import Endpointing

LONG_ENOUGH = "0123456789abcdef"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that names no key, and a state folder of its own."""
    for name in ("INTERPRETER_STAFF_KEY", "INTERPRETER_STAFF_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INTERPRETER_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_all_is_as_shipped() -> None:
    settings = load_settings(None)
    assert settings == Settings()
    assert settings.profile == "embedded"
    assert settings.server.host == "127.0.0.1"


def test_what_a_file_does_not_say_stays_as_it_was(tmp_path: Path) -> None:
    text = """
        profile = "cpu"
        [server]
        port = 9000
        origins = ["https://counter.example.org"]
        [endpointing]
        silence_seconds = 1
    """
    assert load_settings(written(tmp_path, text)) == Settings(
        profile="cpu",
        server=ServerSettings(port=9000, origins=("https://counter.example.org",)),
        endpointing=replace(Endpointing(), silence_seconds=1.0),
    )


def test_the_readme_lists_every_setting_with_its_default(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    listed = next(block for block in blocks if "[server]" in block)
    # Two have no default and stand there as a comment.
    assert "# certificate = " in listed and "# key = " in listed
    assert load_settings(written(tmp_path, listed)) == Settings()

    tables = tomllib.loads(listed)
    for name, shape in {
        "": Settings,
        "server": ServerSettings,
        "llm": LlmServiceSettings,
        "office": OfficeSettings,
        "phone": PhoneSettings,
        "sip": SipSettings,
        "stream": StreamLimits,
        "appointments": AppointmentSettings,
        "conversation": ConversationLimits,
        "endpointing": Endpointing,
    }.items():
        known = {each.name for each in fields(shape)} - {"certificate", "key"}
        assert set(tables[name] if name else tables) == known, name or "top"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("proflie = 'cpu'", "proflie"),
        ("[server]\nprot = 8000", "server.prot"),
        ("[endpointing]\nsilence = 1.0", "endpointing.silence"),
        ("[sever]\nport = 8000", "sever"),
        ("[server]\nstaff_key = 'a secret of mine!'", "server.staff_key"),
    ],
)
def test_a_misspelt_setting_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError, match=rf"there is no setting {re.escape(named)}\b") as caught:
        load_settings(path)
    assert caught.value.code == "bad-settings"
    assert str(path) in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[server]\nport = '8000'", "server.port"),
        ("workers = 1.5", "workers"),
        ("profile = 1", "profile"),
        ("server = 'here'", "server"),
        ("[server]\norigins = 'https://a.example'", "server.origins"),
        ("[endpointing]\nthreshold = 'high'", "endpointing.threshold"),
    ],
)
def test_a_setting_of_the_wrong_type_is_refused_by_place(
    tmp_path: Path, text: str, place: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"$.{place}")) as caught:
        load_settings(written(tmp_path, text))
    assert caught.value.code == "bad-settings"


@pytest.mark.parametrize(
    ("database", "right"),
    [
        ("", True),
        ("postgresql+asyncpg://user@host:5432/name", True),
        ("postgresql+asyncpg://user@/name?host=/var/run/postgresql", True),
        ("postgresql+asyncpg://host/name", True),
        ("postgresql+asyncpg://user:a-secret@host/name", False),
        ("postgresql+asyncpg://user@host", False),
        ("postgresql://user@host/name", False),
        ("appointments.sqlite", False),
    ],
)
def test_the_address_of_a_database_is_looked_at(tmp_path: Path, database: str, right: bool) -> None:
    path = written(tmp_path, f"[appointments]\ndatabase = '{database}'")
    if right:
        assert load_settings(path).appointments.database == database
        return
    with pytest.raises(SettingsError, match=re.escape("$.appointments.database")) as caught:
        load_settings(path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("content", [b"profile = ", b"profile = '\xff'", b"\xff\xfe"])
def test_what_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(str(path))) as caught:
        load_settings(path)
    assert caught.value.code == "bad-settings"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no settings file"):
        load_settings(tmp_path / "nowhere.toml")
    with pytest.raises(SettingsError, match=re.escape(str(tmp_path))):
        load_settings(tmp_path)


def test_threads_follow_the_processor_unless_set() -> None:
    assert 1 <= Settings().threads_per_call <= 4
    assert Settings(threads=7).threads_per_call == 7


# Where the state is kept -----------------------------------------------------------------------


def test_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("INTERPRETER_STATE", "~/kept")
    assert state_folder() == tmp_path / "kept"
    monkeypatch.delenv("INTERPRETER_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_folder() == tmp_path / "xdg" / "interpreter"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert state_folder() == tmp_path / ".local" / "state" / "interpreter"


def test_a_secret_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    write_secret(path, b"first, and rather long")
    write_secret(path, b"second")
    assert path.read_bytes() == b"second"
    assert path.stat().st_mode & 0o777 == 0o600


# The staff key ---------------------------------------------------------------------------------


def test_a_key_is_made_once_and_for_its_owner_only(state: Path) -> None:
    key, path = staff_key()
    assert path == state / "staff.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(key) >= 32
    assert staff_key() == (key, path)
    path.unlink()
    assert staff_key()[0] != key


def test_the_environment_stands_above_files(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", LONG_ENOUGH)
    assert staff_key() == (LONG_ENOUGH, None)
    assert not state.exists()


def test_a_named_file_is_read_without_its_line_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mounted.key"
    path.write_text(f"{LONG_ENOUGH}\n")
    monkeypatch.setenv("INTERPRETER_STAFF_KEY_FILE", str(path))
    assert staff_key() == (LONG_ENOUGH, path)


def test_a_named_file_is_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mounted.key"
    monkeypatch.setenv("INTERPRETER_STAFF_KEY_FILE", str(path))
    with pytest.raises(SettingsError, match=re.escape(str(path))) as caught:
        staff_key()
    assert caught.value.code == "bad-settings"
    assert not path.exists()


@pytest.mark.parametrize("short", ["letmein", LONG_ENOUGH[:-1], "x" * 15 + "\n"])
def test_a_short_key_is_refused_and_not_shown(
    short: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mounted.key"
    path.write_text(short)
    monkeypatch.setenv("INTERPRETER_STAFF_KEY_FILE", str(path))
    with pytest.raises(SettingsError, match="at least 16 characters") as in_file:
        staff_key()
    assert str(path) in str(in_file.value)
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", short.strip())
    with pytest.raises(SettingsError, match="INTERPRETER_STAFF_KEY") as in_environment:
        staff_key()
    for caught in (in_file, in_environment):
        assert short.strip() not in str(caught.value)
