"""What a conversation remembers of its utterances: enough to correct, repeat and measure them."""

import time
from collections import OrderedDict

from .audio import Samples
from .errors import ProtocolError
from .events import Event, Party, SpeechEnded, SpeechStarted, Transcript, Translation
from .mt import Turn

_UTTERANCES = 200
"""That can be corrected or said again."""

_TURNS = 2
"""That translators are given as context; each makes their answer later."""

_SOUNDS = 3
_SOUND_SECONDS = 60.0
"""What was said into a shared microphone can be heard anew for so long if the wrong party was taken
for its speaker; all other sound is gone once it has been recognised."""


class Recall:
    """Takes every event; forgets what is old, and everything in the end."""

    def __init__(self) -> None:
        self._transcripts: OrderedDict[int, Transcript] = OrderedDict()
        self._translations: OrderedDict[int, Translation] = OrderedDict()
        self._spoken: dict[int, SpeechEnded] = {}
        self._sounds: OrderedDict[int, tuple[float, Samples]] = OrderedDict()

    def take(self, event: Event) -> None:
        """Something has happened."""
        match event:
            case Transcript() if event.final:
                self._transcripts[event.utterance] = event
            case Translation() if event.final:
                self._translations[event.utterance] = event
                self._translations.move_to_end(event.utterance)  # the last one heard
            case SpeechEnded():
                self._spoken[event.utterance] = event
            case SpeechStarted():
                for kept in (self._transcripts, self._translations, self._spoken):
                    for old in [n for n in kept if n < event.utterance - _UTTERANCES]:
                        del kept[old]

    def transcript(self, utterance: int) -> Transcript | None:
        """Its latest final transcript."""
        return self._transcripts.get(utterance)

    def translation(self, utterance: int) -> Translation | None:
        """Its latest final translation."""
        return self._translations.get(utterance)

    def turns(self) -> tuple[Turn, ...]:
        """The last ones that were translated, oldest first; what is doubtful teaches nobody."""
        return tuple(
            Turn(said.source, said.target, self._transcripts[number].text, said.text)
            for number, said in list(self._translations.items())[-_TURNS:]
            if number in self._transcripts and not said.flags and said.source != said.target
        )

    def heard_by(self, party: Party, utterance: int | None) -> Translation:
        """What was said to a party last, or that utterance. Raises `ProtocolError`."""
        heard = [each for each in self._translations.values() if each.party is party.other]
        if utterance is not None:
            heard = [each for each in heard if each.utterance == utterance]
        if not heard:
            code = "nothing-to-repeat" if utterance is None else "unknown-utterance"
            raise ProtocolError(code, "nothing like that was spoken to this party")
        return heard[-1]

    def played(self, utterance: int, seconds: float) -> bool:
        """Whether this is the first report of a voice's end."""
        spoken = self._spoken.get(utterance)
        if spoken is None or seconds < spoken.seconds - 0.05:
            return False
        del self._spoken[utterance]
        return True

    def keep_sound(self, utterance: int, sound: Samples) -> None:
        """It may have been taken for the wrong party's."""
        self._sounds[utterance] = (time.monotonic(), sound)
        while len(self._sounds) > _SOUNDS:
            self._sounds.popitem(last=False)

    def sound(self, utterance: int) -> Samples | None:
        """What was said, at 16 kHz, if it is still there."""
        self.forget_sounds()
        kept = self._sounds.get(utterance)
        return kept[1] if kept else None

    def forget_sounds(self) -> None:
        """Those that are too old; to be called now and then."""
        before = time.monotonic() - _SOUND_SECONDS
        for old in [number for number, (at, _) in self._sounds.items() if at < before]:
            del self._sounds[old]

    def clear(self) -> None:
        """Forget everything."""
        for kept in (self._transcripts, self._translations, self._spoken, self._sounds):
            kept.clear()
