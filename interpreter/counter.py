"""What a page at a counter asks for over HTTP: signing in, the offices, which language that was."""

import io
import wave
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .audio import RATE, Samples, from_bytes, resample, to_bytes
from .engines import House
from .errors import ProtocolError, SynthesisError
from .http import HEADERS, answer, bearer, body_of, check_origin, decode, link_to, qr_code
from .keys import Keys
from .languages import normalise, own_name, right_to_left
from .messages import LANGUAGES
from .messages import text as in_words
from .office import Office
from .reception import Reception
from .settings import Settings
from .work import Quality

_SHORTEST_SECONDS, _LONGEST_SECONDS = 1.0, 10.0
_HEADER_BYTES = 4096
_CANDIDATES = 5


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/sign-in`: one of the two."""

    key: str = ""
    invitation: str = ""


class Counter:
    """The routes for pages at a counter, and in a call.

    `house` and `reception` give what is loaded, or raise `BusyError`.
    """

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        house: Callable[[], House],
        reception: Callable[[], Reception],
    ) -> None:
        self._origins = settings.server.origins
        self._keys = keys
        self._house = house
        self._reception = reception
        self._notices: dict[str, bytes] = {}
        """Spoken, as WAV files, by language."""

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/v1/sign-in", self._sign_in, methods=["POST"]),
            Route("/v1/invitations", self._invite, methods=["POST"]),
            Route("/v1/counter", self._show),
            Route("/v1/language", self._identify, methods=["POST"]),
            Route("/v1/notice", self._notice),
        ]

    async def _sign_in(self, request: Request) -> Response:
        check_origin(request, self._origins)
        given = decode(await body_of(request), SignIn)
        if given.invitation:
            self._keys.accept(given.invitation)
        else:
            self._keys.check_staff_key(given.key)
        token, expires = self._keys.counter()
        return answer({"token": token, "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}, 201)

    async def _invite(self, request: Request) -> Response:
        self._check(request)
        invitation, expires = self._keys.invite()
        link = link_to(request, f"#invitation={invitation}")
        return answer(
            {
                "link": link,
                "qr": qr_code(link),
                "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            201,
        )

    async def _show(self, request: Request) -> Response:
        self._check_anybody(request)
        house = self._house()
        plain = house.engines.plain
        return answer(
            {
                "languages": languages(house),
                "offices": [_office(each) for name, each in _offices(house)],
                "plain": sorted({source for source, _ in plain.pairs}) if plain else [],
            }
        )

    async def _identify(self, request: Request) -> Response:
        self._check(request)
        longest = int(_LONGEST_SECONDS * RATE) * 2 + _HEADER_BYTES
        samples = _speech(await body_of(request, longest))
        house = self._house()
        known = [each["tag"] for each in languages(house) if each["heard"]]
        found = await house.engines.recognizer.identify(samples, known)
        likely = sorted(found.items(), key=lambda each: -each[1])[:_CANDIDATES]
        return answer(
            {
                "candidates": [
                    {"language": language, "probability": round(probability, 3)}
                    for language, probability in likely
                ]
            }
        )

    async def _notice(self, request: Request) -> Response:
        """What everybody must know before they speak, as a voice says it."""
        self._check_anybody(request)
        language = normalise(request.query_params.get("language", ""))
        synthesizer = self._house().engines.synthesizer
        if language not in synthesizer.voices or language not in LANGUAGES:
            raise SynthesisError("language-not-spoken", "no voice here speaks this language")
        if language not in self._notices:
            sounds = [
                resample(sound.samples, sound.rate, RATE)
                async for sound in synthesizer.synthesize(in_words("notice", language), language)
            ]
            self._notices[language] = _wav(np.concatenate(sounds))
        return Response(self._notices[language], media_type="audio/wav", headers=HEADERS)

    def _check_anybody(self, request: Request) -> None:
        """Staff, or somebody in a conversation."""
        check_origin(request, self._origins)
        try:
            self._reception().admit(bearer(request))
        except ProtocolError:
            self._keys.check(bearer(request))

    def _check(self, request: Request) -> None:
        check_origin(request, self._origins)
        self._keys.check(bearer(request))


def _offices(house: House) -> list[tuple[str, Office]]:
    """Those with names, or the one that holds for all."""
    named = [(name, office) for name, office in house.offices.items() if name]
    return named or list(house.offices.items())


def _office(office: Office) -> dict[str, Any]:
    return {
        "name": office.name,
        "title": office.title,
        "language": office.language,
        "formality": office.briefing.formality,
        "phrases": [{"id": each.id, "texts": each.texts} for each in office.phrases],
        "cards": [
            {"id": each.id, "kind": each.kind, "picture": each.picture, "texts": each.texts}
            for each in office.cards
        ],
    }


def languages(house: House) -> list[dict[str, Any]]:
    """All that something can be done with, and what."""
    engines = house.engines
    tags = sorted({language for pair in engines.translator.pairs for language in pair})
    translations: dict[str, dict[str, Quality]] = {tag: {} for tag in tags}
    for (source, target), quality in engines.translator.pairs.items():
        translations[source][target] = quality
    return [
        {
            "tag": tag,
            "name": own_name(tag),
            "direction": "rtl" if right_to_left(tag) else "ltr",
            "heard": tag in engines.recognizer.languages,
            "voice": voice.quality if (voice := engines.synthesizer.voices.get(tag)) else None,
            "translations": translations[tag],
        }
        for tag in tags
    ]


def _speech(body: bytes) -> Samples:
    """PCM16 at 16 kHz, raw or in a WAV file. Raises `ProtocolError` ("unsupported-audio")."""
    if body[:4] == b"RIFF":
        try:
            with wave.open(io.BytesIO(body)) as file:
                form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
                if form != (1, 2, RATE):
                    raise ProtocolError("unsupported-audio", "send 16 kHz, mono, 16 bit")
                body = file.readframes(file.getnframes())
        except (wave.Error, EOFError) as error:
            raise ProtocolError("unsupported-audio", "this is no WAV file") from error
    seconds = len(body) / 2 / RATE
    if len(body) % 2 or not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
        raise ProtocolError("unsupported-audio", "send 1 to 10 s of PCM16 at 16 kHz")
    return from_bytes(body)


def _wav(samples: Samples) -> bytes:
    """A WAV file at 16 kHz."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(to_bytes(samples))
    return content.getvalue()
