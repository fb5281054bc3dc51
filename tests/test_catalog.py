"""The catalogue and the `models` commands: what is here, what could be, and making, fetching and removing files."""

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import psutil
import pytest

from kdrinks.__main__ import main
from kdrinks.cli import watch
from kdrinks.config import BUILT_IN_FILE, ROOT, Settings
from kdrinks.errors import BadInput
from kdrinks.hub import catalog, fit, quantize
from kdrinks.hub.quantize import TYPES, Quantizing, requantizes, target_for, targets_for
from kdrinks.jobs import Job, Jobs
from kdrinks.records import ADMINISTRATOR, ModelFile
from tests.support.hub_server import FakeHub, running_hub
from tests.support.tiny_models import write_byte_model

ROOMY = fit.Free(10**12)
CONTRACT = {
    "id", "repo_id", "file", "quantization", "parameters", "size_bytes", "license", "gated", "installed", "fit", "estimate"
}  # fmt: skip
FILE_CONTRACT = {
    "id", "file", "size_bytes", "sha256", "architecture", "parameters", "quantization", "context_length", "chat_template"
}  # fmt: skip


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("KDRINKS_MODELS", str(folder))
    monkeypatch.setenv("KDRINKS_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running_hub({}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.hub_url)
        yield running


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """Exit status and the JSON document of a command."""
    status = main(["models", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def settings_of(folder: Path) -> Settings:
    return Settings(home=folder / "home", models=folder)


def test_the_list_holds_what_is_here_and_what_could_be(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_byte_model(models / "tiny.gguf")
    status, rows = answered(capsys, "list")
    assert status == 0
    assert all(CONTRACT <= set(row) for row in rows)
    assert all(set(row["estimate"]) >= {"weights_bytes", "kv_bytes", "compute_bytes", "total_bytes"} for row in rows)
    assert [row["id"] for row in rows if row["installed"]] == ["built-in", "tiny"]
    named = {row["id"] for row in rows}
    assert {"llama-2-7b-chat", "llama-3-korean-bllossom-8b", "llama-3-korean-bllossom-70b"} <= named
    assert {"llama-3.2-korean-bllossom-3b", "llama-3.1-8b-instruct", "mistral-7b-instruct-v0.2"} <= named
    assert {f"deepseek-r1-distill-{name}" for name in ("qwen-1.5b", "qwen-7b", "llama-8b")} <= named


def test_every_catalogue_entry_is_complete_and_its_size_fits_its_parameters() -> None:
    entries = [entry for entry in catalog.entries() if entry.repo_id]
    assert len({entry.id for entry in entries}) == len(entries)
    assert len({entry.file for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.shape and entry.repo_id.count("/") == 1 and entry.file.endswith(".gguf"), entry.id
        assert entry.license and set(entry.languages) & {"ko", "en"} and set(entry.about) == {"ko", "en"}, entry.id
        # A large vocabulary is kept in six to eight bits, so small models have more bits a weight than 4.85.
        assert 4.4 <= entry.size_bytes * 8 / entry.parameters <= 6.7, entry.id
        assert entry.quantization == "Q4_K_M"
    assert [entry.id for entry in entries if entry.use == "embedding"] == ["bge-m3"]


def test_a_file_of_the_catalogue_goes_by_its_short_name(models: Path) -> None:
    entry = next(entry for entry in catalog.entries() if entry.id == "kanana-1.5-2.1b-instruct")
    write_byte_model(models / entry.file)
    found = catalog.find_model(entry.id, settings_of(models))
    assert found.path.name == entry.file
    rows = catalog.describe(settings_of(models), ROOMY)
    assert [(row["installed"], row["repo_id"]) for row in rows if row["id"] == entry.id] == [(True, entry.repo_id)]


@pytest.mark.parametrize("entry", [entry for entry in catalog.entries() if entry.use == "chat" and entry.repo_id])
def test_no_file_name_frees_a_small_model(models: Path, entry: catalog.Entry) -> None:
    for name in (entry.file, f"{entry.id}.gguf"):
        write_byte_model(models / name)
        found = catalog.find_model(entry.id, settings_of(models))
        assert found.id == entry.id and found.parameters < 1_000_000 and found.guarded
        (models / name).unlink()


def test_a_model_writes_freely_from_a_thousand_million_parameters_on(models: Path) -> None:
    path = write_byte_model(models / "tea.gguf")
    (names, numbers) = [bytearray(path.read_bytes()), struct.pack("<QQ", 64, 259)]
    assert names.count(numbers) == 2  # the shapes of token_embd and output
    for rows, guarded in ((7_812_000, True), (7_813_000, False)):
        path.write_bytes(names.replace(numbers, struct.pack("<QQ", 64, rows)))
        os.truncate(path, 5_000_000_000)  # a hole: it takes no room on the disk
        found = catalog.find_model("tea", settings_of(models))
        assert (found.parameters > 1_000_000_000, found.guarded) == (not guarded, guarded)


def test_an_entry_may_hold_a_large_file_to_its_passages(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [replace(entry, guarded=entry.id == "qwen3-4b") for entry in catalog.entries()]
    monkeypatch.setattr(catalog, "_catalog", lambda: (1, tuple(entries)))
    for entry in entries:
        if entry.id in ("qwen3-4b", "gemma-3-4b-it"):
            write_byte_model(models / entry.file)
    found = {model.id: model.guarded for model in catalog.local_models(settings_of(models))}
    assert found == {"built-in": False, "gemma-3-4b-it": False, "qwen3-4b": True}


def test_an_embedding_model_is_neither_offered_for_answers_nor_called_broken(models: Path) -> None:
    entry = next(entry for entry in catalog.entries() if entry.use == "embedding")
    write_byte_model(models / entry.file, architecture="bert")
    settings = settings_of(models)
    assert [model.id for model in catalog.local_models(settings)] == ["built-in"]
    assert catalog.broken_files(settings) == []
    assert [row["installed"] for row in catalog.describe(settings, ROOMY) if row["id"] == entry.id] == [True]


def test_inspect_says_what_a_file_holds(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_byte_model(models / "tiny.gguf", template="{{ messages }}")
    status, document = answered(capsys, "inspect", str(path))
    assert status == 0 and FILE_CONTRACT <= set(document)
    assert document["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (document["architecture"], document["chat_template"], document["context_length"]) == ("llama", True, 4096)
    status, document = answered(capsys, "inspect", "nothing-here.gguf")
    assert status == 1 and set(document["error"]) == {"message", "hint"}


def test_fetch_by_repository_and_file_then_remove(
    hub: FakeHub, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_byte_model(tmp_path / "m.gguf", width=128).read_bytes()
    hub.repos["acme/tea"] = {"tea-Q8_0.gguf": data}
    status, document = answered(capsys, "fetch", "acme/tea:tea-Q8_0.gguf")
    assert status == 0 and FILE_CONTRACT <= set(document)
    assert (models / "tea-Q8_0.gguf").read_bytes() == data
    assert document["sha256"] == hashlib.sha256(data).hexdigest()
    status, document = answered(capsys, "remove", "tea-Q8_0")
    assert (status, document["removed"]) == (0, True)
    assert not (models / "tea-Q8_0.gguf").exists()


def test_fetch_by_catalogue_id(hub: FakeHub, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = next(entry for entry in catalog.entries() if entry.id == "exaone-4.0-1.2b")
    hub.repos[entry.repo_id] = {entry.file: write_byte_model(tmp_path / "m.gguf").read_bytes()}
    status, document = answered(capsys, "fetch", entry.id)
    assert (status, document["id"]) == (0, entry.id)


def test_a_name_that_nothing_has_is_answered_with_the_names_there_are(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, document = answered(capsys, "fetch", "llama-9")
    assert status == 1 and "qwen3-4b" in document["error"]["hint"]
    status, document = answered(capsys, "fetch", "llama-9:")
    assert status == 1


def test_the_files_of_a_repository_are_listed_with_fit_and_no_weights(
    hub: FakeHub, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_byte_model(tmp_path / "m.gguf", width=512).read_bytes()
    hub.repos["acme/tea"] = {"tea-Q4_K_M.gguf": data, "tea-F16.gguf": data + bytes(1000)}
    status, rows = answered(capsys, "list", "--remote", "acme/tea")
    assert status == 0 and all(CONTRACT <= set(row) for row in rows)
    assert [(row["file"], row["quantization"], row["size_bytes"], row["installed"]) for row in rows] == [
        ("tea-Q4_K_M.gguf", "Q4_K_M", len(data), False),
        ("tea-F16.gguf", "F16", len(data) + 1000, False),
    ]
    assert {row["license"] for row in rows} == {"apache-2.0"}
    assert hub.sent_bytes() < len(data) / 2


def test_the_built_in_model_and_files_elsewhere_cannot_be_removed(models: Path, tmp_path: Path) -> None:
    settings = settings_of(models)
    outside = write_byte_model(tmp_path / "mine.gguf")
    for name in ("built-in", str(outside)):
        with pytest.raises(BadInput):
            catalog.remove(ADMINISTRATOR, catalog.find_model(name, settings), settings)
    assert BUILT_IN_FILE.exists() and outside.exists()


def test_removing_a_link_leaves_the_file_it_leads_to(models: Path, tmp_path: Path) -> None:
    outside = write_byte_model(tmp_path / "mine.gguf")
    (models / "mine.gguf").symlink_to(outside)
    settings = settings_of(models)
    catalog.remove(ADMINISTRATOR, catalog.find_model("mine", settings), settings)
    assert outside.exists() and not (models / "mine.gguf").is_symlink()


def quantized(source: ModelFile, name: str, target: Path) -> Job[Quantizing]:
    """Being made."""
    return quantize.start(Jobs(), ADMINISTRATOR, source, {name: target})


@pytest.mark.parametrize("name", list(TYPES))
def test_every_quantization_can_be_made_is_named_by_its_file_and_as_large_as_was_said(
    models: Path, tmp_path: Path, name: str
) -> None:
    source = catalog.find_model(str(write_byte_model(tmp_path / "tea-F32.gguf", width=256)), settings_of(models))
    job = quantized(source, name, target_for(source, name, models))
    assert job.wait(120) and job.error is None
    made = catalog.find_model(f"tea-{name}", settings_of(models))
    assert made.parameters == source.parameters
    assert made.quantization == name
    assert made.size_bytes == pytest.approx(quantize.size_bytes(source, name), rel=0.001)
    assert [path.name for path in models.iterdir()] == [f"tea-{name}.gguf"]


def test_quantizing_shows_progress_can_be_cancelled_and_then_leaves_nothing(models: Path, tmp_path: Path) -> None:
    path = write_byte_model(tmp_path / "big-F32.gguf", width=1024, layers=4)
    source = catalog.find_model(str(path), settings_of(models))
    job = quantized(source, "Q2_K", models / "out.gguf")
    ends = time.monotonic() + 60
    while job.fraction == 0 and time.monotonic() < ends:
        assert not job.wait(0.005)
    job.cancel()
    assert job.wait(30) and job.phase == "cancelled"
    assert list(models.iterdir()) == []


def test_ctrl_c_waits_until_nothing_of_the_job_is_left(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_byte_model(tmp_path / "big-F32.gguf", width=1024, layers=4)
    job = quantized(catalog.find_model(str(path), settings_of(models)), "Q2_K", models / "out.gguf")

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch, "EVERY_S", 0.001)
    with pytest.raises(KeyboardInterrupt):
        watch.watch(job, interrupted)
    assert job.phase == "cancelled" and list(models.iterdir()) == []


def test_several_quantizations_are_made_one_after_the_other_and_a_cancel_keeps_those_made(
    models: Path, tmp_path: Path
) -> None:
    source = catalog.find_model(str(write_byte_model(tmp_path / "tea-F32.gguf", width=512)), settings_of(models))
    job = quantize.start(Jobs(), ADMINISTRATOR, source, targets_for(source, ["Q8_0", "Q4_0"], models))
    assert job.wait(60) and job.phase == "done" and job.fraction == 1.0
    assert sorted(path.name for path in models.iterdir()) == ["tea-Q4_0.gguf", "tea-Q8_0.gguf"]
    slow = catalog.find_model(
        str(write_byte_model(tmp_path / "slow-F32.gguf", width=1024, layers=4)), settings_of(models)
    )
    job = quantize.start(Jobs(), ADMINISTRATOR, slow, targets_for(slow, ["Q8_0", "Q2_K", "Q4_0"], models))
    ends = time.monotonic() + 60
    while not job.work.made and time.monotonic() < ends:
        assert not job.wait(0.002)
    job.cancel()
    assert job.wait(30) and job.phase == "cancelled" and job.error is None
    assert [path.name for path in job.work.made][:1] == ["slow-Q8_0.gguf"] and len(job.work.made) < 3
    assert sorted(path.name for path in models.glob("slow*")) == sorted(path.name for path in job.work.made)
    with pytest.raises(BadInput):
        quantize.start(Jobs(), ADMINISTRATOR, source, targets_for(source, ["Q8_0"], models))


def test_what_a_killed_run_left_behind_is_thrown_away_by_the_next(models: Path) -> None:
    source = catalog.find_model("built-in", settings_of(models))
    left = models / "kdrinks-mini-Q4_0.gguf.4194305.part"  # above the highest process number of Linux
    left.write_bytes(b"half")
    job = quantized(source, "Q4_0", target_for(source, "Q4_0", models))
    assert job.wait(60) and job.phase == "done"
    assert [path.name for path in models.iterdir()] == ["kdrinks-mini-Q4_0.gguf"]


def test_a_result_with_a_relative_name_lies_where_the_person_is(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = models.parent / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert main(["models", "quantize", "built-in", "Q4_0", "out.gguf"]) == 0
    assert [path.name for path in here.iterdir()] == ["out.gguf"]


def test_an_app_that_is_killed_leaves_no_quantizer_and_no_half_file(models: Path, tmp_path: Path) -> None:
    path = write_byte_model(tmp_path / "big-F32.gguf", width=1024, layers=6)
    code = (
        "import sys, time; from pathlib import Path; import psutil; from kdrinks.hub.gguf import read_model\n"
        "from kdrinks.hub import quantize; from kdrinks.jobs import Jobs; from kdrinks.records import ADMINISTRATOR\n"
        "model = read_model(Path(sys.argv[1]))\n"
        "job = quantize.start(Jobs(), ADMINISTRATOR, model, quantize.targets_for(model, ['Q2_K'], Path(sys.argv[2])))\n"
        "while not job.fraction: time.sleep(0.001)\n"
        "print(psutil.Process().children()[0].pid, flush=True); time.sleep(600)"
    )
    app = subprocess.Popen([sys.executable, "-c", code, path, models], stdout=subprocess.PIPE, cwd=ROOT)
    assert app.stdout
    quantizer = psutil.Process(int(app.stdout.readline()))
    assert [one.suffix for one in models.iterdir()] == [".part"]
    app.kill()
    app.wait(30)
    app.stdout.close()
    psutil.wait_procs([quantizer], timeout=60)
    assert not quantizer.is_running() and list(models.iterdir()) == []


def test_a_split_source_gives_one_file_with_the_model_s_name(models: Path) -> None:
    source = catalog.find_model("built-in", settings_of(models))
    split = replace(source, path=models / "tea-F16-00001-of-00002.gguf", quantization="F16")
    assert target_for(split, "Q4_0", models).name == "tea-Q4_0.gguf"


def test_a_source_that_lost_much_already_is_warned_about(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = catalog.find_model("built-in", settings_of(models))
    assert not requantizes(source)
    assert quantized(source, "Q4_0", models / "a-Q4_0.gguf").wait(60)
    assert main(["models", "quantize", "a-Q4_0", "Q2_K"]) == 0
    assert "Q4_0 already" in capsys.readouterr().err
    assert (models / "a-Q2_K.gguf").exists()


def room(free: int) -> Callable[[Path], int]:
    return lambda folder: free


def test_quantizing_refuses_what_cannot_work(models: Path) -> None:
    source = catalog.find_model("built-in", settings_of(models))
    shutil.copy(BUILT_IN_FILE, models / "there.gguf")
    for name, target, free in (
        ("Q9", models / "a.gguf", 10**12),
        ("Q4_0", models / "there.gguf", 10**12),
        ("Q4_0", models / "a.gguf", 1000),
    ):
        with pytest.raises(BadInput):
            Quantizing(ADMINISTRATOR, source, {name: target}, disk_free=room(free))


def test_a_broken_source_gives_the_quantizers_reason(models: Path) -> None:
    path = write_byte_model(models / "odd.gguf", architecture="nonsense")
    source = catalog.find_model(str(path), settings_of(models))
    job = quantized(source, "Q4_0", models / "out.gguf")
    assert job.wait(60) and job.phase == "failed" and job.error is not None
    assert "nonsense" in job.error.message("ko")
    assert not (models / "out.gguf").exists()


def test_a_split_model_is_removed_whole(models: Path) -> None:
    writer_parts = [models / f"big-0000{number}-of-00002.gguf" for number in (1, 2)]
    write_byte_model(writer_parts[0])
    second = gguf.GGUFWriter(str(writer_parts[1]), "llama")
    second.write_header_to_file()
    second.write_kv_data_to_file()
    second.write_tensors_to_file()
    second.close()
    settings = settings_of(models)
    model = catalog.find_model("big", settings)
    assert model.size_bytes == sum(path.stat().st_size for path in writer_parts)
    catalog.remove(ADMINISTRATOR, model, settings)
    assert list(models.iterdir()) == []


def test_lying_sizes_in_a_header_give_no_estimate_that_breaks(models: Path) -> None:
    data = bytearray(write_byte_model(models / "a.gguf").read_bytes())
    at = data.find(b"llama.block_count") + len(b"llama.block_count") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    (models / "a.gguf").write_bytes(bytes(data))
    model = catalog.find_model("a", settings_of(models))
    assert catalog.estimate_of(model).total_bytes > 0
