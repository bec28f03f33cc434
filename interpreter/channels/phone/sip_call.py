"""SIP calls until they are answered: coming in, and going out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...errors import PhoneError
from .line import Caller, Line
from .sip_line import SipLine

if TYPE_CHECKING:
    import baresip

logger = logging.getLogger(__name__)

ACKNOWLEDGE_SECONDS = 10.0
SOUND_SECONDS = 2.0
"""So long after the answer both directions of sound must be there."""

REPLY_SECONDS = 2.0
"""So long a call that is given up is waited for to ring."""

VIDEO_ATTEMPTS = 5

RANG = ("CALL_RINGING", "CALL_PROGRESS")

BUSY = (486, 600)
NO_ANSWER = (408, 480, 487)
REFUSED = (401, 403, 407, 433, 603, 607, 608)


class IncomingCall:
    """Somebody calls; it rings until `answer` or `refuse`, or until the caller gives up."""

    def __init__(
        self,
        call: "baresip.Call",
        caller: Caller,
        on_line: Callable[["baresip.Call", SipLine], None],
    ) -> None:
        self.caller = caller
        self.gone = asyncio.Event()
        """Set when the caller has hung up before an answer, or has been refused."""

        self._call = call
        self._on_line = on_line
        self._answered = False
        call.on(self._on_event)

    async def answer(self) -> Line:
        """Take the call. Raises `PhoneError`: hung-up (the caller has gone), no-sound."""
        from baresip import BaresipError, StaleHandleError

        if self.gone.is_set():
            raise PhoneError("hung-up", "the caller has hung up")
        try:
            # Without video the library would send a re-INVITE, to take back what nobody offered.
            await self._call.answer(video=True)
            await self._call.wait_established(ACKNOWLEDGE_SECONDS)
            await _take_back_video(self._call)
        except StaleHandleError as error:
            raise PhoneError("hung-up", "the caller has hung up") from error
        except BaresipError as error:
            raise PhoneError("hung-up", "the call did not come about") from error
        self._answered = True
        line = await line_of(self._call, self.caller)
        self._on_line(self._call, line)
        return line

    async def refuse(self) -> None:
        """Tell the caller that the line is busy; nothing once it is answered or over."""
        if not self._answered and not self.gone.is_set():
            self.gone.set()
            await quietly(self._call.reject())

    def _on_event(self, event: Any) -> None:
        if event.event.name == "CALL_CLOSED":
            self.gone.set()


async def dial(
    runtime: "baresip.Runtime",
    agent: "baresip.UserAgent",
    address: str,
    ring_seconds: float,
    keep: Callable[["baresip.Call"], None],
) -> "baresip.Call":
    """Call an address and wait for the answer; `keep` gets the call as soon as it rings.

    Whoever cancels it, however soon, leaves nobody ringing.

    Raises `PhoneError`: busy, no-answer, refused, unreachable.
    """
    from baresip import BaresipError

    # The library tells of a call's end even before `dial` has given the call out.
    happened: asyncio.Queue[Any] = asyncio.Queue()

    def listen(event: Any) -> None:
        if event.event.name in (*RANG, "CALL_ESTABLISHED", "CALL_CLOSED"):
            happened.put_nowait(event)

    runtime.subscribe(listen)
    # On its own, since a cancelled command is sent nevertheless and its call would be lost.
    dialling = asyncio.create_task(agent.dial(address))
    rang = over = False
    try:
        call = await asyncio.shield(dialling)
        keep(call)
        async with asyncio.timeout(ring_seconds):
            while (event := await _next_of(happened, call)).event.name in RANG:
                rang = True
        over = True
    except TimeoutError as error:
        if rang:
            raise PhoneError("no-answer", "nobody answered", retryable=True) from error
        raise PhoneError("unreachable", "it did not even ring", retryable=True) from error
    except BaresipError as error:
        raise PhoneError("unreachable", "the exchange cannot be reached", retryable=True) from error
    finally:
        if not over:
            await quietly(_give_up(dialling, happened, rang))
        runtime.unsubscribe(listen)
    if event.event.name == "CALL_CLOSED":
        raise _not_answered(event.text or "")
    return call


async def _next_of(happened: "asyncio.Queue[Any]", call: "baresip.Call") -> Any:
    while (event := await happened.get()).call != call.handle:
        pass
    return event


async def _give_up(
    dialling: "asyncio.Task[baresip.Call]", happened: "asyncio.Queue[Any]", rang: bool
) -> None:
    call = await dialling
    if not rang:
        # Hung up before the first reply, the library sends no CANCEL: there it would ring on.
        with suppress(TimeoutError):
            await asyncio.wait_for(_next_of(happened, call), REPLY_SECONDS)
    await call.hangup()


async def line_of(call: "baresip.Call", caller: Caller) -> SipLine:
    """The line of an established call, once its sound is there; hung up if that fails.

    Raises `PhoneError` (no-sound).
    """
    try:
        rate = await _rate_of(call)
    except BaseException:
        await quietly(call.hangup())
        raise
    return SipLine(call, caller, rate)


async def _rate_of(call: "baresip.Call") -> int:
    from baresip import AudioNotActive

    for _ in range(round(SOUND_SECONDS / 0.01)):
        try:
            info = call.audio.info()
        except AudioNotActive:
            info = None
        if info and info.rx_ready and info.tx_ready:
            rate: int = info.rx_sample_rate
            return rate
        await asyncio.sleep(0.01)
    raise PhoneError("no-sound", "the call was answered, but has no sound")


def caller_of(call: "baresip.Call", wanted: tuple[str, ...]) -> Caller:
    """Who calls whom, from an incoming call's headers; `wanted` become variables."""
    headers: Mapping[str, str] = {name.lower(): value for name, value in call.headers.items()}
    return Caller(
        caller=user_of(headers.get("p-asserted-identity") or call.peer or ""),
        called=user_of(headers.get("to") or headers.get("t") or ""),
        variables={name: headers[name.lower()] for name in wanted if name.lower() in headers},
    )


def user_of(address: str) -> str:
    """`30` of `"Desk" <sip:30@pbx.example;tag=1>`; of an address without a user, nothing."""
    bare = address.rpartition("<")[2].partition(">")[0].strip()
    scheme, colon, rest = bare.partition(":")
    if not colon:
        return ""
    user, at, _ = rest.partition("@")
    if scheme.lower() == "tel":
        return user.partition(";")[0]
    return user.partition(";")[0] if at else ""


async def _take_back_video(call: "baresip.Call") -> None:
    """Of a caller with a camera, stop the picture."""
    from baresip import BaresipError, VideoNotActive

    for _ in range(VIDEO_ATTEMPTS):
        try:
            call.video.info()
            await call.remove_video()
        except VideoNotActive:
            return
        except BaresipError:
            # Another change of the session is under way.
            await asyncio.sleep(0.1)
        else:
            return


async def quietly(ending: Awaitable[None]) -> None:
    """Await the end of something that may have ended by itself already."""
    from baresip import BaresipError

    try:
        await ending
    except BaresipError as error:
        logger.debug("it had ended: %s", type(error).__name__)


def _not_answered(reason: str) -> PhoneError:
    status = int(reason[:3]) if reason[:3].isdecimal() else None
    if status in BUSY:
        return PhoneError("busy", "the line is busy", retryable=True)
    if status in NO_ANSWER:
        return PhoneError("no-answer", "nobody answered", retryable=True)
    if status in REFUSED:
        return PhoneError("refused", f"the call was refused (SIP {status})")
    told = f"SIP {status}" if status else "no reply"
    return PhoneError("unreachable", f"the number cannot be reached ({told})", retryable=True)
