"""What the person at the desk sees: what was said, what is being said, and a level meter."""

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from interpreter.channels import protocol
from interpreter.events import Party

from .connection import Line, Received

_QUIETEST = -60.0
_METER = 30


class Screen:
    """Shows on `with`."""

    def __init__(self, console: Console, languages: dict[Party, str], mine: Party) -> None:
        self._console = console
        self._languages = languages
        self._mine = mine
        self._growing: dict[int, Text] = {}
        """What is being said, by utterance."""

        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def meter(self, level: float, state: str) -> None:
        """Show the microphone's loudness (dB relative to full scale) and what it does."""
        meter = Text(meter_line(level, state))
        self._live.update(Group(*self._growing.values(), meter), refresh=True)

    def show(self, received: Received) -> None:
        """Add what happened to the conversation, if it is for people."""
        if isinstance(received, protocol.PartyMessage) and received.state == "language":
            self._languages[received.party] = received.language
        self._follow(received)
        if line := self.line(received):
            self._console.print(line)

    def _follow(self, received: Received) -> None:
        """Words that grow stand above the meter until they are final, or come to nothing."""
        match received:
            case protocol.TranscriptMessage(final=False):
                certain, open_ = (
                    received.text[: received.committed],
                    received.text[received.committed :],
                )
                line = _said(received.party, received.language, certain, "bold")
                self._growing[received.utterance] = line.append(open_, "dim")
            case (
                protocol.TranscriptMessage(utterance=int(number))
                | protocol.NoticeMessage(utterance=int(number))
                | protocol.ErrorMessage(utterance=int(number))
            ):
                self._growing.pop(number, None)

    def line(self, received: Received) -> Text | None:
        """The line that tells it; None where there is nothing to tell."""
        match received:
            case protocol.TranscriptMessage(final=True):
                return _said(received.party, received.language, received.text, "bold")
            case protocol.TranslationMessage(final=True):
                doubtful = " (?)" if "low_confidence" in received.flags else ""
                style = "yellow" if doubtful else "cyan"
                return _said("  →", received.target, received.text + doubtful, style)
            case protocol.Joined():
                return Text(self._in_my_language(received.notice), "dim")
            case protocol.NoticeMessage() | protocol.ErrorMessage():
                words = self._in_my_language(received.messages)
                return Text(f"{received.code}: {words}", "yellow")
            case protocol.EndedMessage():
                return Text(self._in_my_language(received.messages), "bold")
            case protocol.PartyMessage():
                return Text(f"{received.party} {received.state}", "dim")
            case Line(connected=False):
                return Text("the line is cut; what you say is kept", "yellow")
            case Line():
                lost = f"; {received.lost_seconds:.0f} s of speech were lost"
                return Text(f"the line is back{lost if received.lost_seconds else ''}", "green")
            case _:
                return None

    def _in_my_language(self, messages: protocol.Messages) -> str:
        language = self._languages[self._mine]
        return messages.get(language) or next(iter(messages.values()), "")


def meter_line(level: float, state: str) -> str:
    """A bar from -60 dB to 0 dB, and a word."""
    full = round(_METER * min(1.0, max(0.0, 1 - level / _QUIETEST)))
    return f"{'█' * full}{'·' * (_METER - full)} {level:4.0f} dB  {state}"


def _said(who: str, language: str, text: str, style: str) -> Text:
    return Text(f"{who} [{language}] ", "dim").append(text, style)
