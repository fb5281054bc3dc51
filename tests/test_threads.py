"""How many threads write: the rule against machines whose speeds are known, and what the real worker does with it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kdrinks.engine.processors import OtherLoad, allowed_cores, physical_cores, quota_cores
from kdrinks.engine.threads import Threads, most_threads

Speed = Callable[[int], float]
"""Tokens per second with so many threads."""


def free(threads: int) -> float:
    """2 free cores: 135 M parameters, as measured."""
    return {1: 78.0, 2: 108.0}[threads]


def shared(threads: int) -> float:
    """The same while another program keeps one of them busy."""
    return {1: 76.6, 2: 39.7}[threads]


def bound_by_memory(threads: int) -> float:
    """16 cores that wait for the memory from the fourth on, and for each other above."""
    return 10.0 * min(threads, 4) - 0.8 * max(0, threads - 4)


def write(rule: Threads, speed: Speed, seconds: float) -> float:
    """Tokens per second of so long an answer."""
    passed, tokens = 0.0, 0
    while passed < seconds:
        step_s = 1 / speed(rule.writing)
        rule.wrote(step_s)
        passed += step_s
        tokens += 1
    return tokens / passed


def settled(rule: Threads, speed: Speed) -> int:
    """The number that wrote most of two more seconds."""
    seconds: dict[int, float] = {}
    while sum(seconds.values()) < 2.0:
        threads = rule.writing
        rule.wrote(1 / speed(threads))
        seconds[threads] = seconds.get(threads, 0.0) + 1 / speed(threads)
    return max(seconds, key=seconds.__getitem__)


@pytest.mark.parametrize(("speed", "most", "best"), [(free, 2, 2), (shared, 2, 1), (bound_by_memory, 16, 4)])
def test_the_fastest_number_is_found_from_speeds_alone(speed: Speed, most: int, best: int) -> None:
    rule = Threads(most)
    write(rule, speed, 5.0)
    assert settled(rule, speed) == best
    assert write(rule, speed, 30.0) > 0.97 * speed(best)


def test_it_leaves_and_takes_the_second_core_as_another_program_comes_and_goes() -> None:
    rule = Threads(2)
    write(rule, free, 20.0)
    write(rule, shared, 1.5)
    assert settled(rule, shared) == 1
    write(rule, free, 20.0)
    assert settled(rule, free) == 2


def test_the_first_answer_beside_another_program_is_as_fast_as_it_can_be() -> None:
    rule = Threads(2)
    rule.begin(60.0, 1.0, 2)
    assert (rule.writing, rule.reading) == (1, 1)
    assert write(rule, shared, 5.0) > 0.95 * shared(1)
    rule.begin(60.0, 0.0, 2)
    assert (rule.writing, rule.reading) == (2, 2)


def test_a_little_work_of_others_does_not_make_the_number_flap() -> None:
    rule = Threads(4)
    seen = set()
    for busy in (0.4, 0.5, 0.4, 0.55, 0.35, 0.5):
        rule.others(busy, 4)
        seen.add(rule.reading)
    assert seen == {4}
    rule.others(2.9, 4)
    assert rule.reading == 1
    rule.others(64.0, 64)
    assert rule.reading == rule.writing == 1


def test_speeds_count_more_than_what_the_others_seem_to_use() -> None:
    rule = Threads(2)  # beside programs in the background, which make room
    rule.begin(60.0, 1.0, 2)
    write(rule, free, 3.0)
    for _ in range(4):
        rule.begin(1.0, 1.9, 2)
        for _ in range(8):
            rule.others(1.1, 2)
            write(rule, free, 0.2)
        assert rule.reading == 2 and settled(rule, free) == 2
    rule.others(1.6, 2)  # now they do not
    assert (rule.writing, rule.reading) == (1, 1)


def test_short_answers_do_not_pay_for_a_trial_each() -> None:
    rule = Threads(2)
    rule.begin(60.0, 1.0, 2)
    write(rule, shared, 4.0)
    speeds = []
    for _ in range(20):
        rule.begin(1.0, 1.0, 2)
        speeds.append(write(rule, shared, 0.8))
    assert sum(speeds) / len(speeds) > 0.97 * shared(1)


def test_reading_keeps_its_threads_where_writing_only_waits_for_the_memory() -> None:
    rule = Threads(16)
    write(rule, bound_by_memory, 10.0)
    assert settled(rule, bound_by_memory) == 4 and rule.reading == 16


def test_a_trial_that_is_hopeless_ends_after_a_token() -> None:
    rule = Threads(2)
    tokens = {1: 0, 2: 0}
    passed = 0.0
    while passed < 10.0:
        step_s = 3.0 if rule.writing == 1 else 0.01
        tokens[rule.writing] += 1
        rule.wrote(step_s)
        passed += step_s
    assert tokens[1] <= 3


def test_one_token_that_was_interrupted_changes_nothing_for_long() -> None:
    rule = Threads(2)
    write(rule, free, 5.0)
    rule.wrote(0.5)
    assert write(rule, free, 5.0) > 0.9 * free(2)


def test_a_small_model_and_a_number_that_a_person_chose_leave_nothing_to_decide() -> None:
    assert most_threads(5_000_000, 16) == 1 and most_threads(8_000_000_000, 16) == 16
    rule = Threads(1)
    for _ in range(1000):
        rule.wrote(0.05)
    rule.others(0.0, 16)
    assert (rule.writing, rule.reading) == (1, 1)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, 0.0),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.0),
        ({"cpu.max": "nonsense"}, 0.0),
        ({}, 0.0),
    ],
)
def test_what_a_container_may_use_is_known(tmp_path: Path, files: dict[str, str], cores: float) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    assert quota_cores(tmp_path) == cores


def test_the_machine_itself_is_read() -> None:
    assert 1 <= physical_cores() <= len(allowed_cores())
    load = OtherLoad()
    assert 0 <= load.begin() and load.sample() is None
