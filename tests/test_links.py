"""Models that lie elsewhere on the disk: linked in place, never copied, never deleted."""

import os
from contextlib import closing
from pathlib import Path

import gguf
import pytest

from kdrinks.config import Settings
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.protocol import Done
from kdrinks.errors import BadInput, ModelNotFound, NotAModel
from kdrinks.hub import catalog, links, quantize
from kdrinks.jobs import Jobs
from kdrinks.records import ADMINISTRATOR, Choice, LocalModel, Message, Sampling
from tests.support.tiny_models import write_byte_model


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", models=tmp_path / "models")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def write_split(folder: Path) -> list[Path]:
    parts = [folder / f"big-0000{number}-of-00002.gguf" for number in (1, 2)]
    write_byte_model(parts[0])
    second = gguf.GGUFWriter(str(parts[1]), "llama")
    second.write_header_to_file()
    second.write_kv_data_to_file()
    second.write_tensors_to_file()
    second.close()
    return parts


def ids(settings: Settings) -> list[str]:
    return [model.id for model in catalog.local_models(settings)]


def test_a_linked_file_is_in_the_list_uncopied_and_removing_it_removes_the_link_only(
    settings: Settings, outside: Path
) -> None:
    source = write_byte_model(outside / "tea.gguf")
    model = links.link(ADMINISTRATOR, source, settings)
    assert model.id == "tea" and ids(settings) == ["built-in", "tea"]
    assert (settings.models / "tea.gguf").samefile(source) and (settings.models / "tea.gguf").is_symlink()
    catalog.remove(ADMINISTRATOR, catalog.find_model("tea", settings), settings)
    assert source.exists() and ids(settings) == ["built-in"] and list(settings.models.iterdir()) == []


def test_a_split_model_linked_out_of_a_cache_of_blobs_answers_and_is_quantized(
    settings: Settings, outside: Path
) -> None:
    """As the Hugging Face cache keeps them: names that are links to files without a name."""
    (outside / "blobs").mkdir()
    (outside / "snapshot").mkdir()
    write_byte_model(outside / "tea-F32.gguf", width=256, tensors_a_part=6)
    parts = sorted(outside.glob("*.gguf"))
    assert len(parts) == 2
    for number, part in enumerate(parts):
        blob = part.rename(outside / "blobs" / f"{number}0ff")
        (outside / "snapshot" / part.name).symlink_to(blob)
    model = links.link(ADMINISTRATOR, outside / "snapshot" / parts[0].name, settings)
    job = quantize.start(Jobs(), ADMINISTRATOR, model, quantize.targets_for(model, ["Q8_0"], settings.models))
    assert job.wait(60) and job.phase == "done" and job.work.made == [settings.models / "tea-Q8_0.gguf"]
    with closing(LocalEngine()) as engine:
        for one in catalog.local_models(settings)[1:]:
            choice = Choice(LocalModel(one.id, one.path), "cpu", 512)
            *_, last = engine.stream(lambda count, tokens: [Message("user", "?")], choice, Sampling(max_tokens=2))
            assert isinstance(last, Done) and last.loaded.quantization == one.quantization
    assert ids(settings) == ["built-in", "tea-F32", "tea-Q8_0"]


def test_a_split_file_is_linked_whole_whichever_part_was_named(settings: Settings, outside: Path) -> None:
    parts = write_split(outside)
    assert links.link(ADMINISTRATOR, parts[1], settings).size_bytes == sum(part.stat().st_size for part in parts)
    assert ids(settings) == ["built-in", "big"]
    catalog.remove(ADMINISTRATOR, catalog.find_model("big", settings), settings)
    assert all(part.exists() for part in parts) and list(settings.models.iterdir()) == []


