"""The engine's process, as real as it is in the app: it stops, dies, refuses bad files, takes turns and gives memory back."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from operator import contains
from pathlib import Path

import psutil
import pytest

from kdrinks.config import BUILT_IN_FILE, ROOT
from kdrinks.engine import process
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.placement import placement
from kdrinks.engine.protocol import Count, Done, Event, Queued, Reading, Text, local_model
from kdrinks.engine.request_queue import RequestQueue
from kdrinks.errors import EngineDied, LoadFailed, ModelError, ModelNotFound
from kdrinks.records import Choice, LocalModel, Message, Sampling
from tests.support.engine_requests import ASK, BUILT_IN, ON_AND_ON, asks, done, says, written
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

# Stop


def test_stop_keeps_the_text_and_frees_the_processor_for_the_next(engine: LocalEngine, slow_model: Choice) -> None:
    engine.load(slow_model)
    stop = threading.Event()
    events: list[Event] = []
    for event in engine.stream(says("a"), slow_model, ON_AND_ON, stop=stop):
        events.append(event)
        if len(written(events)) > 20:
            stop.set()
    assert done(events).finish == "stopped" and len(written(events)) > 20
    started = time.monotonic()
    assert written(list(engine.stream(says("b"), slow_model, Sampling(max_tokens=3))))
    assert time.monotonic() - started < 1.0
    assert worker_rests(engine)


def test_stop_in_the_middle_of_a_prompt(engine: LocalEngine, slow_model: Choice) -> None:
    engine.load(slow_model)
    stop = threading.Event()
    events: list[Event] = []
    for event in engine.stream(says("long " * 1000), slow_model, ON_AND_ON, stop=stop):
        events.append(event)
        if isinstance(event, Reading):
            stop.set()
    readings = [event for event in events if isinstance(event, Reading)]
    assert done(events).finish == "stopped" and done(events).timing.first_token_s is None
    assert readings[-1].done_tokens < readings[-1].prompt_tokens


def test_stop_ends_an_answer_whose_model_never_comes_back(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    choice = Choice(LocalModel("endless", write_byte_model(tmp_path / "endless.gguf", template=endless)))
    engine.load(choice)
    monkeypatch.setattr(process, "STOP_S", 0.2)
    stop = threading.Event()

    def counted(count: Count, _context_tokens: int) -> list[Message]:
        stop.set()
        count([Message("user", "a")])
        return [Message("user", "a")]

    events = list(engine.stream(counted, choice, Sampling(), stop=stop))
    assert done(events).finish == "stopped"
    assert written(list(engine.stream(asks(ASK), BUILT_IN, Sampling(max_tokens=5)))), "the next one is answered"


def test_closing_the_stream_stops_the_decode(engine: LocalEngine, slow_model: Choice) -> None:
    stream = engine.stream(says("a"), slow_model, ON_AND_ON)
    assert any(isinstance(event, Text) for event in stream)
    stream.close()
    assert not engine.state.busy
    assert worker_rests(engine)


def worker_rests(engine: LocalEngine) -> bool:
    """Whether the worker uses next to no processor time."""
    worker = psutil.Process(engine.state.worker_pid)

    def idle() -> bool:
        before = sum(worker.cpu_times()[:2])
        threading.Event().wait(0.2)
        used: float = sum(worker.cpu_times()[:2]) - before
        return used < 0.05

    return eventually(idle, 3.0)


def test_a_stopped_request_leaves_the_queue(engine: LocalEngine, slow_model: Choice) -> None:
    # closed whatever happens: the turn of an answer that nobody reads on would be waited for by every later test
    with closing(engine.stream(says("a"), slow_model, ON_AND_ON)) as running:
        assert any(isinstance(event, Text) for event in running)
        stop = threading.Event()
        waiting = engine.stream(says("b"), slow_model, Sampling(), session="other", stop=stop)
        first = next(waiting)
        assert isinstance(first, Queued) and first.position == 1
        stop.set()
        events = list(waiting)
        assert done(events).finish == "stopped" and engine.state.waiting == 0


# Death


def test_a_killed_worker_costs_one_answer(slow_model: Choice) -> None:
    engine = LocalEngine()
    try:
        with pytest.raises(EngineDied) as caught:
            for event in engine.stream(says("a"), slow_model, ON_AND_ON):
                if isinstance(event, Text):
                    os.kill(engine.state.worker_pid or 0, signal.SIGKILL)
        assert "SIGKILL" in caught.value.message("ko")
        assert engine.state.loaded is None
        events = list(engine.stream(says("a"), slow_model, Sampling(max_tokens=5)))
        assert written(events) and done(events).timing.load_s > 0
        os.kill(engine.state.worker_pid or 0, signal.SIGKILL)
        assert eventually(lambda: engine.state.worker_pid is None)
        assert written(list(engine.stream(says("a"), slow_model, Sampling(max_tokens=5))))
    finally:
        engine.close()


@pytest.mark.parametrize("phase", ["reading", "text"])
def test_the_worker_ends_when_its_input_closes(slow_model: Choice, phase: str) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-X", "utf8", "-m", "kdrinks.engine.serving"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    with worker:
        assert worker.stdin and worker.stdout
        load = {
            "id": 1,
            "op": "load",
            "path": str(local_model(slow_model.model).path),
            "device": "cpu",
            "context_tokens": 8192,
        }
        sampling = {
            "max_tokens": 8000,
            "temperature": 0,
            "top_k": 0,
            "top_p": 1,
            "min_p": 0,
            "repeat_penalty": 1,
            "seed": 0,
        }
        messages = [{"role": "user", "content": "a" * 7000 if phase == "reading" else "a"}]
        for request in (load, {"id": 2, "op": "stream", "messages": messages, **sampling}):
            worker.stdin.write(json.dumps(request).encode() + b"\n")
        worker.stdin.flush()
        assert any(json.loads(line).get("event") == phase for line in worker.stdout)
        worker.stdin.close()
        assert worker.wait(5) == 0


def test_no_worker_outlives_a_killed_app(slow_model: Choice) -> None:
    app = (
        "import sys; from pathlib import Path\n"
        "from kdrinks.engine.local import LocalEngine\n"
        "from kdrinks.engine.protocol import Text\n"
        "from kdrinks.records import Choice, LocalModel, Message, Sampling\n"
        "engine = LocalEngine()\n"
        "choice = Choice(LocalModel('slow', Path(sys.argv[1])), context_tokens=8192)\n"
        "for event in engine.stream(lambda *_: [Message('user', 'a')], choice, Sampling(max_tokens=8000)):\n"
        "    if isinstance(event, Text): print(engine.state.worker_pid, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", app, str(local_model(slow_model.model).path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdout
        worker_pid = int(process.stdout.readline())
        process.kill()
    assert eventually(lambda: not psutil.pid_exists(worker_pid) or psutil.Process(worker_pid).status() == "zombie")


# Bad files


def test_missing_damaged_and_foreign_files_give_clear_errors(engine: LocalEngine, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        engine.load(Choice(LocalModel("none", tmp_path / "none.gguf")))
    whole = BUILT_IN_FILE.read_bytes()
    (tmp_path / "text.gguf").write_text("no model at all", encoding="utf-8")
    (tmp_path / "cut.gguf").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.gguf").write_bytes(b"")
    for name in ("text", "cut", "empty"):
        with pytest.raises(LoadFailed) as caught:
            engine.load(Choice(LocalModel(name, tmp_path / f"{name}.gguf")))
        assert f"{name}.gguf" in caught.value.message("en") and caught.value.hint("ko")
    assert engine.load(BUILT_IN).file == BUILT_IN_FILE.name


def test_mutated_files_never_take_the_engine_down(engine: LocalEngine, tmp_path: Path) -> None:
    whole = write_byte_model(tmp_path / "whole.gguf").read_bytes()
    header_bytes = 8000
    for number in range(24):
        broken = bytearray(whole)
        for step in range(4):
            at = (number * 7919 + step * 104_729) % header_bytes
            broken[at] ^= 1 << (number + step) % 8
        path = tmp_path / "mutated.gguf"
        path.write_bytes(broken)
        try:
            events = list(
                engine.stream(says("a"), Choice(LocalModel(f"mutated {number}", path)), Sampling(max_tokens=4))
            )
            assert isinstance(events[-1], Done)
        except ModelError as error:
            assert error.message("ko") and error.hint("en")
    assert written(list(engine.stream(asks(ASK), BUILT_IN, Sampling(max_tokens=8))))


# RequestQueue


def test_sessions_take_turns(engine: LocalEngine, slow_model: Choice) -> None:
    running = engine.stream(says("a"), slow_model, ON_AND_ON)
    assert any(isinstance(event, Text) for event in running)
    positions: dict[str, int] = {}
    order: list[str] = []

    def ask(name: str) -> None:
        for event in engine.stream(says(name), slow_model, Sampling(max_tokens=2), session=name[0]):
            if isinstance(event, Queued):
                positions[name] = event.position
            elif isinstance(event, Done):
                order.append(name)

    threads = []
    for name in ("a1", "a2", "a3", "b1"):
        thread = threading.Thread(target=ask, args=(name,))
        thread.start()
        threads.append(thread)
        assert eventually(partial(contains, positions, name))
    assert eventually(lambda: positions == {"a1": 1, "b1": 2, "a2": 3, "a3": 4})
    running.close()
    for thread in threads:
        thread.join(20)
    assert order == ["a1", "b1", "a2", "a3"]


def test_a_turn_that_is_given_up_goes_to_the_next() -> None:
    turns, never = RequestQueue(), threading.Event()
    list(turns.wait("a", never))
    second, third = turns.wait("b", never), turns.wait("c", never)
    assert (next(second), next(third)) == (1, 2)
    second.close()
    assert next(third) == 1
    turns.done()
    assert list(third) == [] and turns.busy


# The machine


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["load_tensors:          CPU model buffer size =  5.35 MiB"], ("cpu", 0)),
        (
            ["load_tensors: offloaded 0/29 layers to GPU", "load_tensors: CPU_Mapped model buffer size = 9 MiB"],
            ("cpu", 0),
        ),
        (
            ["load_tensors: offloaded 29/29 layers to GPU", "load_tensors: CUDA0 model buffer size = 9 MiB"],
            ("cuda", 28),
        ),
        (
            ["load_tensors: offloaded 17/29 layers to GPU", "load_tensors: CUDA0 model buffer size = 9 MiB"],
            ("split", 17),
        ),
        (
            ["load_tensors: offloaded 29/29 layers to GPU", "load_tensors: Vulkan0 model buffer size = 9 MiB"],
            ("vulkan", 28),
        ),
        (
            ["load_tensors: offloaded 29/29 layers to GPU", "load_tensors: MTL0_Mapped model buffer size = 9 MiB"],
            ("metal", 28),
        ),
        (
            ["load_tensors: offloaded 29/29 layers to GPU", "load_tensors: Metal_Mapped model buffer size = 9 MiB"],
            ("metal", 28),
        ),
    ],
)
def test_the_device_is_the_one_that_the_loader_reports(lines: list[str], expected: tuple[str, int]) -> None:
    assert placement(lines, layers=28) == expected


def test_devices_are_those_of_llama_cpp_and_answer_in_mid_answer(engine: LocalEngine, slow_model: Choice) -> None:
    running = engine.stream(says("a"), slow_model, ON_AND_ON)
    assert any(isinstance(event, Text) for event in running)
    devices = engine.devices()
    running.close()
    cpu = next(device for device in devices if device.kind == "cpu")
    assert cpu.name and 0 < cpu.free_bytes <= cpu.memory_bytes


def test_unloading_frees_the_memory(engine: LocalEngine) -> None:
    engine.load(BUILT_IN)
    before = engine.state
    pid = before.worker_pid
    assert pid and before.loaded
    engine.unload()
    assert engine.state.loaded is None and not psutil.pid_exists(pid)
