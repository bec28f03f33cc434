"""Signing a counter in, what it is told, and which language a sound is in."""

import io
import json
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from in_process import KEY, Running, running

from interpreter.audio import RATE, resample, to_bytes
from interpreter.connection import Engines
from interpreter.engines import House, office_of
from interpreter.errors import BusyError, InterpreterError, ProtocolError
from interpreter.keys import Keys
from interpreter.settings import load_settings

OFFICES = """
    [office]
    domain = "registration"
    [offices.registration]
    title = {de = "Bürgeramt", en = "Citizens' office"}
    language = "de"
    [offices.residence]
    domain = "residence permits"
    formality = "informal"
    phrases = []
"""


@pytest.fixture(scope="module")
def house(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    path = tmp_path_factory.mktemp("settings") / "settings.toml"
    path.write_text(OFFICES, encoding="utf-8")
    settings = load_settings(path)
    offices = {name: office_of(name, each) for name, each in settings.offices.items()}

    def load(house: House) -> House:
        return replace(house, offices={"": office_of("", settings.office)} | offices)

    with running(engines, settings, load) as served:
        while served.service.reception is None:
            served.service.loaded.is_set()
        yield served


def call(
    house: Running, path: str, body: object = None, key: str = "", method: str = "", **headers: str
) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else None
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    request = Request(f"{house.address}{path}", data, headers, method=method or None)
    with urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if "json" in answer.headers["content-type"] else text.decode()


def refused(house: Running, path: str, body: object = None, key: str = "") -> tuple[int, str]:
    with pytest.raises(HTTPError) as caught:
        call(house, path, body, key)
    with caught.value as answer:
        return answer.code, json.load(answer)["code"]


def test_a_counter_signs_in_and_opens_conversations_without_the_key(house: Running) -> None:
    token = call(house, "/v1/sign-in", {"key": KEY})["token"]
    assert KEY not in token
    assert refused(house, "/v1/sign-in", {"key": token}) == (401, "bad-key")
    wanted = {"staff_language": "en", "visitor_language": "pt", "office": "registration"}
    made = call(house, "/v1/conversations", wanted, token)
    assert made["tokens"].keys() == {"staff", "visitor", "shared"}
    # A conversation's token does not open others, but reads what is to be chosen from in it.
    assert refused(house, "/v1/conversations", wanted, made["tokens"]["staff"]) == (401, "bad-key")
    assert refused(house, "/v1/calls", key=made["tokens"]["staff"]) == (401, "bad-key")
    assert call(house, "/v1/counter", key=made["tokens"]["visitor"])["languages"]
    assert refused(house, "/v1/counter", key="no token") == (401, "bad-key")
    wanted["office"] = "treasury"
    assert refused(house, "/v1/conversations", wanted, token) == (400, "unknown-office")


def test_an_invitation_signs_one_more_counter_in(house: Running) -> None:
    token = call(house, "/v1/sign-in", {"key": KEY})["token"]
    made = call(house, "/v1/invitations", key=token, method="POST")
    link, _, invitation = made["link"].partition("#invitation=")
    assert link == f"{house.address}/"
    assert made["qr"].startswith("<svg") and "http://www.w3.org/2000/svg" in made["qr"]
    second = call(house, "/v1/sign-in", {"invitation": invitation})["token"]
    assert call(house, "/v1/counter", key=second)["languages"]
    again = refused(house, "/v1/sign-in", {"invitation": invitation})
    assert again == (401, "token-expired")
    assert refused(house, "/v1/sign-in", {"invitation": token}) == (401, "bad-token")
    assert refused(house, "/v1/sign-in", {"key": "wrong"}) == (401, "bad-key")
    assert refused(house, "/v1/sign-in", {"keys": "wrong"}) == (400, "bad-message")


def test_a_counter_is_told_what_there_is(house: Running) -> None:
    told = call(house, "/v1/counter", key=KEY)
    languages = {each["tag"]: each for each in told["languages"]}
    assert languages["pt"]["name"] == "Português"
    assert languages["pt"]["translations"]["en"] == "good"
    assert languages["pt"]["voice"] in ("good", "native")
    assert languages["pt"]["heard"] is True
    assert languages["ar"]["direction"] == "rtl"
    registration, residence = told["offices"]
    assert registration["title"]["de"] == "Bürgeramt"
    assert registration["language"] == "de"
    seat = {each["id"]: each["texts"] for each in registration["phrases"]}["take-a-seat"]
    assert seat["en"] == "Please take a seat."
    assert residence["formality"] == "informal"
    assert residence["phrases"] == []
    assert told["plain"] == []


def test_a_sound_tells_its_language_and_is_forgotten(house: Running, engines: Engines) -> None:
    import asyncio

    async def said(text: str, language: str) -> bytes:
        pieces = [
            to_bytes(resample(each.samples, each.rate, RATE))
            async for each in engines.synthesizer.synthesize(text, language)
        ]
        return b"".join(pieces)

    pcm = asyncio.run(said("Bom dia, eu preciso de um passaporte novo, por favor.", "pt"))
    pcm = pcm[: 9 * RATE * 2]
    found = call(house, "/v1/language", pcm, KEY)["candidates"]
    assert found[0]["language"] == "pt"
    assert found[0]["probability"] > 0.5
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, RATE, 0, "NONE", ""))
        wav.writeframes(pcm)
    assert call(house, "/v1/language", file.getvalue(), KEY)["candidates"] == found
    assert refused(house, "/v1/language", b"\0" * 999, KEY) == (400, "unsupported-audio")
    assert refused(house, "/v1/language", b"RIFF" + b"\0" * 99_996, KEY)[1] == "unsupported-audio"
    assert refused(house, "/v1/language", b"\0" * 500_000, KEY) == (413, "message-too-large")
    assert refused(house, "/v1/language", pcm) == (401, "bad-key")


