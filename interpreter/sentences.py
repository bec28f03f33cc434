"""Where one sentence ends and the next begins, in any language (by Wikimedia's sentencex)."""

import re
import unicodedata

# What sentencex 1.0.32 does not know in the languages heard most at a counter.
_ABBREVIATION = re.compile(
    r"(?:^|\s)(?:av|bd|dra|mme|mlle|núm|pça|ref|ul|pl|al|sig|dott|вул|просп|кв)\.$", re.IGNORECASE
)
_INITIAL = re.compile(r"(?:^|[\s(])[^\W\d_]\.$")
_SHORT = re.compile(r"(?:^|\s)\w{1,4}\.$")

_QUESTION = ("?", "？", "؟")
_SENTENCE_END = (".", "!", "。", "！", "।", "۔", *_QUESTION)

_HANGING = {
    language: frozenset(words.split())
    for language, words in {
        # Articles, conjunctions, prepositions and possessives that want a word after them, and the
        # sounds people make while they look for one.
        "de": "der die das den dem des ein eine einen einem einer und oder aber weil dass wenn ob "
        "von für zum zur im am mein meine meinen dein ihre ihr sein seine unser unsere sehr "
        "äh ähm hm",
        "en": "the a an and or but because if my your his their our very um uh er "
        "erm hmm of than i we he she they",
        "es": "el la los las un una unos unas y o pero porque si de del con para por en a mi mis "
        "tu su sus muy que eh em este",
        "fr": "le la les un une des du de et ou mais parce que car si avec pour dans en à au aux "
        "mon ma mes ton sa ses notre votre très euh ben",
        "it": "il lo la i gli le un uno una e o ma perché se di del della con per in a da mio mia "
        "suo sua molto che ehm eh",
        "nl": "de het een en of maar omdat als met van voor in op mijn uw zijn haar ons zeer eh "
        "ehm",
        "pl": "i lub albo ale bo że jeśli z ze w we na do od dla przez mój moja mojego bardzo yyy "
        "eee",
        "pt": "o a os as um uma uns umas e ou mas porque se de do da dos das com para por no na "
        "em ao à meu minha seu sua muito que é hum eh ah",
        "ro": "un o și sau dar pentru că dacă de cu la în din pe ale lui foarte ăă",
        "ru": "и или но а что если с со в во на к от для мой моя моего очень э ээ эм",
        "tr": "ve veya ya ama fakat çünkü eğer bir bu şu için ile çok ııı şey",
        "uk": "і й або але а що якщо з із зі в у на до від для мій моя мого дуже е ее",
    }.items()
}


def split(text: str, language: str) -> list[str]:
    """The sentences of a text, without white space around them; nothing else is lost.

    Where it is unsure it does not split: two sentences together are spoken and translated well,
    half a sentence is not. Blank text has no sentences.
    """
    import sentencex

    sentences: list[str] = []
    for piece in sentencex.segment(language, text):
        if sentences and _goes_on(sentences[-1].rstrip(), piece.lstrip()):
            sentences[-1] += piece
        else:
            sentences.append(piece)
    return [sentence for sentence in map(str.strip, sentences) if sentence]


def bare_words(text: str) -> list[str]:
    """The words of a text to compare it by: small letters and digits, no accents, no signs."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = (c for c in letters if not unicodedata.combining(c))
    return "".join(c if c.isalnum() else " " for c in kept).split()


def _goes_on(before: str, after: str) -> bool:
    """Whether the full stop between them ended an abbreviation ("Av. Brasil", "3. kat")."""
    return bool(
        _ABBREVIATION.search(before)
        or _INITIAL.search(before)
        or (_SHORT.search(before) and after and (after[0].islower() or after[0] in "ºª"))
    )


def sounds_finished(text: str, language: str) -> bool:
    """Whether somebody who pauses after these words has probably said what they wanted to say.

    A recognizer sets the punctuation by what it heard, but likes full stops too much: behind a
    word no sentence of the language ends with, it is not believed. Questions may end with such a
    word ("What is it for?"), and an answer may be nothing else ("Um.", one, in Portuguese).
    """
    text = text.rstrip("\"'”’»“)] ")
    if text.endswith(("...", "…")) or not text.endswith(_SENTENCE_END):
        return False
    words = re.findall(r"\w+", text)
    if text.endswith(_QUESTION) or len(words) < 2:
        return True
    return words[-1].casefold() not in _HANGING.get(language, frozenset())
