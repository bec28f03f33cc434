"""Who may make conversations: staff, by their key, or a counter that they signed in."""

import hmac
import secrets
import time
from datetime import UTC, datetime, timedelta

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from .errors import BusyError, InterpreterError, ProtocolError

COUNTER_SECONDS = 12 * 3600.0
"""A counter is signed in for a working day."""

INVITATION_SECONDS = 600.0

_ATTEMPTS = 20
"""Wrong keys; one more is forgiven every second. Slows guessing, whoever guesses."""


class Keys:
    """Checks the staff key and what stands for it; gives out tokens and invitations."""

    def __init__(self, staff_key: str) -> None:
        self._staff_key = staff_key
        self._counters = URLSafeTimedSerializer(staff_key, salt="interpreter.counter")
        self._invitations = URLSafeTimedSerializer(staff_key, salt="interpreter.invitation")
        self._used: dict[str, float] = {}
        """Invitations that have been used, and when (monotonic seconds)."""

        self._wrong = 0

    def forgive(self) -> None:
        """To be called once a second."""
        self._wrong = max(0, self._wrong - 1)

    def check(self, given: str) -> None:
        """Whether this is the staff key, or the token of a counter.

        Raises `InterpreterError` ("bad-key") or `BusyError` ("too-many-attempts").
        """
        try:
            self._counters.loads(given, max_age=int(COUNTER_SECONDS))
        except SignatureExpired:
            raise InterpreterError("bad-key", "this counter has to sign in again") from None
        except BadSignature:
            self.check_staff_key(given)

    def check_staff_key(self, given: str) -> None:
        """Whether this is the staff key itself: a token must not make itself live longer.

        Raises like `check`.
        """
        if self._wrong >= _ATTEMPTS:
            raise BusyError("too-many-attempts", "too many wrong keys; wait a little")
        if not hmac.compare_digest(given.encode(), self._staff_key.encode()):
            self._wrong += 1
            raise InterpreterError(
                "bad-key", "send the staff key in the header: Authorization: Bearer <staff key>"
            )

    def counter(self) -> tuple[str, datetime]:
        """A token for a counter that has shown the key, and when it expires."""
        return _text(self._counters.dumps("counter")), _in(COUNTER_SECONDS)

    def invite(self) -> tuple[str, datetime]:
        """An invitation for one more counter, and when it expires."""
        return _text(self._invitations.dumps(secrets.token_urlsafe(9))), _in(INVITATION_SECONDS)

    def accept(self, invitation: str) -> None:
        """Use an invitation up. Raises `ProtocolError` ("bad-token", "token-expired")."""
        try:
            name = str(self._invitations.loads(invitation, max_age=int(INVITATION_SECONDS)))
        except SignatureExpired:
            raise ProtocolError("token-expired", "ask staff for a new one") from None
        except BadSignature:
            raise ProtocolError("bad-token", "it was not made here") from None
        now = time.monotonic()
        self._used = {each: at for each, at in self._used.items() if now - at < INVITATION_SECONDS}
        if name in self._used:
            raise ProtocolError("token-expired", "it has been used; ask staff for a new one")
        self._used[name] = now


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _text(token: str | bytes) -> str:
    return token if isinstance(token, str) else token.decode()