def test_the_notice_is_spoken_before_anybody_agrees(house: Running) -> None:
    request = Request(
        f"{house.address}/v1/notice?language=pt", headers={"Authorization": f"Bearer {KEY}"}
    )
    with urlopen(request, timeout=60) as answer:
        assert answer.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(answer.read())) as file:
            assert file.getframerate() == RATE
            assert 5 < file.getnframes() / RATE < 30
    assert refused(house, "/v1/notice?language=sw", key=KEY) == (400, "language-not-spoken")
    assert refused(house, "/v1/notice?language=pt") == (401, "bad-key")


def test_wrong_keys_are_slowed_down() -> None:
    keys = Keys(KEY)
    for _ in range(20):
        with pytest.raises(InterpreterError, match="staff key"):
            keys.check("wrong")
    with pytest.raises(BusyError) as busy:
        keys.check(KEY)
    assert busy.value.code == "too-many-attempts"
    token, _ = Keys(KEY).counter()
    keys.check(token)  # whoever is in stays in, whatever others try
    keys.forgive()
    keys.check(KEY)


def test_tokens_of_another_key_and_old_ones_do_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    token, _ = Keys(KEY).counter()
    with pytest.raises(InterpreterError):
        Keys("another key, long enough").check(token)
    monkeypatch.setattr("interpreter.keys.COUNTER_SECONDS", -1.0)
    with pytest.raises(InterpreterError, match="sign in again"):
        Keys(KEY).check(token)
    invitation, _ = Keys(KEY).invite()
    monkeypatch.setattr("interpreter.keys.INVITATION_SECONDS", -1.0)
    with pytest.raises(ProtocolError) as late:
        Keys(KEY).accept(invitation)
    assert late.value.code == "token-expired"


def test_what_is_wrong_in_a_file_of_phrases_is_named(tmp_path: Path) -> None:
    for text in ("[[phrases]]\nid = 'A b'\ntexts = {}", "[[phrases]]\nid = 'a'\ntexts = {}", "x"):
        path = tmp_path / "phrases.toml"
        path.write_text(text, encoding="utf-8")
        settings = load_settings(None)
        with pytest.raises(InterpreterError) as caught:
            office_of("", replace(settings.office, phrases=(str(path),)))
        assert caught.value.code == "bad-phrases"
        assert str(path) in str(caught.value)
