"""Silero's detector against recordings, and the segmenter against scripts of speech and silence."""

from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import Recording, installed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interpreter.audio import RATE, Samples, silence, to_float
from interpreter.errors import ModelError
from interpreter.events import Ending
from interpreter.vad import (
    CHUNK,
    Discarded,
    Edge,
    Ended,
    Endpointing,
    Segmenter,
    SileroVad,
    Started,
)

SECOND = CHUNK / RATE
"""Of a chunk."""

SHORT = Endpointing(
    minimum_speech_seconds=2 * SECOND,
    silence_seconds=4 * SECOND,
    finished_seconds=3 * SECOND,
    hesitation_seconds=6 * SECOND,
    pre_roll_seconds=2 * SECOND,
    post_roll_seconds=1 * SECOND,
    longest_seconds=20 * SECOND,
)
PROBABILITY = {".": 0.0, ",": 0.2, "-": 0.4, "#": 0.9}
"""`-` is speech only within speech; `,` is a less sure silence."""


def play(script: str, settings: Endpointing = SHORT, *, button: bool = False) -> list[Edge]:
    """Edges of a script; `(` and `)` press and release, the end hangs up."""
    segmenter = Segmenter(settings, push_to_talk=button)
    edges: list[Edge] = []
    for sign in script:
        match sign:
            case "(":
                edges += segmenter.press()
            case ")":
                edges += segmenter.release()
            case _:
                edges += segmenter.push(PROBABILITY[sign])
    return edges + segmenter.finish()


def drawn(script: str, settings: Endpointing = SHORT, *, button: bool = False) -> list[str]:
    """The part of the script that each utterance took, with why it ended."""
    chunks = script.replace("(", "").replace(")", "")
    return [
        f"{chunks[edge.start // CHUNK : edge.end // CHUNK]} {edge.ending}"
        for edge in play(script, settings, button=button)
        if isinstance(edge, Ended)
    ]


# Hands free ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "utterances"),
    [
        ("", []),
        ("........", []),
        (".....####........", ["..####. silence"]),
        ("####......", ["####. silence"]),  # no pre-roll where nothing was before
        (".....#........", []),  # too short to be speech
        (".....#.#.#.#........", []),
        (".....--.......", []),  # never above the threshold
        (".....##--.......", ["..##--. silence"]),  # but once within, it is
        (".....##...##.....", ["..##...##. silence"]),  # a pause, not an end
        (".....##....##....", ["..##. silence", "..##. silence"]),
        (".....####", ["..#### hang_up"]),
        (".....####..", ["..####. hang_up"]),
        (".....#", []),
    ],
)
def test_utterances(script: str, utterances: list[str]) -> None:
    assert drawn(script) == utterances


def test_positions_are_samples_since_the_stream_began() -> None:
    assert play(".....####......") == [
        Started(3 * CHUNK),
        Ended(3 * CHUNK, 10 * CHUNK, 9 * CHUNK, Ending.SILENCE),
    ]


