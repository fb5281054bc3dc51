"""Does it fit, where does it go, and what happens when it does not: from headers, recorded device reports and real loads."""

import threading
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from kdrinks.engine.advice import backend_for, reinstall_command
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.planner import DirectPlanner
from kdrinks.engine.protocol import Loading, local_model
from kdrinks.errors import LoadFailed
from kdrinks.hub import catalog, fit
from kdrinks.hub.gguf import read_model
from kdrinks.hub.plan import Planner, fallbacks, first_plan, steps_down
from kdrinks.records import Choice, Device, Loaded, LocalModel, Message, Plan, Sampling
from tests.support.real_shapes import Shape, write_shape
from tests.support.tiny_models import write_byte_model

GIB = 1 << 30
SHAPES = {entry.id: entry for entry in catalog.entries() if entry.shape}

# In the form of llama.cpp's backend registry, written by hand: only the CPU's was seen running, the names and sizes of
# the others are those of real products.
CPU = Device("CPU", "cpu", "AMD EPYC", "CPU", 24 * GIB, 18 * GIB)
CUDA_24 = Device("CUDA0", "gpu", "NVIDIA GeForce RTX 4090", "CUDA", 24 * GIB, 23 * GIB)
CUDA_8_HALF = Device("CUDA0", "gpu", "NVIDIA GeForce RTX 3070", "CUDA", 8 * GIB, 4 * GIB)
METAL = Device("MTL0", "gpu", "Apple M2", "MTL", 16 * GIB, 11 * GIB)
INTEGRATED = Device("Vulkan0", "igpu", "AMD Radeon Graphics (RADV)", "Vulkan", 8 * GIB, 7 * GIB)


def shape(model_id: str) -> tuple[fit.Shape, int]:
    entry = SHAPES[model_id]
    assert entry.shape
    return entry.shape, entry.size_bytes


def plan_for(
    model_id: str, devices: list[Device], device: Literal["auto", "cpu", "gpu"] = "auto", context_tokens: int = 0
) -> Plan:
    choice = Choice(LocalModel(model_id, Path("m.gguf")), device, context_tokens)
    return first_plan(choice, *shape(model_id), devices)


@pytest.mark.parametrize(
    ("model_id", "kv_bytes_a_token"),
    [("qwen3-4b", 147_456), ("llama-2-7b-chat", 524_288), ("llama-3.1-8b-instruct", 131_072)],
)
def test_the_kv_cache_is_counted_as_the_makers_publish_it(model_id: str, kv_bytes_a_token: int) -> None:
    estimated = fit.estimate(*shape(model_id), context_tokens=4096)
    assert estimated.kv_bytes == 4096 * kv_bytes_a_token
    smaller = fit.estimate(*shape(model_id), context_tokens=4096, kv_type="q8_0")
    assert smaller.kv_bytes == pytest.approx(estimated.kv_bytes * 0.53, rel=0.01)


@pytest.mark.parametrize(("free_gib", "expected"), [(24, "fits"), (6, "tight"), (4, "too_big")])
def test_the_badge_compares_with_what_is_free(free_gib: float, expected: str) -> None:
    estimated = fit.estimate(*shape("llama-3.1-8b-instruct"))
    assert fit.verdict(estimated, fit.Free(int(free_gib * GIB))) == expected


def test_a_gpu_counts_less_its_margin_and_a_model_that_leaves_gives_its_memory_back() -> None:
    free = fit.free_memory(2 * GIB, [CPU, CUDA_24, INTEGRATED], reclaimed_bytes=GIB)
    assert free == fit.Free(3 * GIB, 22 * GIB)
    assert fit.verdict(fit.estimate(*shape("llama-3.1-8b-instruct")), free) == "fits"


