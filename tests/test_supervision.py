"""Whatever happens to the engine's process, the next question is answered: stopped, hung, greedy for memory, aborted."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from kdrinks import i18n
from kdrinks.config import ROOT
from kdrinks.engine import devices, process, steps, watchdog
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.process import WorkerProcess
from kdrinks.engine.protocol import Engine, Event, Loading, Reading, Text, local_model
from kdrinks.engine.watchdog import LOOK_S, Limits, Silence, limits_for_load
from kdrinks.engine.worker import Worker
from kdrinks.errors import EngineDied, ModelError
from kdrinks.records import Choice, KeepAlive, Loaded, LocalModel, Plan, Sampling
from kdrinks.ui.frame import get_services
from tests.support.app_pages import open_page, shown
from tests.support.engine_requests import BUILT_IN, ON_AND_ON, done, says, written
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system stops no processes")
SHORT = Sampling(max_tokens=4)


class Stoppable(LocalEngine):
    """Stops its worker where a test says so: no test could hit the moment from outside."""

    stop_in_load = False

    def stop_worker(self) -> int:
        pid = self.state.worker_pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        return pid

    def _load(self, choice: Choice, plan: Plan, stop: threading.Event | None) -> Generator[Loading, None, Loaded]:
        if self.stop_in_load:
            self.stop_in_load = False
            self.stop_worker()
        return (yield from super()._load(choice, plan, stop))


@pytest.fixture(scope="module")
def engine() -> Iterator[Stoppable]:
    engine = Stoppable()
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOPPED_S", 0.4)
    monkeypatch.setattr(devices, "ANSWER_S", 0.5)


def answers(engine: Engine, choice: Choice) -> bool:
    return bool(written(list(engine.stream(says("a"), choice, SHORT))))


# Stopped


def test_the_question_after_a_worker_was_stopped_is_answered_as_if_nothing_had_been(
    engine: Stoppable, bytes_model: Choice
) -> None:
    engine.load(bytes_model)
    stopped = engine.stop_worker()
    events = list(engine.stream(says("a"), bytes_model, SHORT))
    assert written(events) and done(events).timing.load_s > 0
    assert not psutil.pid_exists(stopped)


@pytest.mark.parametrize("phase", ["load", "read", "write"])
def test_a_worker_that_is_stopped_at_work_costs_one_answer(
    engine: Stoppable, bytes_model: Choice, slow_model: Choice, phase: str
) -> None:
    engine.load(bytes_model)
    engine.stop_in_load = phase == "load"
    text = "long " * 1000 if phase == "read" else "a"
    with pytest.raises(EngineDied) as caught:
        for event in engine.stream(says(text), slow_model, ON_AND_ON):
            if isinstance(event, {"load": Loading, "read": Reading, "write": Text}[phase]):
                engine.stop_worker()
    assert caught.value.key == "engine_hung" and caught.value.hint("ko") != caught.value.hint("en")
    assert not engine.state.busy
    assert answers(engine, slow_model)


def test_a_worker_that_goes_on_at_once_is_left_alone(engine: Stoppable, slow_model: Choice) -> None:
    engine.load(slow_model)
    events: list[Event] = []
    for event in engine.stream(says("a"), slow_model, Sampling(max_tokens=200)):
        if isinstance(event, Text) and not written(events):
            pid = engine.stop_worker()
            threading.Timer(0.1, os.kill, (pid, signal.SIGCONT)).start()
        events.append(event)
    assert done(events).finish == "length" and engine.state.worker_pid == pid


def test_a_resting_model_that_was_stopped_is_loaded_again(bytes_model: Choice, slow_model: Choice) -> None:
    with closing(Stoppable()) as engine:
        engine.keep_alive = KeepAlive(idle_s=0, models=2)
        engine.load(bytes_model)
        engine.stop_worker()
        assert answers(engine, slow_model)
        assert answers(engine, bytes_model) and answers(engine, slow_model)
        assert len(engine.state.idle_models) == 1
        engine.unload()
        assert engine.state.loaded is None


def test_a_prompt_larger_than_the_pipe_does_not_wait_for_a_worker_that_reads_nothing() -> None:
    worker = WorkerProcess()
    try:
        assert worker.responds()
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(EngineDied) as caught:
            worker.result("count", {"prompts": [[{"role": "user", "content": "a" * 1_000_000}]]})
        assert caught.value.key == "engine_hung" and not worker.alive
    finally:
        worker.close()


def test_unloading_a_stopped_worker_takes_no_time(engine: Stoppable, bytes_model: Choice) -> None:
    engine.load(bytes_model)
    pid = engine.stop_worker()
    started = time.monotonic()
    engine.unload()
    assert time.monotonic() - started < process.CLOSE_S and not psutil.pid_exists(pid)


# Silent


def test_a_worker_that_works_for_ever_without_a_line_is_ended_and_the_next_question_answered(
    engine: Stoppable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    choice = Choice(LocalModel("endless", write_byte_model(tmp_path / "endless.gguf", template=endless)))
    monkeypatch.setattr(watchdog, "SILENT_S", 1.0)
    with pytest.raises(ModelError) as caught:
        list(engine.stream(says("a"), choice, SHORT))
    assert caught.value.message("ko") != caught.value.message("en")
    monkeypatch.undo()
    assert answers(engine, BUILT_IN)


def test_a_long_slice_says_in_its_midst_that_it_goes_on(bytes_model: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "BEAT_S", 0.0)
    said: list[dict[str, Any]] = []
    worker = Worker(lambda document: said.append(dict(document)), threading.Event())
    path = str(local_model(bytes_model.model).path)
    worker.serve({"op": "load", "id": 1, "path": path, "device": "cpu", "context_tokens": 2048})
    said.clear()
    sampling = {"max_tokens": 1, "temperature": 0, "top_k": 0, "top_p": 1, "min_p": 0, "repeat_penalty": 1, "seed": 0}
    messages = [{"role": "user", "content": "a" * 1500}]
    worker.serve({"op": "stream", "id": 2, "messages": messages, **sampling})
    worker.unload()
    assert all(document["id"] == 2 for document in said)
    events = [document["event"] for document in said]
    first = events.index("reading")
    assert events.count("reading") > 2 and events[:first].count("beat") > 10


def test_only_the_time_in_which_somebody_listened_counts_as_silence() -> None:
    silence = Silence(0.0)
    silence.look(LOOK_S)
    assert silence.seconds == LOOK_S
    silence.look(3600.0)  # Ctrl-Z for an hour stopped both
    assert silence.seconds <= 3 * LOOK_S
    silence.heard(3601.0)
    assert silence.seconds == 0


def test_the_limit_grows_with_the_file_and_with_a_gpu() -> None:
    small, large = (limits_for_load(size, gpu=False, predicted_bytes=size) for size in (6_000_000, 40_000_000_000))
    assert small.silent_s < 31 and large.silent_s > 400
    assert limits_for_load(6_000_000, gpu=True, predicted_bytes=0).silent_s > small.silent_s + 200
    assert large.memory_bytes > 80_000_000_000 and limits_for_load(1, gpu=False, predicted_bytes=0).memory_bytes == 0


# Devices


def test_devices_are_told_whatever_the_worker_does(bytes_model: Choice) -> None:
    with closing(Stoppable()) as engine:
        known = engine.devices()
        assert all(device.fresh for device in known)
        engine.stop_worker()
        again = engine.devices()
        assert [device.name for device in again] == [device.name for device in known]
        assert not any(device.fresh for device in again) and again[0].free_bytes > 0
        assert answers(engine, bytes_model) and all(device.fresh for device in engine.devices())


def test_the_processor_is_told_where_no_worker_ever_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_S", 0.0)
    with closing(Stoppable()) as engine:
        engine._pool.alive()
        engine.stop_worker()
        (device,) = engine.devices()
        assert device.kind == "cpu" and device.memory_bytes == psutil.virtual_memory().total and not device.fresh


def test_the_models_page_opens_beside_a_worker_that_does_not_answer(home: Path) -> None:
    open_page("models")
    engine = get_services().engine
    pid = engine.state.worker_pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    page = open_page("models")
    note = i18n.text("models.devices_not_fresh", "ko")
    assert note in shown(page)
    assert answers(engine, BUILT_IN)
    assert note not in shown(open_page("models"))


# Memory


def test_a_worker_above_its_limit_is_ended_with_a_reason(engine: Stoppable, slow_model: Choice) -> None:
    engine.load(slow_model)
    worker = engine._pool.alive()
    assert worker.limits.memory_bytes > watchdog.MARGIN_BYTES
    worker.limits = Limits(memory_bytes=1_000_000)
    with pytest.raises(EngineDied) as caught:
        list(engine.stream(says("a"), slow_model, ON_AND_ON))
    assert caught.value.key == "engine_memory_limit" and "GB" in caught.value.message("ko")
    assert answers(engine, slow_model)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the wall is Linux's")
def test_what_wants_more_than_the_wall_fails_in_the_worker_and_not_the_machine() -> None:
    bomb = (
        "from kdrinks.engine import memory_wall\n"
        "memory_wall.MARGIN_BYTES = 2**26\n"
        "limit = memory_wall.around(0)\n"
        "memory_wall.raise_at(limit)\n"
        "text = 'a' * 32\n"
        "try:\n"
        "    for _ in range(28): text += text\n"
        "except MemoryError:\n"
        "    print(len(text) < limit)\n"
        "memory_wall.lift()\n"
        "print(len(bytearray(2**28)))\n"
    )
    said = subprocess.run([sys.executable, "-c", bomb], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", str(2**28)]


def test_a_template_that_doubles_a_text_costs_one_answer_and_not_the_machine(engine: Stoppable, tmp_path: Path) -> None:
    bomb = "{% set n = namespace(x='a'*32) %}{% for i in range(28) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}"
    choice = Choice(LocalModel("bomb", write_byte_model(tmp_path / "bomb.gguf", template=bomb)))
    with pytest.raises(ModelError) as caught:
        list(engine.stream(says("a"), choice, SHORT))
    assert caught.value.message("ko") and caught.value.hint("en")
    assert answers(engine, BUILT_IN)


# Aborted


def test_an_abort_is_told_with_the_engine_s_own_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gdb = tmp_path / "gdb"  # where a debugger is installed, its words come after ggml's
    gdb.write_text("#!/bin/sh\necho 'Inferior 1 detached' >&2\n")
    gdb.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    abort = (
        "import ctypes, llama_cpp.llama_cpp as llama\n"
        "from llama_cpp._ctypes_extensions import load_shared_library\n"
        "base = load_shared_library('ggml-base', llama._base_path)\n"
        "base.ggml_abort(b'/build/ggml/src/ggml.c', 7, b'GGML_ASSERT(%s) failed', b'rows > 0')\n"
    )
    monkeypatch.setattr(process, "COMMAND", ("-c", abort))
    worker = WorkerProcess()
    try:
        with pytest.raises(EngineDied) as caught:
            worker.result("ping")
        assert caught.value.values["detail"] == "ggml.c:7: GGML_ASSERT(rows > 0) failed"
        assert caught.value.values["cause"] == "SIGABRT" and eventually(lambda: not worker.alive)
    finally:
        worker.close()