def ends_after(patience: float | None, script: str) -> list[int]:
    """Positions in chunks at which utterances end, told at `!` how long to wait."""
    segmenter, ends = Segmenter(SHORT), []
    for sign in script:
        if sign == "!":
            assert patience is not None
            segmenter.be_patient(patience)
        elif any(isinstance(edge, Ended) for edge in segmenter.push(PROBABILITY[sign])):
            ends.append(segmenter.position // CHUNK)
    return ends


def test_a_pause_lasts_as_long_as_its_words_deserve() -> None:
    assert ends_after(None, "###.........") == [7]
    assert ends_after(2 * SECOND, "###.!........") == [5]
    assert ends_after(6 * SECOND, "###.!........") == [9]


def test_patience_that_has_run_out_already_ends_the_pause_at_once() -> None:
    assert ends_after(2 * SECOND, "###...!.....") == [7]


def test_patience_is_for_one_pause_only() -> None:
    assert ends_after(6 * SECOND, "###.!...#.......") == [12]
    assert ends_after(1 * SECOND, "###.!.###......") == [5, 12]


def test_a_long_pre_roll_stops_at_the_last_utterance() -> None:
    settings = Endpointing(
        minimum_speech_seconds=2 * SECOND,
        silence_seconds=3 * SECOND,
        pre_roll_seconds=9 * SECOND,
        post_roll_seconds=1 * SECOND,
    )
    assert drawn("..###...###...", settings) == ["..###. silence", "..###. silence"]


def test_the_end_is_never_later_than_what_was_heard() -> None:
    settings = Endpointing(silence_seconds=2 * SECOND, post_roll_seconds=9 * SECOND)
    (ended,) = [e for e in play("######...", settings) if isinstance(e, Ended)]
    assert ended.end == 8 * CHUNK


def test_what_a_started_utterance_needs_is_kept() -> None:
    segmenter = Segmenter(SHORT)
    for _ in range(10):
        segmenter.push(0.0)
    assert segmenter.position == 10 * CHUNK
    assert segmenter.position - segmenter.keep_from == 4 * CHUNK  # pre-roll and least speech
    assert segmenter.push(0.9) == []
    (started,) = segmenter.push(0.9)
    assert isinstance(started, Started)
    for _ in range(5):
        segmenter.push(0.9)
        assert segmenter.keep_from == started.start


# Length ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "utterances"),
    [
        # 20 chunks at most; cut in the middle of the pause, the rest goes on at once.
        ("##############..#######....", ["##############. length", ".#######. silence"]),
        # The longer pause wins, in the second half only.
        ("####..#######...##.#######....", ["####..#######. length", "..##.#######. silence"]),
        # Of equal ones the later.
        ("##########.###.#########....", ["##########.### length", ".#########. silence"]),
        # Of equally long ones the deeper.
        ("##########..###,,#######....", ["##########. length", ".###,,#######. silence"]),
        # No pause at all: where it was least sure.
        ("###########################....", ["#" * 19 + " length", "########. silence"]),
        # Twice in a row.
        ("#" * 45, ["#" * 19 + " length", "#" * 19 + " length", "#" * 7 + " hang_up"]),
    ],
)
def test_long_speech_is_split(script: str, utterances: list[str]) -> None:
    assert drawn(script) == utterances


def test_what_follows_a_split_starts_where_it_was_cut() -> None:
    edges = play("##############..#######....")
    assert edges[1:3] == [
        Ended(0, 15 * CHUNK, 14 * CHUNK, Ending.LENGTH),
        Started(15 * CHUNK),
    ]


# Push to talk ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "utterances"),
    [
        ("....####....", []),  # nobody pressed
        ("....(####)....", ["..#### button"]),
        ("....(##.....##..)....", ["..##.....##.. button"]),  # pauses do not end it
        ("....(....)....", []),
        ("....##(##)....", ["#### button"]),  # began to speak before pressing
        ("....##()##....", []),
        ("....(#)", ["..# button"]),  # however short
        ("....(##", ["..## hang_up"]),
        ("....((##)", ["..## button"]),
        ("..)..(##)..)", ["..## button"]),
        ("(###)(###)", ["### button", "### button"]),
        ("(##############..#######)", ["##############. length", ".####### button"]),
        ("(###############....)", ["###############.... button"]),
        # The first half of a long press was silent: only the rest is an utterance.
        ("(..................######)", ["....###### button"]),
    ],
)
def test_the_button(script: str, utterances: list[str]) -> None:
    assert drawn(script, button=True) == utterances


def test_a_press_in_silence_is_discarded() -> None:
    assert play("....(....)....", button=True) == [Started(2 * CHUNK), Discarded(2 * CHUNK)]


def test_the_button_does_nothing_hands_free() -> None:
    assert play("..(..####)..#....") == play("....####..#....")


