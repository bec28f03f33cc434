"""When the machine counts as behind, and who is served next; every clock here is a number."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from interpreter.load import Load, Shares


def test_three_late_calls_within_ten_seconds_mean_that_it_is_behind() -> None:
    load = Load()
    for at in (100.0, 103.0):
        load.began(1.5, at)
    assert not load.behind(0.0, 103.0)
    load.began(0.9, 104.0)
    assert not load.behind(0.0, 104.0)
    load.began(1.1, 109.0)
    assert load.behind(0.0, 109.0)


def test_late_calls_far_apart_are_accidents() -> None:
    load = Load()
    for at in (100.0, 111.0, 122.0, 133.0):
        load.began(2.0, at)
        assert not load.behind(0.0, at)


def test_one_call_that_waits_very_long_is_enough() -> None:
    load = Load()
    assert not load.behind(2.9, 50.0)
    assert load.behind(3.1, 51.0)


def test_it_has_recovered_after_five_calm_seconds() -> None:
    load = Load()
    assert load.behind(3.1, 50.0)
    load.began(0.1, 52.0)
    assert load.behind(0.0, 54.9)
    load.began(0.5, 54.9)  # not calm yet
    assert load.behind(0.0, 59.8)
    assert not load.behind(0.0, 60.0)
    load.began(1.5, 61.0)
    assert not load.behind(0.0, 61.0)  # what was before does not count any more


def test_what_was_used_is_forgotten_by_halves() -> None:
    shares = Shares()
    shares.add("a", 4.0, 100.0)
    assert shares.used("a", 110.0) == 2.0
    shares.add("a", 1.0, 110.0)
    assert shares.used("a", 120.0) == 1.5
    assert shares.used("b", 120.0) == 0.0


def test_workers_of_two_devices_count_at_the_same_time() -> None:
    """More conversations than are remembered, so that each addition forgets one."""
    shares = Shares()
    for number in range(300):
        shares.add(str(number), 1.0, 0.0)

    def work(device: int) -> None:
        for number in range(2000):
            shares.add(f"{device} {number}", 1.0, float(number))

    with ThreadPoolExecutor(4) as devices:
        for done in [devices.submit(work, device) for device in range(4)]:
            done.result()


@given(st.lists(st.tuples(st.integers(0, 2000), st.floats(0.01, 5.0)), max_size=400))
def test_it_remembers_no_more_than_it_needs(calls: list[tuple[int, float]]) -> None:
    shares = Shares()
    for at, (number, seconds) in enumerate(calls):
        shares.add(str(number), seconds, float(at))
    assert len(shares._used) <= 256
