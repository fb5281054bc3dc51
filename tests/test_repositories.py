"""What a repository of the Hub has: found by name, its models only, each file by its own header, and got by quantization."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import pytest

from kdrinks.__main__ import main
from kdrinks.hub import catalog, fit, mixtures, offers
from kdrinks.hub.remote import Hub
from kdrinks.ui.models import downloads, remote
from tests.support.app_pages import models_page, services_in, shown
from tests.support.hub_server import FakeHub, running_hub
from tests.support.tiny_models import write_byte_model

PATIENCE_S = 60.0
REPO = "acme/tea-GGUF"


def side_file(path: Path, architecture: str, kind: str) -> bytes:
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_type(kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A repository with two models in it, one of them in two quantizations, and all that may lie beside them."""
    for name in ("HF_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setenv("KDRINKS_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("KDRINKS_HOME", str(tmp_path / "home"))
    (tmp_path / "models").mkdir()
    small = write_byte_model(tmp_path / "small.gguf").read_bytes()
    large = write_byte_model(tmp_path / "large.gguf", width=512, layers=3).read_bytes()
    repos = {
        REPO: {
            "tea-small-Q4_0.gguf": small,
            "tea-small-Q8_0.GGUF": small + bytes(100),
            "tea-large-Q8_0.gguf": large,
            "mmproj-tea-F16.gguf": side_file(tmp_path / "eyes.gguf", "clip", "mmproj"),
            "eyes-of-tea.gguf": side_file(tmp_path / "eyes2.gguf", "clip", "model"),
            "tea.imatrix.gguf": side_file(tmp_path / "matrix.gguf", "llama", "imatrix"),
            "tea-lora-F16.gguf": side_file(tmp_path / "lora.gguf", "llama", "adapter"),
            "notes.gguf": b"no GGUF at all" * 100,
        },
        "acme/cola-GGUF": {"cola-Q4_0.gguf": small},
    }
    with running_hub(repos) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.hub_url)
        yield running


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = main(["models", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_models_alone_are_offered_each_with_the_memory_that_its_own_header_tells(hub: FakeHub, tmp_path: Path) -> None:
    found = {offer.file: offer for offer in offers.listed(Hub(), Hub().model(REPO))}
    assert list(found) == ["tea-small-Q4_0.gguf", "tea-small-Q8_0.GGUF", "tea-large-Q8_0.gguf"]
    small, _, large = found.values()
    for offer, path in ((small, "small.gguf"), (large, "large.gguf")):
        header = Hub().header(next(file for file in Hub().model(REPO).files if file.file == offer.file))
        assert offer.parameters == fit.shape_of(header).parameters, path
    assert large.estimate.kv_bytes == 24 * small.estimate.kv_bytes  # eight times as wide, three layers


def test_a_side_file_is_refused_before_it_is_fetched(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("mmproj-tea-F16.gguf", "tea-lora-F16.gguf", "tea.imatrix.gguf"):
        status, told = answered(capsys, "fetch", f"{REPO}:{name}")
        assert status == 1 and name in told["error"]["message"]
    assert list((tmp_path / "models").iterdir()) == []


def test_repositories_are_found_by_words_of_their_names(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = answered(capsys, "search", "tea")
    assert status == 0
    assert found == [{"repo_id": REPO, "license": "apache-2.0", "gated": False, "downloads": 1000, "likes": 3}]
    assert len(answered(capsys, "search", "acme")[1]) == 2 and answered(capsys, "search", "미숫가루") == (0, [])


def test_a_quantization_is_fetched_by_its_name_and_one_that_is_not_there_is_answered_with_those_that_are(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told = answered(capsys, "fetch", REPO, "--quantization", "q8_0")
    assert status == 0 and Path(told["file"]).name == "tea-small-Q8_0.GGUF"
    status, told = answered(capsys, "fetch", REPO, "--quantization", "Q2_K")
    assert status == 1 and "Q4_0" in told["error"]["hint"]
    entry = next(entry for entry in catalog.entries() if entry.id == "qwen3-4b")
    hub.repos[entry.repo_id] = {"Qwen3-4B-Q8_0.gguf": hub.repos[REPO]["tea-small-Q4_0.gguf"]}
    status, told = answered(capsys, "fetch", "qwen3-4b", "--quantization", "Q8_0")
    assert status == 0 and Path(told["file"]).name == "Qwen3-4B-Q8_0.gguf"


def test_a_card_has_the_usual_sizes_first_then_those_of_the_repository_and_gets_either(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = next(entry for entry in catalog.entries() if entry.id == "qwen3-4b")
    data = hub.repos[REPO]["tea-large-Q8_0.gguf"]
    hub.repos[entry.repo_id] = {
        entry.file: data,
        "Qwen3-4B-Q8_0.gguf": data + b"1",
        "Qwen3-4B-IQ4_XS.gguf": data + b"22",
    }
    hub.pause_s = 0.05
    with services_in(tmp_path / "home", tmp_path / "models", monkeypatch, downloads.hub, remote.answers):
        app = models_page()
        usual = app.selectbox(key="quantization-qwen3-4b-usual-en")
        assert [text.partition(" · ")[0] for text in usual.options] == list(mixtures.MAIN)
        assert "about 4.0 GiB" in usual.options[1] and hub.requests == []
        app = usual.select("Q2_K").run(timeout=PATIENCE_S)
        app.button(key="get-qwen3-4b").click().run(timeout=PATIENCE_S)
        assert not app.exception and "has no Q2_K file" in app.error[0].value
        own = app.selectbox(key="quantization-qwen3-4b-own-en")
        assert [text.partition(" · ")[0] for text in own.options] == ["Q4_K_M", "Q8_0", "IQ4_XS"]
        assert own.value == entry.file
        own.select("Qwen3-4B-Q8_0.gguf").run(timeout=PATIENCE_S)
        app.button(key="get-qwen3-4b").click().run(timeout=PATIENCE_S)
        (job,) = downloads.here().jobs()
        assert [button.key for button in app.button if button.key and button.key.startswith("pause-")] == [
            f"pause-{job.id}"
        ]
        hub.pause_s = 0
        assert job.wait(PATIENCE_S) and job.phase == "done"
        assert (tmp_path / "models" / "Qwen3-4B-Q8_0.gguf").exists()


def test_the_page_finds_a_repository_and_gets_one_of_its_models(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with services_in(tmp_path / "home", tmp_path / "models", monkeypatch, downloads.hub, remote.answers):
        app = models_page()
        app.text_input(key="catalog-repo").set_value("tea").run(timeout=PATIENCE_S)
        found = app.selectbox(key="catalog-found-tea-en")
        assert len(found.options) == 1 and "a month" in found.options[0]
        found.select(REPO).run(timeout=PATIENCE_S)
        files = app.selectbox(key=f"catalog-file-{REPO}")
        assert len(files.options) == 3
        files.select("tea-large-Q8_0.gguf").run(timeout=PATIENCE_S)
        assert fit.reads_slowly("Q8_0") == ("questions may be read slower" in shown(app))
        app.button(key="get-other").click().run(timeout=PATIENCE_S)
        assert not app.exception and downloads.here().jobs()[0].wait(PATIENCE_S)
        assert (tmp_path / "models" / "tea-large-Q8_0.gguf").exists()
        app.text_input(key="catalog-repo").set_value("미숫가루").run(timeout=PATIENCE_S)
        assert not app.exception and "미숫가루" in shown(app)