def test_layers_go_to_the_gpu_as_far_as_its_free_memory_goes() -> None:
    assert plan_for("llama-3.1-8b-instruct", [CPU, CUDA_24]).gpu_layers == -1
    assert plan_for("llama-3.1-8b-instruct", [CPU, METAL]).gpu_layers == -1
    part = plan_for("llama-3.1-8b-instruct", [CPU, CUDA_8_HALF]).gpu_layers
    assert 8 <= part <= 24
    assert plan_for("llama-3-korean-bllossom-70b", [CPU, CUDA_24]).gpu_layers in range(20, 50)
    assert plan_for("llama-3.1-8b-instruct", [CPU]).gpu_layers == 0


def test_what_a_person_chose_is_kept_and_an_integrated_gpu_is_only_used_when_asked_for() -> None:
    assert plan_for("qwen3-4b", [CPU, CUDA_24], "cpu").gpu_layers == 0
    assert plan_for("qwen3-4b", [CPU, INTEGRATED]).gpu_layers == 0
    assert plan_for("qwen3-4b", [CPU, INTEGRATED], "gpu").gpu_layers == -1
    assert plan_for("qwen3-4b", [CPU, CUDA_24], context_tokens=16384).context_tokens == 16384


def test_the_steps_down_are_kv_type_context_layers_and_cpu() -> None:
    first = Plan(-1, 4096)
    plans = steps_down(first, 32)
    assert plans[0] == first
    assert [fallbacks(first, plan) for plan in plans[1:]] == [
        ("kv q8_0",),
        ("kv q8_0", "context 2048"),
        ("kv q8_0", "context 2048", "layers 24"),
        ("kv q8_0", "context 2048", "layers 16"),
        ("kv q8_0", "context 2048", "layers 8"),
        ("cpu",),
        ("kv q8_0", "context 2048", "cpu"),
    ]
    assert [plan.context_tokens for plan in steps_down(Plan(0, 800), 4)] == [800, 800]


def test_what_worked_is_remembered_on_this_machine_until_there_is_more_memory(tmp_path: Path) -> None:
    model = write_byte_model(tmp_path / "m.gguf")
    choice = Choice(LocalModel("m", model), "auto", 2048)
    planner = Planner(tmp_path / "home" / "plans.json", now=lambda: 1000.0, free_bytes=lambda: 4 * GIB)
    plans = planner.plans(choice, [CPU])
    assert plans[0] == Plan(0, 2048)
    planner.record_success(choice, plans[1], [CPU], stepped=True)
    later = Planner(tmp_path / "home" / "plans.json", now=lambda: 2000.0, free_bytes=lambda: 4 * GIB)
    assert later.plans(choice, [CPU])[0] == plans[1]
    roomy = Planner(tmp_path / "home" / "plans.json", now=lambda: 2000.0, free_bytes=lambda: 8 * GIB)
    assert roomy.plans(choice, [CPU])[0] == plans[0]
    month_later = Planner(tmp_path / "home" / "plans.json", now=lambda: 3e6, free_bytes=lambda: 4 * GIB)
    assert month_later.plans(choice, [CPU])[0] == plans[0]
    later.record_success(choice, plans[0], [CPU], stepped=False)
    assert Planner(tmp_path / "home" / "plans.json", free_bytes=lambda: 4 * GIB).plans(choice, [CPU])[0] == plans[0]


def test_a_damaged_note_of_what_worked_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "plans.json").write_text('{"m": {"plan": 3}}', encoding="utf-8")
    choice = Choice(LocalModel("m", write_byte_model(tmp_path / "m.gguf")))
    assert Planner(tmp_path / "plans.json").plans(choice, [CPU])[0] == Plan(0, 4096)


class Scripted(DirectPlanner):
    """Plans of the test's own, and what the engine told about them."""

    def __init__(self, *plans: Plan) -> None:
        self.script = plans
        self.told: list[tuple[Plan, bool]] = []

    def plans(self, choice: Choice, devices: object) -> tuple[Plan, ...]:
        return self.script

    def fallbacks(self, choice: Choice, devices: object, plan: Plan) -> tuple[str, ...]:
        return fallbacks(self.script[0], plan)

    def record_success(self, choice: Choice, plan: Plan, devices: object, *, stepped: bool) -> None:
        self.told.append((plan, stepped))