def test_speech_without_the_button_is_not_kept() -> None:
    segmenter = Segmenter(SHORT, push_to_talk=True)
    for _ in range(1000):
        segmenter.push(0.9)
    assert segmenter.position - segmenter.keep_from == 2 * CHUNK


# Whatever comes --------------------------------------------------------------------------------

scripts = st.lists(
    st.tuples(st.sampled_from("..,-####"), st.integers(1, 12)).map(lambda t: t[0] * t[1]),
    max_size=40,
).map("".join)
presses = st.lists(st.sampled_from(["(", ")", "#", "##########", ".", "....", "-,"]), max_size=60)


def check(edges: list[Edge], settings: Endpointing) -> list[Ended]:
    """Begun and ended in turn, in order, never overlapping, never too long."""
    assert len(edges) % 2 == 0
    for begun, over in zip(edges[::2], edges[1::2], strict=True):
        assert isinstance(begun, Started)
        assert isinstance(over, Ended | Discarded)
        assert begun.start == over.start
    ended = [edge for edge in edges if isinstance(edge, Ended)]
    for edge in ended:
        assert edge.start < edge.speech_end <= edge.end
        assert edge.end - edge.start <= settings.longest_seconds * RATE
    assert all(before.end <= after.start for before, after in pairwise(ended))
    starts = [edge.start for edge in edges if isinstance(edge, Started)]
    assert starts == sorted(starts)
    return ended


@given(scripts)
def test_hands_free_utterances_are_in_order(script: str) -> None:
    check(play(script), SHORT)


@given(presses)
def test_pressed_utterances_are_in_order(script: list[str]) -> None:
    check(play("".join(script), button=True), SHORT)


@given(scripts)
def test_no_speech_is_lost(script: str) -> None:
    """A speech chunk lies in an utterance, unless it belongs to a noise too short to be speech."""
    taken = {
        chunk
        for ended in check(play(script), SHORT)
        for chunk in range(ended.start // CHUNK, ended.end // CHUNK)
    }
    run: list[int] = []
    for number, sign in enumerate([*script, "."]):
        if sign == "#":
            run.append(number)
            continue
        if len(run) >= 2:
            assert taken.issuperset(run)
        run = []


@given(scripts)
def test_a_split_loses_nothing_and_doubles_nothing(script: str) -> None:
    edges = play(script)
    for before, after in pairwise(edges):
        if isinstance(before, Ended) and before.ending is Ending.LENGTH:
            assert after.start >= before.end
            assert "##" not in script[before.end // CHUNK : after.start // CHUNK]


@given(scripts)
def test_what_is_still_needed_is_kept(script: str) -> None:
    segmenter = Segmenter(SHORT)
    kept = 0
    for sign in script:
        edges = segmenter.push(PROBABILITY[sign])
        assert all(edge.start >= kept for edge in edges)
        assert kept <= segmenter.keep_from <= segmenter.position
        kept = segmenter.keep_from


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0.3},
        {"exit_threshold": 0.0},
        {"threshold": 1.1},
        {"silence_seconds": 0.0},
        {"finished_seconds": 0.0},
        {"hesitation_seconds": 5.1},
        {"pre_roll_seconds": -0.1},
        {"longest_seconds": 1.0},
        {"longest_seconds": 30.5},
    ],
)
def test_settings_that_do_not_go_together(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"threshold|seconds|negative|silences"):
        Endpointing(**wrong)


# Silero ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    manifest, folder = installed("silero-vad")
    return SileroVad(folder / manifest.files[0].path)


def heard(vad: SileroVad, samples: Samples, piece: int) -> list[float]:
    stream = vad.stream()
    return [
        probability
        for start in range(0, len(samples), piece)
        for probability in stream.probabilities(samples[start : start + piece])
    ]


