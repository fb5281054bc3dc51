"""What GGUF files say about themselves, also when they lie; which models a person can choose."""

import io
import struct
import tracemalloc
from pathlib import Path

import pytest

from kdrinks.config import BUILT_IN_FILE, Settings
from kdrinks.errors import ModelError, ModelNotFound, NotAModel
from kdrinks.hub.catalog import broken_files, entries, entry_for, find_model, local_models
from kdrinks.hub.gguf import Broken, read_header, read_model
from tests.support.tiny_models import write_byte_model


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "models").mkdir()
    return Settings(home=tmp_path / "home", models=tmp_path / "models")


def test_the_built_in_file_says_what_it_is() -> None:
    model = read_model(BUILT_IN_FILE)
    assert (model.architecture, model.quantization, model.chat_template) == ("llama", "Q8_0", True)
    assert model.size_bytes == BUILT_IN_FILE.stat().st_size
    # Q8_0 takes 34 bytes for 32 weights
    assert 0.8 < model.parameters * 34 / 32 / model.size_bytes < 1.0
    assert model.context_length >= 512


def test_a_file_without_template_and_with_full_precision(tmp_path: Path) -> None:
    model = read_model(write_byte_model(tmp_path / "bytes.gguf"))
    assert (model.id, model.quantization, model.chat_template) == ("bytes", "F32", False)
    assert model.parameters == 2 * 259 * 64 + 3 * 64 + 4 * 64 * 64 + 3 * 64 * 128
    assert model.context_length == 4096


@pytest.mark.parametrize(
    ("architecture", "tokenizer"), [("clip", True), ("bert", True), ("llama", False)], ids=["clip", "bert", "no words"]
)
def test_files_that_write_no_text_are_named(tmp_path: Path, architecture: str, tokenizer: bool) -> None:
    path = write_byte_model(tmp_path / "other.gguf", architecture=architecture, tokenizer=tokenizer)
    with pytest.raises(NotAModel) as caught:
        read_model(path)
    assert caught.value.key == "model_writes_no_text" and "other.gguf" in caught.value.message("ko")
    if architecture == "bert":
        assert read_model(path, embedding=True).architecture == "bert"


def test_a_header_that_ends_early_is_damaged_wherever_it_was_cut(tmp_path: Path) -> None:
    whole = BUILT_IN_FILE.read_bytes()
    data_offset = read_header(io.BytesIO(whole), len(whole)).data_offset
    for size in [*range(4, 200, 7), *range(200, data_offset, 9973)]:
        with pytest.raises(Broken):
            read_header(io.BytesIO(whole[:size]), size)
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole[:-100])
    with pytest.raises(NotAModel) as caught:
        read_model(cut)
    assert "missing at its end" in caught.value.message("en")


def test_flipped_bits_give_a_model_or_a_clear_error(tmp_path: Path) -> None:
    whole = write_byte_model(tmp_path / "whole.gguf").read_bytes()
    refused = 0
    for number in range(500):
        broken = bytearray(whole)
        for step in range(3):
            broken[(number * 7919 + step * 104_729) % 9000] ^= 1 << (number + step) % 8
        path = tmp_path / f"broken{number}.gguf"
        path.write_bytes(broken)
        try:
            read_model(path)
        except ModelError as error:
            refused += 1
            assert error.message("ko") and error.hint("en")
    assert 0 < refused


@pytest.mark.parametrize("kind", [8, 9, 0])
def test_lying_lengths_take_no_memory(kind: int) -> None:
    """A value of 2^60 bytes, a list of 2^60 texts and 2^60 values in a file of some bytes."""
    huge = struct.pack("<Q", 1 << 60)
    value = {8: huge, 9: struct.pack("<I", 8) + huge, 0: b""}[kind]
    counts = struct.pack("<QQ", 0, 1 << 60 if kind == 0 else 1)
    lying = b"GGUF" + struct.pack("<I", 3) + counts + struct.pack("<Q", 1) + b"a" + struct.pack("<I", kind) + value
    tracemalloc.start()
    with pytest.raises(Broken):
        read_header(io.BytesIO(lying), len(lying))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 1_000_000


# Choosing


def test_the_built_in_model_is_always_there_and_first(settings: Settings) -> None:
    write_byte_model(settings.models / "aaa.gguf")
    assert [model.id for model in local_models(settings)] == ["built-in", "aaa"]
    nowhere = Settings(home=settings.home, models=settings.home / "nowhere")
    assert [model.id for model in local_models(nowhere)] == ["built-in"]
    assert local_models(nowhere)[0].guarded and find_model("built-in", nowhere).path == BUILT_IN_FILE


def test_broken_files_are_listed_apart_with_the_reason(settings: Settings) -> None:
    (settings.models / "broken.gguf").write_bytes(b"GGUF but no more")
    (settings.models / "folder.gguf").mkdir()
    assert [model.id for model in local_models(settings)] == ["built-in"]
    broken, folder = broken_files(settings)
    assert broken.path.name == "broken.gguf" and "broken.gguf" in broken.error.message("ko")
    assert folder.error.key == "model_is_folder" and "folder.gguf" in folder.error.message("ko")


def test_a_model_is_found_by_id_file_name_and_path(settings: Settings, tmp_path: Path) -> None:
    inside = write_byte_model(settings.models / "inside.gguf")
    outside = write_byte_model(tmp_path / "outside.gguf")
    for name, path in [("inside", inside), ("inside.gguf", inside), (str(outside), outside)]:
        assert find_model(name, settings).path == path
    assert find_model(str(BUILT_IN_FILE), settings).id == "built-in"


@pytest.mark.parametrize("name", ["nothing", "none.gguf", "/no/where.gguf", "", "a\x00b", "x" * 5000])
def test_a_name_that_is_no_model_says_so(settings: Settings, name: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        find_model(name, settings)
    assert caught.value.message("ko") and caught.value.hint("en")


def test_two_files_of_one_name_have_two_ids(settings: Settings) -> None:
    (settings.models / "more").mkdir()
    write_byte_model(settings.models / "same.gguf")
    write_byte_model(settings.models / "more" / "same.gguf")
    ids = [model.id for model in local_models(settings)]
    assert len(set(ids)) == 3
    for model in local_models(settings):
        assert find_model(model.id, settings) == model


def test_parts_of_a_split_model_count_as_one(settings: Settings) -> None:
    write_byte_model(settings.models / "split-00001-of-00002.gguf")
    (broken,) = broken_files(settings)
    assert "part 2 of 2" in broken.error.message("en")
    write_byte_model(settings.models / "split-00002-of-00002.gguf", tokenizer=False)
    _, split = local_models(settings)
    assert split.id == "split" and split.path.name == "split-00001-of-00002.gguf"
    assert split.size_bytes == sum(path.stat().st_size for path in settings.models.glob("*.gguf"))


def test_the_catalogue_knows_the_built_in_model(settings: Settings) -> None:
    known = entry_for(find_model("built-in", settings))
    assert known is not None and known in entries()
    assert set(known.languages) == {"ko", "en"} and known.license
