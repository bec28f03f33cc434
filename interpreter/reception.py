"""The door: makes conversations, gives out tokens, and says no before things get slow."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from .connection import ConversationLimits, Engines
from .conversation import Conversation
from .errors import BusyError, InterpreterError, ProtocolError
from .events import Party
from .languages import normalise
from .office import NO_OFFICE, Office
from .roles import PARTIES, Role
from .vad import Endpointing

log = logging.getLogger(__name__)

_AT_FIRST: tuple[Role, ...] = ("staff", "visitor", "shared")
"""Whose tokens a new conversation comes with; others are invited into it."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A new conversation and the tokens that open it."""

    conversation: Conversation
    tokens: Mapping[Role, str]
    expires: datetime


class Reception:
    """All conversations of this service."""

    def __init__(
        self,
        engines: Engines,
        endpointing: Endpointing,
        limits: ConversationLimits,
        *,
        secret: str,
        most: int,
        offices: Mapping[str, Office] | None = None,
    ) -> None:
        """`offices` by name; the one called "" holds where none is named."""
        self.engines = engines
        self._endpointing = endpointing
        self._limits = limits
        self._most = most
        self.offices = offices or {"": NO_OFFICE}
        self._signer = URLSafeTimedSerializer(secret, salt="interpreter.conversation")
        self.conversations: dict[str, Conversation] = {}
        """Those that are going on, by name."""

        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    def open(
        self,
        staff_language: str,
        visitor_language: str,
        *,
        office: str = "",
        consent_required: bool = False,
        simultaneous: bool = False,
        pauses: Mapping[str, float] | None = None,
    ) -> Invitation:
        """Begin a conversation; `pauses` are fields of `Endpointing` that differ in it.

        Raises `InterpreterError`: `unknown-language`, `unknown-office`, `pair-not-available`, or
        `overloaded` where the service holds as many conversations as it may.
        """
        staff, visitor = normalise(staff_language), normalise(visitor_language)
        if office not in self.offices:
            raise InterpreterError("unknown-office", "the settings name no office like that")
        self.check_pair(staff, visitor)
        if self._closed:
            raise BusyError("overloaded", "the service is shutting down")
        if len(self.conversations) >= self._most:
            raise BusyError(
                "overloaded",
                f"{self._most} conversations are open here, more are not allowed; end one, or "
                "raise server.conversations",
            )
        if self.conversations and self.engines.run.behind:
            raise BusyError(
                "overloaded",
                f"{len(self.conversations)} conversations are more than this machine can keep up "
                "with now; try again in a few seconds",
            )
        conversation = Conversation(
            {Party.STAFF: staff, Party.VISITOR: visitor},
            self.engines,
            replace(self._endpointing, **(pauses or {})),
            self._limits,
            self.offices[office],
            consent_required=consent_required,
            simultaneous=simultaneous,
        )
        self.conversations[conversation.name] = conversation
        task = asyncio.create_task(self._keep(conversation))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return Invitation(
            conversation,
            {role: self.token(conversation, role) for role in _AT_FIRST},
            datetime.now(UTC) + timedelta(seconds=self._limits.lifetime_seconds),
        )

    def token(self, conversation: Conversation, role: Role) -> str:
        """What opens this conversation to somebody."""
        token = self._signer.dumps([conversation.name, role])
        return token if isinstance(token, str) else token.decode()

    def admit(self, token: str) -> tuple[Conversation, Role]:
        """The conversation a token opens, and as whom.

        Raises `ProtocolError`: `bad-token`, `token-expired` or `conversation-ended`.
        """
        try:
            name, role = self._signer.loads(token, max_age=int(self._limits.lifetime_seconds))
            if role not in PARTIES:
                raise ValueError(role)
        except SignatureExpired:
            raise ProtocolError("token-expired", "ask staff for a new one", fatal=True) from None
        except (BadSignature, TypeError, ValueError):
            raise ProtocolError("bad-token", "it was not made here", fatal=True) from None
        conversation = self.conversations.get(name)
        if conversation is None or conversation.ended:
            raise ProtocolError("conversation-ended", "it is over", fatal=True)
        return conversation, role

    def close(self, name: str) -> bool:
        """End one conversation; False if there is none of that name."""
        if (conversation := self.conversations.get(name)) is None:
            return False
        conversation.end("closed")
        return True

    async def shut(self) -> None:
        """End all conversations once what was said in them has been interpreted."""
        self._closed = True
        for conversation in self.conversations.values():
            conversation.end("shutdown")
        if self._running:
            await asyncio.wait(self._running, timeout=self._limits.drain_seconds + 5.0)

    async def _keep(self, conversation: Conversation) -> None:
        try:
            await conversation.run()
        finally:
            del self.conversations[conversation.name]

    def check_pair(self, staff: str, visitor: str) -> None:
        """Whether these can be interpreted. Raises `InterpreterError` ("pair-not-available")."""
        if staff == visitor:
            raise InterpreterError(
                "pair-not-available", "both speak the same language; there is nothing to interpret"
            )
        pairs = self.engines.translator.pairs
        for source, target in ((staff, visitor), (visitor, staff)):
            if (source, target) not in pairs:
                known = ", ".join(sorted({f"{a}-{b}" for a, b in pairs}))
                raise InterpreterError(
                    "pair-not-available",
                    f"no engine here translates {source} into {target} (there are: {known}); "
                    "`interpreter doctor` tells how to get more",
                )
        for language in (staff, visitor):
            if language not in self.engines.recognizer.languages:
                raise InterpreterError(
                    "pair-not-available", f"{language} cannot be recognised by the installed model"
                )
