"""How long, and how many, models stay in memory: the real worker over small files."""

import os
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from kdrinks.answer import ask
from kdrinks.config import Settings
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.planner import DirectPlanner
from kdrinks.engine.protocol import Done, Loading, local_model
from kdrinks.errors import LoadFailed
from kdrinks.records import ADMINISTRATOR, Choice, KeepAlive, Loaded, LocalModel, Plan, Sampling
from kdrinks.services import open_services
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.speed import memory
from tests.support.engine_requests import done, says, written
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

SHORT = Sampling(max_tokens=3)


class Clock:
    """Time that stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def choices(tmp_path_factory: pytest.TempPathFactory) -> list[Choice]:
    folder = tmp_path_factory.mktemp("models")
    return [Choice(LocalModel(name, write_byte_model(folder / f"{name}.gguf"))) for name in ("a", "b", "c")]


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    with closing(LocalEngine()) as engine:
        yield engine


def test_a_model_that_nobody_asks_leaves_the_memory_and_comes_back_with_the_next_question(
    engine: LocalEngine, choices: list[Choice]
) -> None:
    engine.devices()
    pid = engine.state.worker_pid
    engine.keep_alive = KeepAlive(idle_s=0.05)
    engine.load(choices[0])
    assert pid and eventually(lambda: engine.state.loaded is None and not psutil.pid_exists(pid))
    events = list(engine.stream(says("a"), choices[0], SHORT))
    assert written(events) and done(events).timing.load_s > 0
    assert eventually(lambda: engine.state.loaded is None)


def test_a_long_answer_is_not_idle(engine: LocalEngine, choices: list[Choice]) -> None:
    engine.keep_alive = KeepAlive(idle_s=0.02)
    *_, last = engine.stream(says("a"), choices[0], Sampling(max_tokens=1000, temperature=1.0, top_k=20))
    assert isinstance(last, Done) and last.finish == "length"  # all 1,000, which take many times those 0.02 s
    assert eventually(lambda: engine.state.loaded is None)


def test_the_time_counts_from_the_last_answer_and_can_be_changed_meanwhile(choices: list[Choice]) -> None:
    clock = Clock()
    with closing(LocalEngine(clock)) as engine:
        engine.keep_alive = KeepAlive(idle_s=600)
        engine.load(choices[0])
        clock.now = 550.0
        list(engine.stream(says("a"), choices[0], SHORT))
        clock.now = 1000.0
        engine.keep_alive = KeepAlive(idle_s=500)
        assert engine.state.loaded and not engine.state.busy
        clock.now = 1100.0
        engine.keep_alive = KeepAlive(idle_s=500)
        assert eventually(lambda: engine.state.loaded is None)


def test_one_model_is_in_memory_unless_more_were_asked_for(engine: LocalEngine, choices: list[Choice]) -> None:
    a, b, c = choices
    for choice in (a, b):
        engine.load(choice)
        assert engine.state.idle_models == ()
    engine.keep_alive = KeepAlive(idle_s=0, models=2)
    engine.load(a)
    assert [one.model_id for one in engine.state.idle_models] == ["b"]
    pid = engine.state.worker_pid
    back = list(engine.stream(says("a"), b, SHORT))
    assert written(back) and done(back).timing.load_s == 0
    assert engine.state.worker_pid != pid and [one.model_id for one in engine.state.idle_models] == ["a"]
    engine.load(c)
    assert [one.model_id for one in engine.state.idle_models] == ["b"]
    assert pid and not psutil.pid_exists(pid)
    assert engine.reclaimable_bytes > 0
    engine.keep_alive = KeepAlive(idle_s=0, models=1)
    assert engine.state.idle_models == () and engine.state.loaded and engine.state.loaded.model_id == "c"


def test_a_resting_model_that_died_is_loaded_again(engine: LocalEngine, choices: list[Choice]) -> None:
    engine.keep_alive = KeepAlive(idle_s=0, models=2)
    engine.load(choices[0])
    pid = engine.state.worker_pid
    engine.load(choices[1])
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: engine.state.idle_models == ())
    events = list(engine.stream(says("a"), choices[0], SHORT))
    assert written(events) and done(events).timing.load_s > 0


class NoRoom(DirectPlanner):
    def fits_beside(self, choice: Choice, devices: object) -> bool:
        return False


def test_a_model_that_has_no_room_beside_the_others_takes_their_place(choices: list[Choice]) -> None:
    with closing(LocalEngine(planner=NoRoom())) as engine:
        engine.keep_alive = KeepAlive(idle_s=0, models=3)
        for choice in choices:
            engine.load(choice)
            assert engine.state.idle_models == ()


class Refusing(LocalEngine):
    """Says that memory ran out as long as another model rests beside."""

    def _load(self, choice: Choice, plan: Plan, stop: threading.Event | None) -> Generator[Loading, None, Loaded]:
        if self.state.idle_models:
            raise LoadFailed("model_no_memory", file=local_model(choice.model).path.name, reason="std::bad_alloc")
        return (yield from super()._load(choice, plan, stop))


def test_when_memory_runs_out_the_resting_models_leave_before_anything_is_lowered(choices: list[Choice]) -> None:
    with closing(Refusing()) as engine:
        engine.keep_alive = KeepAlive(idle_s=0, models=2)
        engine.load(choices[0])
        loaded = engine.load(choices[1])
        assert (loaded.model_id, loaded.stepped_down, engine.state.idle_models) == ("b", (), ())


def test_the_measured_memory_is_the_peak_of_this_model_alone(
    engine: LocalEngine, choices: list[Choice], tmp_path: Path
) -> None:
    large = Choice(LocalModel("large", write_byte_model(tmp_path / "large.gguf", width=1024, layers=2)))
    before = engine.load(choices[0]).memory_bytes
    read = done(list(engine.stream(says("a"), large, SHORT))).loaded.memory_bytes
    assert read > before + 40_000_000
    assert engine.load(choices[0]).memory_bytes < before + 20_000_000


def test_every_answer_keeps_the_predicted_memory_beside_the_measured_one(tmp_path: Path, choices: list[Choice]) -> None:
    services = open_services(Settings(home=tmp_path / "home", models=local_model(choices[0].model).path.parent))
    try:
        services.engine.load(choices[0])  # as the warm-up does: the answers themselves load nothing
        for _ in range(2):
            answer = ask(
                services, ADMINISTRATOR, "식혜", choice=choices[0], sampling=SHORT, mode="free", knowledge=False
            )
            assert answer.wait(60) and answer.error is None
        (row,) = memory(services.db, ADMINISTRATOR, AnalyticsFilter()).to_dict("records")
        loaded = services.engine.state.loaded
    finally:
        services.close()
    assert loaded and row["n"] == 2
    assert row["predicted_mb"] == loaded.predicted_bytes / 1e6 > 10
    assert row["measured_mb"] == pytest.approx(loaded.memory_bytes / 1e6, rel=0.2)
