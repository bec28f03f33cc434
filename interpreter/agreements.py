"""What the parties of a conversation have agreed to."""

from collections.abc import Callable

from .events import Party, PartyChange


class Agreements:
    """That a machine interprets, and that a record of what was said may be taken along."""

    def __init__(self, *, required: bool, changed: Callable[[Party, PartyChange], None]) -> None:
        """`required`: the visitor is not listened to before they agree."""
        self.required = required
        self.consent: dict[Party, bool | None] = dict.fromkeys(Party)
        self.record: dict[Party, bool | None] = dict.fromkeys(Party)
        """None: not asked yet."""

        self._changed = changed

    @property
    def record_agreed(self) -> bool:
        """Whether both want a record."""
        return all(self.record.values())

    def may_speak(self, parties: tuple[Party, ...]) -> bool:
        """Whether the visitor has agreed, where that is required of these parties."""
        waiting = self.required and not self.consent[Party.VISITOR]
        return not (waiting and Party.VISITOR in parties)

    def agree(self, party: Party, agreed: bool) -> None:
        """A party agrees, or does not, to being interpreted by a machine."""
        self.consent[party] = agreed
        self._changed(party, "consent")

    def agree_to_record(self, party: Party, agreed: bool) -> None:
        """A party wants a record of the conversation, or does not."""
        self.record[party] = agreed
        self._changed(party, "record")
