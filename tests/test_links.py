"""Models that lie elsewhere on the disk: linked in place, never copied, never deleted."""

import json
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import gguf
import pytest

from kdrinks.__main__ import main
from kdrinks.config import Settings
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.protocol import Done
from kdrinks.errors import BadInput, ModelNotFound, NotAModel
from kdrinks.hub import catalog, links, model_hash, quantize
from kdrinks.jobs import Jobs
from kdrinks.records import ADMINISTRATOR, Choice, LocalModel, Message, Sampling
from kdrinks.store.db import Database
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


def test_files_lie_as_lm_studio_and_the_hub_s_cache_keep_them_each_once_whatever_the_ending(
    settings: Settings, tmp_path: Path
) -> None:
    settings.models.mkdir()
    write_byte_model(settings.models / "UPPER.GGUF")
    studio = settings.models / "acme" / "tea-GGUF"
    studio.mkdir(parents=True)
    write_byte_model(studio / "studio.gguf")
    cache = settings.models / "models--acme--tea"
    (cache / "blobs").mkdir(parents=True)
    blob = write_byte_model(cache / "blobs" / ("0" * 64))
    for revision in ("a" * 40, "b" * 40):
        (cache / "snapshots" / revision).mkdir(parents=True)
        (cache / "snapshots" / revision / "cached.gguf").symlink_to(blob)
    (settings.models / "up").symlink_to(settings.models)  # leads back to where it is
    assert ids(settings) == ["built-in", "UPPER", "studio", "cached"]
    assert catalog.find_model("UPPER.GGUF", settings) == catalog.find_model("UPPER", settings)
    assert catalog.broken_files(settings) == []


def test_caches_elsewhere_are_found_by_default_and_where_the_environment_says(
    settings: Settings, tmp_path: Path
) -> None:
    snapshot = tmp_path / ".cache" / "huggingface" / "hub" / "models--acme--tea" / "snapshots" / "abc"
    other = tmp_path / "big-disk" / "hub"
    for folder in (snapshot, other):
        folder.mkdir(parents=True)
    first = write_byte_model(snapshot / "tea.GGUF", width=512)
    second = write_byte_model(other / "moved.gguf", width=512)
    assert links.elsewhere(ADMINISTRATOR, settings, tmp_path, environment={}) == [first]
    told = {"HF_HOME": str(other.parent)}
    assert links.elsewhere(ADMINISTRATOR, settings, tmp_path, environment=told) == [first, second]


def test_a_linked_folder_shows_what_is_in_it_now_and_later_and_nothing_in_it_is_ever_deleted(
    settings: Settings, outside: Path
) -> None:
    below = outside / "acme" / "tea-GGUF"
    below.mkdir(parents=True)
    with pytest.raises(BadInput, match="no usable"):
        links.link_folder(ADMINISTRATOR, outside, settings)
    source = write_byte_model(below / "tea.gguf")
    assert [model.id for model in links.link_folder(ADMINISTRATOR, outside, settings)] == ["tea"]
    later = write_byte_model(below / "later.gguf")
    assert ids(settings) == ["built-in", "later", "tea"]
    for refused in (
        lambda: catalog.remove(ADMINISTRATOR, catalog.find_model("tea", settings), settings),
        lambda: links.unlink_named(ADMINISTRATOR, "tea", settings),
    ):
        with pytest.raises(BadInput, match="linked folder elsewhere"):
            refused()
    for path in (outside, settings.models, settings.models.parent):
        with pytest.raises(BadInput):
            links.link_folder(ADMINISTRATOR, path, settings)
    assert links.unlink_named(ADMINISTRATOR, "elsewhere", settings) == settings.models / "elsewhere"
    assert ids(settings) == ["built-in"] and source.exists() and later.exists()


def test_a_linked_folder_that_was_moved_is_named_and_its_link_can_go(settings: Settings, outside: Path) -> None:
    write_byte_model(outside / "tea.gguf")
    links.link_folder(ADMINISTRATOR, outside, settings)
    outside.rename(outside.with_name("gone"))
    assert ids(settings) == ["built-in"]
    (broken,) = catalog.broken_files(settings)
    assert (broken.path.name, broken.error.key) == ("elsewhere", "link_moved")
    links.unlink_named(ADMINISTRATOR, "elsewhere", settings)
    assert catalog.broken_files(settings) == []


def test_the_command_line_links_files_and_folders_and_takes_the_links_off(
    settings: Settings, outside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KDRINKS_HOME", str(settings.home))
    monkeypatch.setenv("KDRINKS_MODELS", str(settings.models))

    def answered(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
        status = main(["models", *map(str, arguments), "--json"])
        return status, json.loads(capsys.readouterr().out)

    source = write_byte_model(outside / "tea.gguf")
    status, told = answered("link", source)
    assert (status, [row["id"] for row in told["linked"]]) == (0, ["tea"])
    assert answered("link", source)[0] == 1
    status, told = answered("unlink", "tea")
    assert (status, told["unlinked"]) == (0, str(settings.models / "tea.gguf")) and source.exists()
    status, told = answered("link", outside)
    assert status == 0 and told["linked"][0]["file"] == str(settings.models / "elsewhere" / "tea.gguf")
    status, told = answered("unlink", "nothing")
    assert status == 1 and "elsewhere" in told["error"]["hint"]
    write_byte_model(settings.models / "mine.gguf")
    status, told = answered("unlink", "mine")
    assert status == 1 and (settings.models / "mine.gguf").exists()
    assert answered("unlink", "elsewhere")[0] == 0 and source.exists()


def test_a_file_that_another_one_replaced_is_shown_and_hashed_as_what_it_is_now(
    settings: Settings, outside: Path
) -> None:
    settings.models.mkdir()
    path = write_byte_model(settings.models / "tea.gguf")
    with closing(Database.open(None)) as db:
        before, hashed = catalog.find_model("tea", settings), model_hash.take(db, path)
        assert model_hash.known(db, path) == hashed
        write_byte_model(outside / "other.gguf", width=128, layers=2).replace(path)
        after = catalog.find_model("tea", settings)
        assert after.parameters > before.parameters and after.size_bytes == path.stat().st_size
        assert model_hash.known(db, path) == "" and model_hash.take(db, path) != hashed
