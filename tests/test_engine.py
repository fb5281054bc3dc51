"""The real worker over the real built-in model and over small random ones."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tiny_models import write_byte_model

from kdrinks.config import BUILT_IN_FILE, ROOT
from kdrinks.engine.chat_template import ChatTemplate, TemplateBroken
from kdrinks.engine.decode import TextStream
from kdrinks.engine.local import Build, Engine
from kdrinks.engine.placement import placement
from kdrinks.engine.turns import Turns
from kdrinks.errors import ContextTooSmall, EngineDied, LoadFailed, ModelError, ModelNotFound, NotAModel
from kdrinks.records import Choice, Done, Event, Loading, Message, Queued, Reading, Sampling, Sentence, Text

BUILT_IN = Choice(BUILT_IN_FILE, "built-in")
SIKHYE = ({"title": "식혜", "kind": "ingredients", "text": "재료: 밥, 엿기름, 물"},)
ASK = [Message("user", "식혜의 재료는?", question="식혜 재료가 뭐예요?", passages=SIKHYE)]
ON_AND_ON = Sampling(max_tokens=100_000, temperature=1.0, top_k=20, top_p=1.0)


def asks(messages: list[Message]) -> Build:
    return lambda count, context_tokens: messages


def says(text: str) -> Build:
    return asks([Message("user", text)])


def written(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def done(events: list[Event]) -> Done:
    assert isinstance(events[-1], Done)
    return events[-1]


def eventually(holds: Callable[[], bool], within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def bytes_model(tmp_path_factory: pytest.TempPathFactory) -> Choice:
    return Choice(write_byte_model(tmp_path_factory.mktemp("models") / "bytes.gguf"), "bytes")


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Choice:
    """Some hundred tokens a second: an answer of 8,000 tokens outlasts whatever a test does to it."""
    path = tmp_path_factory.mktemp("models") / "slow.gguf"
    return Choice(write_byte_model(path, width=512, layers=8, context_length=8192), "slow", context_tokens=8192)


# An answer


def test_an_answer_comes_with_its_phases_text_and_timings(engine: Engine) -> None:
    engine.unload()
    events = list(engine.stream(asks(ASK), BUILT_IN, Sampling(max_tokens=64)))
    kinds = [type(event) for event in events]
    assert kinds.index(Loading) < kinds.index(Reading) < kinds.index(Text) < kinds.index(Done) == len(events) - 1
    assert "엿기름" in written(events)
    timing, loaded = done(events).timing, done(events).loaded
    assert done(events).finish == "stop"
    assert timing.load_s > 0 and timing.prompt_s > 0 and timing.prompt_tokens > 10
    assert timing.first_token_s is not None and timing.prompt_s < timing.first_token_s < timing.total_s
    assert timing.completion_tokens > 3 and timing.tokens_per_s is not None
    assert (loaded.quantization, loaded.used, loaded.gpu_layers, loaded.layers > 0) == ("Q8_0", "cpu", 0, True)
    assert loaded.memory_bytes > 10_000_000


def test_a_warm_answer_is_the_same_loads_nothing_and_reads_only_what_is_new(engine: Engine) -> None:
    first = list(engine.stream(asks(ASK), BUILT_IN, Sampling(max_tokens=64)))
    again = list(engine.stream(asks(ASK), BUILT_IN, Sampling(max_tokens=64)))
    assert written(again) == written(first) != ""
    assert done(again).timing.load_s == 0
    assert done(again).timing.cached_tokens == done(again).timing.prompt_tokens - 1


def test_the_same_seed_repeats_and_another_differs(engine: Engine, bytes_model: Choice) -> None:
    def drawn(seed: int) -> str:
        sampling = Sampling(max_tokens=60, temperature=1.0, top_k=50, top_p=1.0, seed=seed)
        return written(list(engine.stream(says("a"), bytes_model, sampling)))

    assert drawn(1) == drawn(1) != drawn(2)


def test_the_answer_ends_at_max_tokens_and_at_the_end_of_the_context(engine: Engine, bytes_model: Choice) -> None:
    short = done(list(engine.stream(says("a"), bytes_model, Sampling(max_tokens=7))))
    assert (short.finish, short.timing.completion_tokens) == ("length", 7)
    small = Choice(bytes_model.model, "bytes", context_tokens=256)
    full = done(list(engine.stream(says("a"), small, ON_AND_ON)))
    assert full.finish == "length"
    assert full.timing.prompt_tokens + full.timing.completion_tokens == full.loaded.context_tokens == 256


def test_two_thousand_bytes_of_broken_utf8_stream_without_a_stall(engine: Engine, bytes_model: Choice) -> None:
    sampling = Sampling(max_tokens=2000, temperature=1.0, top_k=20, top_p=1.0)
    at: list[float] = []
    events: list[Event] = []
    for event in engine.stream(says("a"), bytes_model, sampling):
        events.append(event)
        if isinstance(event, Text):
            at.append(time.monotonic())
    assert done(events).timing.completion_tokens == 2000
    assert written(events).count("\ufffd") > 200
    assert max(later - earlier for earlier, later in itertools.pairwise(at)) < 1.0
    assert done(events).timing.tokens_per_s is not None


def test_prompts_are_counted_by_the_model_s_own_tokenizer_before_it_reads(engine: Engine) -> None:
    seen: list[int] = []

    def build(count: Callable[[list[Message]], int], context_tokens: int) -> list[Message]:
        seen.extend([count(ASK), context_tokens])
        return ASK

    events = list(engine.stream(build, BUILT_IN, Sampling(max_tokens=4)))
    assert seen == [done(events).timing.prompt_tokens, done(events).loaded.context_tokens]


def test_an_answer_held_to_sentences_says_only_those(engine: Engine, bytes_model: Choice) -> None:
    spans = ["식혜의 재료는 밥입니다.", "달게 마십니다."]
    held = [Sentence(spans[0], " ", True, True, (1,)), Sentence(spans[1], " ", True, True, ())]
    for choice, build in ((BUILT_IN, asks(ASK)), (bytes_model, says("a"))):
        events = list(engine.stream(build, choice, Sampling(), sentences=lambda: held))
        # A vocabulary of bytes alone writes sentencepiece's mark for a space as it is.
        assert written(events).replace("▁", " ") in {*spans, " ".join(spans)}
        assert done(events).finish == "stop"


# Text


@pytest.mark.parametrize("text", ["식혜는 달다", "🍶 건배 👨‍👩‍👧", "Makgeolli 막걸리 é"])
def test_characters_split_over_tokens_arrive_whole(text: str) -> None:
    raw = text.encode()
    for first in range(len(raw) + 1):
        for second in range(first, len(raw) + 1):
            stream = TextStream()
            pieces = [stream.feed(part) for part in (raw[:first], raw[first:second], raw[second:])] + [stream.finish()]
            assert "".join(pieces) == text
    stream = TextStream()
    assert "".join(stream.feed(bytes([byte])) for byte in raw) == text


def test_broken_bytes_show_at_once_and_an_unfinished_character_at_the_end() -> None:
    stream = TextStream()
    assert stream.feed(b"\xff") == "\ufffd"
    assert stream.feed("식".encode()[:2]) == ""
    assert stream.feed(b"a") == "\ufffda"
    assert stream.feed("혜".encode()[:1]) == ""
    assert stream.finish() == "\ufffd"


def test_a_stop_text_ends_the_answer_wherever_tokens_cut_it() -> None:
    raw = "답입니다.\nUser: 다음".encode()
    for cut in range(len(raw) + 1):
        stream = TextStream(["\nUser:"])
        text = stream.feed(raw[:cut])
        text += stream.feed(raw[cut:]) + stream.finish()
        assert (text, stream.ended) == ("답입니다.", True)
    stream = TextStream(["\nUser:"])
    assert stream.feed(b"a\nUse") == "a"
    assert stream.feed(b"ful") == "\nUseful"


# Templates


def test_a_template_that_refuses_system_messages_gets_them_in_the_first_question() -> None:
    source = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ messages[0].content }}"
    )
    template = ChatTemplate(source, bos_token="", eos_token="")
    messages = [{"role": "system", "content": "guide"}, {"role": "user", "content": "hi"}]
    assert template.render(messages) == "guide\n\nhi"


def test_a_template_cannot_reach_into_the_machine() -> None:
    template = ChatTemplate("{{ ''.__class__.__mro__[1].__subclasses__() }}", bos_token="", eos_token="")
    with pytest.raises(TemplateBroken):
        template.render([{"role": "user", "content": "hi"}])


def test_a_file_with_a_broken_template_is_named(engine: Engine, tmp_path: Path) -> None:
    path = write_byte_model(tmp_path / "odd.gguf", template="{% if %}")
    with pytest.raises(NotAModel) as caught:
        engine.load(Choice(path, "odd"))
    assert caught.value.key == "model_template_broken" and "odd.gguf" in caught.value.message("ko")


def test_the_built_in_template_takes_passages_and_question_and_nothing_else(engine: Engine) -> None:
    chatty = [Message("system", "무시될 글 " * 50), Message("user", "앞 질문"), Message("assistant", "앞 답"), *ASK]
    counts: list[int] = []

    def build(count: Callable[[list[Message]], int], context_tokens: int) -> list[Message]:
        counts.extend([count(ASK), count(chatty)])
        return chatty

    assert "엿기름" in written(list(engine.stream(build, BUILT_IN, Sampling(max_tokens=64))))
    assert counts[0] == counts[1]


# Stop


def test_stop_keeps_the_text_and_frees_the_processor_for_the_next(engine: Engine, slow_model: Choice) -> None:
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


def test_stop_in_the_middle_of_a_prompt(engine: Engine, slow_model: Choice) -> None:
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


def test_closing_the_stream_stops_the_decode(engine: Engine, slow_model: Choice) -> None:
    stream = engine.stream(says("a"), slow_model, ON_AND_ON)
    assert any(isinstance(event, Text) for event in stream)
    stream.close()
    assert not engine.state.busy
    assert worker_rests(engine)


def worker_rests(engine: Engine) -> bool:
    """Whether the worker uses next to no processor time."""
    worker = psutil.Process(engine.state.worker_pid)

    def idle() -> bool:
        before = sum(worker.cpu_times()[:2])
        threading.Event().wait(0.2)
        return sum(worker.cpu_times()[:2]) - before < 0.05

    return eventually(idle, 3.0)


def test_a_stopped_request_leaves_the_queue(engine: Engine, slow_model: Choice) -> None:
    running = engine.stream(says("a"), slow_model, ON_AND_ON)
    assert any(isinstance(event, Text) for event in running)
    stop = threading.Event()
    waiting = engine.stream(says("b"), slow_model, Sampling(), session="other", stop=stop)
    assert next(waiting) == Queued(1)
    stop.set()
    events = list(waiting)
    assert done(events).finish == "stopped" and engine.state.waiting == 0
    running.close()


# Death


def test_a_killed_worker_costs_one_answer(slow_model: Choice) -> None:
    engine = Engine()
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
        [sys.executable, "-X", "utf8", "-m", "kdrinks.engine.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    with worker:
        assert worker.stdin and worker.stdout
        load = {"id": 1, "op": "load", "path": str(slow_model.model), "device": "cpu", "context_tokens": 8192}
        sampling = {"max_tokens": 8000, "temperature": 0, "top_k": 0, "top_p": 1, "repeat_penalty": 1, "seed": 0}
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
        "from kdrinks.engine.local import Engine\n"
        "from kdrinks.records import Choice, Message, Sampling, Text\n"
        "engine = Engine()\n"
        "choice = Choice(Path(sys.argv[1]), 'slow', context_tokens=8192)\n"
        "for event in engine.stream(lambda *_: [Message('user', 'a')], choice, Sampling(max_tokens=8000)):\n"
        "    if isinstance(event, Text): print(engine.state.worker_pid, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", app, str(slow_model.model)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        assert process.stdout
        worker_pid = int(process.stdout.readline())
        process.kill()
    assert eventually(lambda: not psutil.pid_exists(worker_pid) or psutil.Process(worker_pid).status() == "zombie")


# Bad files and small contexts


def test_a_prompt_longer_than_the_context_is_refused_and_the_next_works(engine: Engine) -> None:
    small = Choice(BUILT_IN_FILE, "built-in", context_tokens=256)
    long = [Message("user", "", question="식혜 " * 400)]
    with pytest.raises(ContextTooSmall):
        list(engine.stream(asks(long), small, Sampling()))
    assert written(list(engine.stream(asks(ASK), small, Sampling(max_tokens=8))))


def test_missing_damaged_and_foreign_files_give_clear_errors(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        engine.load(Choice(tmp_path / "none.gguf", "none"))
    whole = BUILT_IN_FILE.read_bytes()
    (tmp_path / "text.gguf").write_text("no model at all", encoding="utf-8")
    (tmp_path / "cut.gguf").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.gguf").write_bytes(b"")
    for name in ("text", "cut", "empty"):
        with pytest.raises(LoadFailed) as caught:
            engine.load(Choice(tmp_path / f"{name}.gguf", name))
        assert f"{name}.gguf" in caught.value.message("en") and caught.value.hint("ko")
    assert engine.load(BUILT_IN).file == BUILT_IN_FILE.name


def test_mutated_files_never_take_the_engine_down(engine: Engine, tmp_path: Path) -> None:
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
            events = list(engine.stream(says("a"), Choice(path, f"mutated {number}"), Sampling(max_tokens=4)))
            assert isinstance(events[-1], Done)
        except ModelError as error:
            assert error.message("ko") and error.hint("en")
    assert written(list(engine.stream(asks(ASK), BUILT_IN, Sampling(max_tokens=8))))


# Turns


def test_sessions_take_turns(engine: Engine, slow_model: Choice) -> None:
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
        assert eventually(lambda name=name: name in positions)
    assert eventually(lambda: positions == {"a1": 1, "b1": 2, "a2": 3, "a3": 4})
    running.close()
    for thread in threads:
        thread.join(20)
    assert order == ["a1", "b1", "a2", "a3"]


def test_a_turn_that_is_given_up_goes_to_the_next() -> None:
    turns, never = Turns(), threading.Event()
    list(turns.wait("a", never))
    second, third = turns.wait("b", never), turns.wait("c", never)
    assert (next(second), next(third)) == (1, 2)
    second.close()
    assert next(third) == 1
    turns.done()
    assert list(third) == [] and turns.busy


# Conversations


def test_a_conversation_that_comes_back_is_not_read_again(engine: Engine, slow_model: Choice) -> None:
    def turn(name: str, question: str) -> list[Event]:
        text = f"{name} begins this conversation. " * 20 + question
        return list(engine.stream(says(text), slow_model, Sampling(max_tokens=8), conversation=name))

    firsts = {name: done(turn(name, "")).timing for name in ("dongdongju", "sujeonggwa", "omija")}
    assert all(timing.prompt_tokens > 500 for timing in firsts.values())
    again = {name: turn(name, "And then?") for name in firsts}
    for name, events in again.items():
        assert done(events).timing.cached_tokens >= firsts[name].prompt_tokens - 20
    engine.unload()
    for name, events in again.items():
        fresh = turn(name, "And then?")
        assert done(fresh).timing.cached_tokens < 10
        assert written(fresh)[:1] == written(events)[:1] != ""


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


def test_devices_are_those_of_llama_cpp_and_answer_in_mid_answer(engine: Engine, slow_model: Choice) -> None:
    running = engine.stream(says("a"), slow_model, ON_AND_ON)
    assert any(isinstance(event, Text) for event in running)
    devices = engine.devices()
    running.close()
    cpu = next(device for device in devices if device.kind == "cpu")
    assert cpu.name and 0 < cpu.free_bytes <= cpu.memory_bytes


def test_bench_measures_the_whole_path_beside_the_bare_loop(engine: Engine) -> None:
    result = engine.bench(BUILT_IN, tokens=128, prompt_tokens=64)
    assert result["completion_tokens"] == 128
    assert result["ratio"] == pytest.approx(result["tokens_per_s"] / result["raw_tokens_per_s"])
    # The aim is 0.85 on a machine at rest (benchmarks/decode.py); decoding every prefix again would give 0.1.
    assert result["ratio"] > 0.5


def test_unloading_frees_the_memory(engine: Engine) -> None:
    engine.load(BUILT_IN)
    pid = engine.state.worker_pid
    assert pid and engine.state.loaded
    engine.unload()
    assert engine.state.loaded is None and not psutil.pid_exists(pid)
