"""The link of an appointment: signed, for one person, and the same whenever it is asked for."""

from datetime import UTC, datetime

from itsdangerous import BadSignature, URLSafeSerializer

from ..errors import ProtocolError
from ..events import Party
from . import Appointment


class Links:
    """Writes links and reads them.

    Besides the id and whom it is for, a link holds the appointment's time, so that an old one does
    not open a later appointment that happens to get the same id.
    """

    def __init__(self, secret: str) -> None:
        self._signer = URLSafeSerializer(secret, salt="interpreter.appointment")

    def write(self, appointment: Appointment, party: Party) -> str:
        """What stands behind the `#` of the link."""
        link = self._signer.dumps([appointment.id, party, int(appointment.starts.timestamp())])
        return link if isinstance(link, str) else link.decode()

    def read(self, link: str) -> tuple[str, Party, datetime]:
        """The appointment's id, whom the link is for, and when it starts.

        Raises `ProtocolError` ("bad-token").
        """
        try:
            name, party, starts = self._signer.loads(link)
            return str(name), Party(party), datetime.fromtimestamp(starts, UTC)
        except (BadSignature, TypeError, ValueError):
            raise ProtocolError("bad-token", "it was not made here", fatal=True) from None
