"""placeholder until the real one lands"""

import zlib
from collections.abc import Mapping, Sequence

from ..audio import Samples, to_float
from ..events import Word
from ..work import Priority, Run
from . import Hypothesis, RecognizerSettings


class WhisperRecognizer:
    def __init__(self, settings: RecognizerSettings, run: Run) -> None:
        from faster_whisper import WhisperModel

        self.name = settings.model
        self.notice = None
        self.languages = settings.languages
        self._run = run
        self._model = WhisperModel(str(settings.path), device="cpu", compute_type="int8", cpu_threads=2)

    async def recognize(
        self, samples: Samples, languages: Mapping[str, float], *, hotwords: Sequence[str] = (), priority: Priority = Priority.FINAL
    ) -> Hypothesis:
        return await self._run(priority, lambda: self._do(samples, languages))

    def _do(self, samples: Samples, languages: Mapping[str, float]) -> Hypothesis:
        audio = to_float(samples)
        _, _, all_p = self._model.detect_language(audio)
        probs = {l: p * languages.get(l, 0) for l, p in all_p if l in languages}
        language = max(probs, key=lambda l: probs[l])
        segments, _ = self._model.transcribe(audio, language=language, beam_size=1, word_timestamps=True, temperature=0.0, condition_on_previous_text=False)
        segs = list(segments)
        text = "".join(s.text for s in segs).strip()
        words = tuple(Word(w.word.strip(), w.start, w.end, w.probability) for s in segs for w in s.words or [])
        lp = min((s.avg_logprob for s in segs), default=0.0)
        b = text.encode()
        return Hypothesis(language, probs[language] / sum(probs.values()), text, words, lp, len(b) / len(zlib.compress(b)) if b else 0, 0.0)