@pytest.mark.parametrize("gone", [0, 1])
def test_a_moved_file_says_so_and_its_link_can_be_removed(settings: Settings, outside: Path, gone: int) -> None:
    parts = write_split(outside)
    links.link(ADMINISTRATOR, parts[0], settings)
    parts[gone].rename(outside / "renamed.gguf")
    assert ids(settings) == ["built-in"]
    broken = catalog.broken_files(settings)
    assert [one.error.key for one in broken] == ["link_moved"]
    assert str(parts[gone]) in broken[0].error.message("en") and str(parts[gone]) in broken[0].error.message("ko")
    links.unlink(ADMINISTRATOR, broken[0].path)
    assert catalog.broken_files(settings) == [] and list(settings.models.iterdir()) == []


def test_a_model_asked_for_by_name_whose_file_moved_says_where_it_was(settings: Settings, outside: Path) -> None:
    source = write_byte_model(outside / "tea.gguf")
    links.link(ADMINISTRATOR, source, settings)
    source.unlink()
    with pytest.raises(ModelNotFound, match="elsewhere"):
        catalog.find_model("tea", settings)


def test_what_is_no_model_or_has_no_free_name_is_refused_and_nothing_is_left(settings: Settings, outside: Path) -> None:
    (outside / "not.gguf").write_bytes(b"hello")
    for path, error in (
        (outside / "nothing.gguf", ModelNotFound),
        (outside, ModelNotFound),
        (Path("x" * 5000), ModelNotFound),
        (outside / "not.gguf", NotAModel),
    ):
        with pytest.raises(error):
            links.link(ADMINISTRATOR, path, settings)
    first = write_byte_model(outside / "tea.gguf")
    links.link(ADMINISTRATOR, first, settings)
    with pytest.raises(BadInput, match="already"):
        links.link(ADMINISTRATOR, first, settings)
    (outside / "b").mkdir()
    with pytest.raises(BadInput, match="name"):
        links.link(ADMINISTRATOR, write_byte_model(outside / "b" / "tea.gguf"), settings)
    with pytest.raises(BadInput):
        links.link(ADMINISTRATOR, settings.models / "tea.gguf", settings)
    assert [path.name for path in settings.models.iterdir()] == ["tea.gguf"]


def test_where_symbolic_links_are_refused_a_hard_link_is_made_and_without_either_nothing_is_left(
    settings: Settings, outside: Path
) -> None:
    def refuses(source: Path, target: Path) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    def second_fails(source: Path, target: Path) -> None:
        if "00002" in target.name:
            raise OSError(28, "No space left on device")
        os.symlink(source, target)

    parts = write_split(outside)
    for ways in ((refuses, refuses), (second_fails,)):
        with pytest.raises(BadInput):
            links.link(ADMINISTRATOR, parts[0], settings, ways=ways)
        assert list(settings.models.iterdir()) == []
    links.link(ADMINISTRATOR, parts[0], settings, ways=(refuses, os.link))
    assert ids(settings) == ["built-in", "big"] and not any(path.is_symlink() for path in settings.models.iterdir())
    catalog.remove(ADMINISTRATOR, catalog.find_model("big", settings), settings)
    assert all(part.exists() for part in parts)


def test_models_of_other_programs_are_found_and_nameless_ones_get_a_name(settings: Settings, tmp_path: Path) -> None:
    lm_studio = tmp_path / ".lmstudio" / "models" / "acme" / "tea-GGUF"
    ollama = tmp_path / ".ollama" / "models" / "blobs"
    for folder in (lm_studio, ollama):
        folder.mkdir(parents=True)
    named = write_byte_model(lm_studio / "tea.gguf", width=512)
    nameless = write_byte_model(ollama / "sha256-8eeb52dfb3bb", width=512)
    (ollama / "sha256-00").write_bytes(bytes(2 << 20))
    assert links.elsewhere(ADMINISTRATOR, settings, tmp_path) == [named, nameless]
    assert links.described(nameless) == "random-bytes-F32.gguf"
    links.link(ADMINISTRATOR, nameless, settings)
    assert ids(settings) == ["built-in", "random-bytes-F32"]
    assert links.elsewhere(ADMINISTRATOR, settings, tmp_path) == [named]
    assert links.inside(ADMINISTRATOR, lm_studio.parent, settings) == [named]