class ShortOfMemory(LocalEngine):
    """A machine whose memory ends at 4,096 tokens of context; all else is the real worker.

    A real refusal was tried with a context of 2**31 tokens: the loader says std::bad_alloc, after 100 s.
    """

    def _load(self, choice: Choice, plan: Plan, stop: threading.Event | None) -> Generator[Loading, None, Loaded]:
        if plan.context_tokens > 4096:
            raise LoadFailed("model_no_memory", file=local_model(choice.model).path.name, reason="std::bad_alloc")
        return (yield from super()._load(choice, plan, stop))


def test_a_load_that_finds_no_memory_steps_down_and_says_so(tmp_path: Path) -> None:
    model = write_byte_model(tmp_path / "m.gguf", width=256, layers=4)
    planner = Scripted(Plan(0, 8192), Plan(0, 8192, "q8_0"), Plan(0, 512, "q8_0"))
    with closing(ShortOfMemory(planner=planner)) as engine:
        loaded = engine.load(Choice(LocalModel("m", model)))
        assert (loaded.context_tokens, loaded.kv_type) == (512, "q8_0")
        assert loaded.stepped_down == ("kv q8_0", "context 512")
        assert engine.state.loaded == loaded
    assert planner.told == [(Plan(0, 512, "q8_0"), True)]


def test_when_nothing_fits_the_loaders_own_reason_is_shown(tmp_path: Path) -> None:
    model = write_byte_model(tmp_path / "m.gguf", width=256, layers=4)
    with closing(ShortOfMemory(planner=Scripted(Plan(0, 8192), Plan(0, 8192, "q8_0")))) as engine:
        with pytest.raises(LoadFailed) as failed:
            engine.load(Choice(LocalModel("m", model)))
        assert failed.value.key == "model_no_memory"
        assert engine.state.loaded is None


@pytest.mark.parametrize(
    ("system", "machine", "nvidia", "command"),
    [
        ("Linux", "x86_64", True, "CMAKE_ARGS='-DGGML_CUDA=on' pip install"),
        ("Linux", "x86_64", False, "CMAKE_ARGS='-DGGML_VULKAN=on' pip install"),
        ("Darwin", "arm64", False, "CMAKE_ARGS='-DGGML_METAL=on' pip install"),
        ("Windows", "AMD64", True, "$env:CMAKE_ARGS='-DGGML_CUDA=on'; pip install"),
    ],
)
def test_the_reinstall_command_is_the_one_for_this_system(
    system: str, machine: str, nvidia: bool, command: str
) -> None:
    given = reinstall_command(system, backend_for(system, machine, nvidia=nvidia))
    assert given.startswith(command)
    pinned = next(
        line
        for line in (Path(__file__).parent.parent / "requirements.txt").read_text().splitlines()
        if line.startswith("llama-cpp-python")
    )
    assert given.endswith(pinned)


SMALL: Shape = {
    "layers": 12, "embedding": 768, "feed_forward": 2048, "vocabulary": 64_000, "heads": 12, "kv_heads": 4, "head_size": 64
}  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from Linux's /proc")
@pytest.mark.parametrize(("quantization", "kv_type"), [("Q8_0", "f16"), ("Q4_K_M", "f16"), ("Q4_0", "q8_0")])
def test_the_prediction_is_within_ten_percent_of_the_measured_peak(
    tmp_path: Path, quantization: str, kv_type: str
) -> None:
    path = write_shape(tmp_path / "m.gguf", quantization, **SMALL)
    predicted = catalog.estimate_of(read_model(path), context_tokens=8192, kv_type=kv_type).total_bytes
    with closing(LocalEngine(planner=Scripted(Plan(0, 8192, kv_type)))) as engine:
        for _ in engine.stream(
            lambda count, room: [Message("user", "a" * 300)],
            Choice(LocalModel("m", path), "cpu"),
            Sampling(max_tokens=2),
        ):
            pass
        status = Path(f"/proc/{engine.state.worker_pid}/status").read_text(encoding="utf-8")
    measured = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
    assert predicted == pytest.approx(measured, rel=0.10)