@pytest.mark.parametrize("piece", [160, 512, 777, 1600, 16_000, 10**9])
def test_the_size_of_the_pieces_does_not_matter(
    vad: SileroVad, recordings: dict[str, Recording], piece: int
) -> None:
    """Same as faster-whisper's own run over the whole recording."""
    from faster_whisper.vad import SileroVADModel

    samples = recordings["fleurs_de_000"].samples()[: 5 * RATE]
    whole = samples[: len(samples) // CHUNK * CHUNK]
    path = files("faster_whisper") / "assets" / "silero_vad_v6.onnx"
    expected = SileroVADModel(str(path))(to_float(whole))
    # Within the context of the first chunk faster-whisper puts the end of the recording; ours is
    # silence, which is what came before.
    np.testing.assert_allclose(heard(vad, samples, piece), expected, atol=0.02)


def test_streams_do_not_disturb_each_other(
    vad: SileroVad, recordings: dict[str, Recording]
) -> None:
    samples = recordings["fleurs_en_000"].samples()[: 3 * RATE]
    alone = heard(vad, samples, 1600)
    one, other = vad.stream(), vad.stream()
    together = []
    for start in range(0, len(samples), 1600):
        together += one.probabilities(samples[start : start + 1600])
        other.probabilities(samples[::-1][start : start + 1600])
    assert together == alone


def test_speech_is_found_in_recordings(vad: SileroVad, recordings: dict[str, Recording]) -> None:
    """25 sentences, loud and soft: nearly all of the sound's energy lies in utterances.

    Two of the recordings hold noises besides: 84 and 97 % were measured there.
    """
    shares = []
    for language in ("de", "en", "es", "fr", "pt"):
        for number in range(5):
            samples = recordings[f"fleurs_{language}_{number:03d}"].samples()
            padded = np.concatenate([silence(2.0), samples, silence(2.0)])
            segmenter = Segmenter(Endpointing())
            edges = [e for p in vad.stream().probabilities(padded) for e in segmenter.push(p)]
            ended = check(edges + segmenter.finish(), Endpointing())
            assert ended[0].start >= 1.4 * RATE
            assert ended[-1].end <= 2.7 * RATE + len(samples)
            energy = np.square(to_float(padded), dtype=np.float64)
            inside = sum(energy[edge.start : edge.end].sum() for edge in ended)
            shares.append(inside / energy.sum())
    assert min(shares) >= 0.8
    assert sum(share >= 0.98 for share in shares) >= 23


def test_silence_holds_no_speech(vad: SileroVad) -> None:
    assert max(vad.stream().probabilities(silence(5.0))) < 0.1


def test_a_missing_or_damaged_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="interpreter models fetch") as missing:
        SileroVad(tmp_path / "silero.onnx")
    assert missing.value.code == "model-missing"
    (tmp_path / "silero.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="interpreter models fetch") as corrupt:
        SileroVad(tmp_path / "silero.onnx")
    assert corrupt.value.code == "model-corrupt"


def test_a_soft_word_after_a_long_silence_is_heard(
    recordings: dict[str, Recording], vad: SileroVad
) -> None:
    samples = np.concatenate([silence(10), recordings["s2p_en_2"].samples(), silence(1)])
    stream = vad.stream()
    segmenter = Segmenter(Endpointing())
    edges = [edge for p in stream.probabilities(samples) for edge in segmenter.push(p)]
    assert [type(edge) for edge in edges] == [Started, Ended]


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=40))
@settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_it_hears_does_not_depend_on_how_it_arrives(vad: SileroVad, cuts: list[int]) -> None:
    rng = np.random.default_rng(7)
    noise = (rng.normal(0, 2000, RATE) * np.hanning(RATE)).astype(np.int16)
    samples = np.concatenate([silence(2.5), noise, silence(1.3), noise])
    whole = vad.stream().probabilities(samples)
    stream, at, heard = vad.stream(), 0, []
    for cut in [*cuts, len(samples)]:
        heard += stream.probabilities(samples[at : at + cut])
        at += cut
    assert heard == pytest.approx(whole, abs=1e-4)
