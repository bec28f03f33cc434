"""The arithmetic of the load and soak benchmarks."""

from collections import Counter

import numpy as np
import pytest

from interpreter.bench.load import fairness, room_for
from interpreter.bench.material import BenchUtterance
from interpreter.bench.soak import Run, Sample, last_over_first, report, slope_per_hour
from interpreter.bench.talk import Tally, exchange
from interpreter.channels import protocol
from interpreter.events import Party
from interpreter.settings import load_settings


def test_a_server_under_load_lets_all_in() -> None:
    with room_for(12) as path:
        settings = load_settings(path)
    assert (settings.server.conversations, settings.server.connections) == (12, 24)
    assert not path.exists()


def test_fairness_is_the_worst_over_the_best() -> None:
    assert fairness([[1.0, 1.2, 9.0], [2.4, 2.4], [1.5]]) == 2.0
    assert fairness([[0.7, 0.7]]) == 1.0


def test_no_fairness_without_figures() -> None:
    assert fairness([]) is None
    assert fairness([[1.0], []]) is None
    assert fairness([[0.0], [1.0]]) is None


def test_slope() -> None:
    assert slope_per_hour([(0, 500.0), (1800, 501.0), (3600, 502.0)]) == pytest.approx(2.0)
    assert slope_per_hour([(10, 500.0), (20, 500.0)]) == pytest.approx(0.0)
    assert slope_per_hour([(10, 500.0)]) is None
    assert slope_per_hour([(10, 500.0), (10, 510.0)]) is None


def test_what_became_slower() -> None:
    waits = [(second, 1.0 if second < 50 else 1.5) for second in range(100)]
    assert last_over_first([(float(at), wait) for at, wait in waits], 100) == 1.5
    assert last_over_first([(10.0, 1.0)], 100) is None


def test_a_leak_shows_in_the_report() -> None:
    run = Run(seconds=3600)
    for second in range(0, 3600, 10):
        # The first half grows faster, as caches do that fill up; it does not count.
        grown = second / 3600 * 20 if second >= 1800 else second / 3600 * 400
        run.samples.append(Sample(second, 800 + grown, 20, 40))
        run.waits.append((second, 1.0))
    said = report(run)
    assert said["memory_growth_mb_per_hour"] == pytest.approx(20, abs=0.5)
    assert said["latency_last_quarter_over_first"] == 1.0
    assert [part["threads"] for part in said["tenths"]] == [20] * 10
    assert sum(part["latency"]["n"] for part in said["tenths"]) == 359  # one was at 0
    assert said["tenths"][0]["memory_mb"] < said["tenths"][4]["memory_mb"]


def test_an_exchange_alternates_and_uses_everything() -> None:
    made = [
        BenchUtterance(language, 2, "synthesised", np.full(100, number, np.int16), "")
        for number, language in enumerate(["en", "en", "pt", "pt"])
    ]
    said = exchange(made, seed=1)
    first = [next(said) for _ in range(4)]
    assert [each.party for each in first] == [Party.STAFF, Party.VISITOR] * 2
    assert sorted(int(each.samples[0]) for each in first) == [0, 1, 2, 3]
    again = exchange(made, seed=1)
    assert [int(next(again).samples[0]) for _ in range(4)] == [int(e.samples[0]) for e in first]
    assert len([next(said) for _ in range(9)]) == 9


def test_a_tally_counts_what_both_parties_receive_once() -> None:
    tally = Tally()
    for event in (1, 1, 2, 2, 3):
        tally.take(
            protocol.TranscriptMessage(
                event=event,
                utterance=1,
                revision=event,
                party=Party.STAFF,
                language="en",
                language_probability=1.0,
                text="so",
                committed=0,
                confidence=1.0,
                final=event == 3,
            ),
            0.0,
        )
    for event in (4, 4, 5):
        tally.take(protocol.NoticeMessage(event=event, code="please-repeat", messages={}), 0.0)
    assert tally.partials == 2
    assert tally.notices == Counter({"please-repeat": 2})
    assert [outcome.transcript is not None for outcome in tally] == [True]
