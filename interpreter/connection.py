"""What a conversation is made of: engines, limits, and the connections that reach its parties."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .asr import Recognizer
from .echo import EchoGuard
from .errors import ProtocolError
from .events import Event, Party, PartyChange, TurnTaking
from .microphone import Microphone
from .mt import Translator
from .mt.router import Router
from .peers import Peer, Peers
from .roles import GUESTS, PARTIES, Role
from .tts import Synthesizer
from .vad import SileroVad
from .work import Run


@dataclass(frozen=True, slots=True)
class Engines:
    """What a conversation works with; shared by all."""

    vad: SileroVad
    recognizer: Recognizer
    translator: Router
    synthesizer: Synthesizer
    run: Run
    """Where all their calls go; it knows whether the machine keeps up."""

    plain: Translator | None = None
    """Puts sentences into plain language; from a language to the same."""


@dataclass(frozen=True, slots=True)
class ConversationLimits:
    """How long things may take, and how many there may be."""

    connections: int = 8
    """Of both parties together."""

    resume_seconds: float = 60.0
    """How long a connection that was cut may come back."""

    idle_seconds: float = 900.0
    """Without a word from anybody, nor people who talk without the machine, it ends."""

    lifetime_seconds: float = 8 * 3600.0
    drain_seconds: float = 10.0
    """When a conversation ends, how long what was said may still take to be interpreted."""


@dataclass(slots=True)
class Connection:
    """One way a party is reached; outlives its websockets while these are cut."""

    name: str
    role: Role
    turn_taking: TurnTaking
    speech_rate: int | None
    microphone: Microphone | None
    guard: EchoGuard | None = None
    """Where the microphone hears the connection's own loudspeaker."""

    replaced: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a newer websocket has taken this connection over."""

    attached: bool = True
    cut_at: float = 0.0
    """Monotonic seconds."""

    @property
    def parties(self) -> tuple[Party, ...]:
        """One party, or both: on a shared device, and for a human interpreter."""
        return PARTIES[self.role]

    @property
    def interprets(self) -> bool:
        """Whether a person is behind it who is neither party."""
        return self.role == "interpreter"

    def party(self, named: Party | None) -> Party:
        """The party a message is about. Raises `ProtocolError`."""
        if named is None:
            if len(self.parties) > 1:
                raise ProtocolError("bad-message", "a shared device has to say which party")
            return self.parties[0]
        if named not in self.parties:
            raise ProtocolError("not-allowed", "this connection does not speak for that party")
        return named

    async def hang_up(self) -> None:
        """Its microphone hears no more; what was begun is interpreted."""
        if self.microphone:
            await self.microphone.hang_up()


class Connections:
    """The connections of one conversation; `announce` tells that a party came, went or was cut."""

    def __init__(self, most: int, announce: Callable[[Party, PartyChange], None]) -> None:
        self._most = most
        self._announce = announce
        self._by_name: dict[str, Connection] = {}
        self.peers = Peers()

    @property
    def all(self) -> list[Connection]:
        """Those that are attached, and those that may come back."""
        return list(self._by_name.values())

    @property
    def anybody_left(self) -> bool:
        """Whether either party is reached, or may come back."""
        return any(not each.interprets for each in self.all)

    @property
    def hear_an_interpreter(self) -> bool:
        """Whether a human interpreter is in the picture (or may come back), and with them everybody
        who speaks or listens: nobody else hears them."""
        talking = [each for each in self.all if each.microphone or each.speech_rate]
        interpreters = [each for each in self.all if each.interprets]
        return bool(interpreters) and all(
            self.peers.post(each.name) for each in (*interpreters, *talking)
        )

    def add(self, connection: Connection, *, video: bool = False) -> Connection | None:
        """A new one. Gives the one whose place among the pictures it takes, and which is gone.

        Raises `ProtocolError` ("not-allowed", "conversation-full").
        """
        _check(connection, video=video)
        gone = self._gives_way_to(connection) if video and self.peers.full else None
        if len(self._by_name) - (gone is not None) >= self._most:
            raise ProtocolError(
                "conversation-full", f"{self._most} connections at most", fatal=True
            )
        if gone:
            self.remove(gone)
        if video:
            self.peers.enter(connection.name)
        self._by_name[connection.name] = connection
        self._tell(connection, "joined")
        return gone

    def take_over(self, name: str, role: Role) -> Connection | None:
        """The one of that name, for a newer websocket; None if there is none."""
        old = self._by_name.get(name)
        if old is None or old.role != role:
            return None
        connection = replace(old, replaced=asyncio.Event(), attached=True)
        self._by_name[name] = connection
        old.replaced.set()
        if not old.attached:
            self._tell(connection, "joined")
        return connection

    def guard(self, event: Event, to: Party | None) -> None:
        """Tell the echo guards what happens, as far as it is for their party."""
        for connection in self.all:
            if connection.guard and to in connection.parties:
                connection.guard.take(event, time.monotonic())

    def cut(self, connection: Connection) -> None:
        """Its websocket is gone without a word; it may come back."""
        if self._by_name.get(connection.name) is connection:
            connection.attached = False
            connection.cut_at = time.monotonic()
            self._tell(connection, "away")

    def cut_before(self, moment: float) -> list[Connection]:
        """Those that were cut before that moment (monotonic seconds) and never came back."""
        return [each for each in self.all if not each.attached and each.cut_at < moment]

    def remove(self, connection: Connection) -> bool:
        """Forget it; False if that had happened already, or another has taken it over."""
        if self._by_name.get(connection.name) is not connection:
            return False
        del self._by_name[connection.name]
        self.peers.leave(connection.name)
        self._tell(connection, "left")
        return True

    async def hang_up(self) -> None:
        """No microphone hears any more; what was begun is interpreted."""
        for connection in self.all:
            await connection.hang_up()

    def anybody_reaches(self, party: Party) -> bool:
        """Whether any websocket reaches that party right now."""
        return any(_speaks_for(each, party) and each.attached for each in self.all)

    def in_touch(self, *, without_machine: bool) -> bool:
        """Whether people may be talking though the machine hears nothing: they see each other, or
        somebody interprets `without_machine` while both parties are reached."""
        seen = sum(each.attached and self.peers.post(each.name) is not None for each in self.all)
        return seen > 1 or (without_machine and all(map(self.anybody_reaches, Party)))

    def anybody_listens(self, party: Party) -> bool:
        """Whether any connection plays voices to that party, or will once it is back."""
        return any(party in each.parties and each.speech_rate is not None for each in self.all)

    def around(self, connection: Connection) -> list[Peer]:
        """The others that show pictures, as this one sees them, which does so too."""
        name, peers = connection.name, self.peers
        return [
            Peer(each.name, each.role, polite=peers.before(each.name, name), away=not each.attached)
            for each in self.all
            if each is not connection and peers.post(each.name)
        ]

    def _gives_way_to(self, newcomer: Connection) -> Connection | None:
        """Of those that are cut one of the same role, perhaps the same person; else the one that
        has been away for longest."""
        cut = [each for each in self.all if not each.attached and self.peers.post(each.name)]
        return min(cut, key=lambda each: (each.role != newcomer.role, each.cut_at), default=None)

    def _tell(self, connection: Connection, change: PartyChange) -> None:
        """Announce, unless another connection of the party is still there."""
        self.peers.tell_change()
        if connection.interprets:
            return
        for party in connection.parties:
            others = (each for each in self.all if each is not connection and each.attached)
            if not any(_speaks_for(each, party) for each in others):
                self._announce(party, change)


def _speaks_for(connection: Connection, party: Party) -> bool:
    return party in connection.parties and not connection.interprets


def _check(connection: Connection, *, video: bool) -> None:
    """Who may hear and speak how. Raises `ProtocolError` ("not-allowed")."""
    if connection.role in GUESTS and not video:
        raise ProtocolError(
            "not-allowed", "a guest joins with video, so that everybody sees them", fatal=True
        )
    sound = connection.microphone or connection.speech_rate
    if connection.interprets:
        if sound:
            raise ProtocolError(
                "not-allowed", "an interpreter's sound does not pass through here", fatal=True
            )
    elif len(connection.parties) > 1 and connection.turn_taking is TurnTaking.OWN_MICROPHONE:
        raise ProtocolError(
            "not-allowed", "a shared device is shared_microphone or push_to_talk", fatal=True
        )
