"""What lies in the models folder and is no file: it is named with its reason, never opened, and breaks nothing else."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kdrinks.config import ROOT, Settings
from kdrinks.errors import BadInput, KdrinksError, ModelNotFound
from kdrinks.hub import catalog, links, part
from kdrinks.hub.download import Downloads
from kdrinks.hub.remote import Hub
from kdrinks.jobs import Jobs
from kdrinks.records import ADMINISTRATOR
from tests.support.app_pages import models_page, shown
from tests.support.tiny_models import write_byte_model

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this system's folders")
LIMIT_S = 60
"""A command that waits for a pipe's writer would never end."""


def loops(path: Path) -> None:
    path.symlink_to(path.name)


def loops_by_another(path: Path) -> None:
    other = path.with_name(path.name + "-other")
    other.symlink_to(path.name)
    path.symlink_to(other.name)


def leads_nowhere(path: Path) -> None:
    path.symlink_to("/no/where.gguf")


def leads_through_a_file(path: Path) -> None:
    path.symlink_to("/etc/hostname/x.gguf")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def leads_to_a_pipe(path: Path) -> None:
    end = path.with_name(path.name + "-end")
    os.mkfifo(end)
    path.symlink_to(end)


def leads_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def is_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's address is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def folder(path: Path) -> None:
    path.mkdir()


ODD = {
    loops: "link_loops",
    loops_by_another: "link_loops",
    leads_nowhere: "link_moved",
    leads_through_a_file: "link_moved",
    pipe: "model_is_special",
    leads_to_a_pipe: "model_is_special",
    leads_to_a_device: "model_is_special",
    is_socket: "model_is_special",
    folder: "model_is_folder",
}
each_kind = pytest.mark.parametrize(("make", "key"), ODD.items(), ids=[one.__name__ for one in ODD])
Make = Callable[[Path], None]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("KDRINKS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KDRINKS_MODELS", str(tmp_path / "models"))
    made = Settings(home=tmp_path / "home", models=tmp_path / "models")
    made.models.mkdir()
    return made


def reasons(settings: Settings) -> dict[str, str]:
    """Key of each broken file's reason, which must be told in both languages."""
    broken = catalog.broken_files(settings)
    for one in broken:
        for lang in ("ko", "en"):
            assert one.path.name in one.error.message(lang) and one.error.hint(lang)
    return {one.path.name: one.error.key for one in broken}


def run(*arguments: str | Path) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "kdrinks", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    return done.returncode, done.stdout, done.stderr


@each_kind
def test_the_other_models_stay_and_the_odd_one_is_named_with_its_reason(
    settings: Settings, make: Make, key: str
) -> None:
    write_byte_model(settings.models / "tea.gguf")
    make(settings.models / "odd.gguf")
    (settings.models / "below").mkdir()
    make(settings.models / "below" / "deep.gguf")
    assert [model.id for model in catalog.local_models(settings)] == ["built-in", "tea"]
    assert reasons(settings) == {"odd.gguf": key, "deep.gguf": key}
    assert catalog.find_model("tea", settings).id == "tea"
    for name in ("odd", "odd.gguf", str(settings.models / "odd.gguf"), "below/deep.gguf"):
        with pytest.raises(ModelNotFound) as caught:
            catalog.find_model(name, settings)
        assert caught.value.key == key


@pytest.mark.parametrize("number", [1, 2])
@each_kind
def test_a_split_model_with_an_odd_part_is_broken_and_no_other(
    settings: Settings, make: Make, key: str, number: int
) -> None:
    write_byte_model(settings.models / "tea.gguf")
    parts = [settings.models / f"big-0000{one}-of-00002.gguf" for one in (1, 2)]
    write_byte_model(parts[2 - number])
    make(parts[number - 1])
    assert [model.id for model in catalog.local_models(settings)] == ["built-in", "tea"]
    (broken,) = catalog.broken_files(settings)
    assert broken.path == parts[0] and broken.error.key == key


def test_a_folder_named_like_a_file_may_hold_models(settings: Settings) -> None:
    (settings.models / "tea.gguf").mkdir()
    write_byte_model(settings.models / "tea.gguf" / "green.gguf")
    assert [model.id for model in catalog.local_models(settings)] == ["built-in", "green"]
    assert catalog.broken_files(settings) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_nobody_may_read_is_named_and_breaks_nothing(settings: Settings) -> None:
    write_byte_model(settings.models / "tea.gguf")
    (settings.models / "closed").mkdir()
    for path in (write_byte_model(settings.models / "mine.gguf"), settings.models / "closed"):
        path.chmod(0)
    (settings.models / "in.gguf").symlink_to(settings.models / "closed" / "in.gguf")
    try:
        assert [model.id for model in catalog.local_models(settings)] == ["built-in", "tea"]
        assert reasons(settings) == {name: "model_unreadable" for name in ("closed", "in.gguf", "mine.gguf")}
    finally:
        (settings.models / "closed").chmod(0o700)


def test_the_models_folder_itself_may_be_anything(settings: Settings) -> None:
    settings.models.rmdir()
    for make in (loops, leads_nowhere, pipe):
        make(settings.models)
        assert [model.id for model in catalog.local_models(settings)] == ["built-in"]
        assert catalog.find_model("built-in", settings).id == "built-in"
        settings.models.unlink()


@each_kind
def test_the_command_line_lists_the_models_and_refuses_the_odd_one(settings: Settings, make: Make, key: str) -> None:
    write_byte_model(settings.models / "tea.gguf")
    odd = settings.models / "odd.gguf"
    make(odd)
    status, out, _ = run("models", "list", "--json")
    assert status == 0
    assert [row["id"] for row in json.loads(out) if row["installed"]] == ["built-in", "tea"]
    status, out, _ = run("models", "inspect", odd, "--json")
    assert status == 1 and "odd.gguf" in json.loads(out)["error"]["message"]


@pytest.mark.parametrize("make", [pipe, loops, leads_to_a_device], ids=["pipe", "loop", "device"])
def test_no_typed_path_makes_a_command_wait(settings: Settings, make: Make) -> None:
    odd = settings.models / "odd.gguf"
    make(odd)
    for command in (
        ("models", "quantize", odd, "Q4_0"),
        ("models", "remove", odd),
        ("ask", "?", "--no-record", "--model", odd),
        ("documents", "add", odd),
    ):
        status, _, said = run(*command)
        assert status == 1 and "odd.gguf" in said and "Traceback" not in said, command


def test_a_home_that_is_nobody_s_is_a_path_like_any_other(settings: Settings) -> None:
    for name in ("~no-such-person/tea.gguf", "~no-such-person"):
        with pytest.raises(ModelNotFound):
            catalog.find_model(name, settings)
        with pytest.raises(ModelNotFound):
            links.link(ADMINISTRATOR, Path(name), settings)


@each_kind
def test_an_odd_file_is_not_linked_nor_offered_and_blocks_no_other(
    settings: Settings, tmp_path: Path, make: Make, key: str
) -> None:
    outside = tmp_path / "Downloads"
    outside.mkdir()
    make(outside / "odd.gguf")
    good = write_byte_model(outside / "good.gguf", width=512)
    make(settings.models / "there.gguf")
    with pytest.raises(ModelNotFound) as caught:
        links.link(ADMINISTRATOR, outside / "odd.gguf", settings)
    assert caught.value.key in (key, "link_no_file")
    assert links.elsewhere(ADMINISTRATOR, settings, tmp_path) == [good] and links.inside(
        ADMINISTRATOR, outside, settings
    ) == [good]
    there = write_byte_model(outside / "there.gguf", width=512)
    with pytest.raises(BadInput, match="name"):
        links.link(ADMINISTRATOR, there, settings)
    assert links.link(ADMINISTRATOR, good, settings).id == "good"


@each_kind
def test_leftovers_of_a_download_that_are_no_files_are_passed_over(
    settings: Settings, tmp_path: Path, make: Make, key: str
) -> None:
    target = settings.models / "tea.gguf"
    note, data = part.state_path(target), part.part_path(target)
    for odd, beside in ((note, data), (data, note)):
        make(odd)
        beside.write_bytes(bytes(10))
        assert part.read_state(target) is None and Downloads(Hub(), settings.models, Jobs()).interrupted() == []
        (odd.rmdir if odd.is_dir() else odd.unlink)()
        for left in settings.models.iterdir():
            left.unlink()


def test_a_download_never_writes_through_a_link_that_lies_where_its_bytes_go(
    settings: Settings, tmp_path: Path
) -> None:
    mine = tmp_path / "diary.txt"
    mine.write_text("mine")
    target = settings.models / "tea.gguf"
    source = part.Source("", 10, "0" * 64, "a/b:tea.gguf", dict)
    for make in (lambda path: path.symlink_to(mine), pipe, loops):
        for path in (part.part_path(target), part.state_path(target), target.with_name("tea.gguf.part.new")):
            make(path)
        began = part.PartFile(target, source)
        began.create()
        assert part.part_path(target).stat().st_size == 10 and not part.part_path(target).is_symlink()
        assert part.read_state(target) is not None
        began.discard()
    assert mine.read_text() == "mine"


def test_the_models_page_opens_names_them_and_removes_a_link_that_leads_back_to_itself(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = home.parent
    write_byte_model(models / "tea.gguf")
    for number, make in enumerate(ODD):
        (models / f"sub{number}").mkdir()
        make(models / f"sub{number}" / f"{make.__name__}.gguf")
    page = models_page()
    assert list(page.radio[0].options)[1:] == ["tea"]
    text = shown(page)
    assert all(f"{make.__name__}.gguf" in text for make in ODD)
    assert "leads back to itself" in text and "a pipe, a socket or a device" in text
    page.button(key=f"unlink-{models / 'sub0' / 'loops.gguf'}").click().run()
    assert not page.exception and not os.path.lexists(models / "sub0" / "loops.gguf")
    page.text_input(key="link-path").set_value(str(models / "sub4" / "pipe.gguf")).run()
    page.button(key="link-add").click().run()
    assert not page.exception and "a pipe, a socket or a device" in page.error[0].value


def test_every_reason_is_an_error_that_a_person_can_act_on() -> None:
    for key in {*ODD.values(), "model_unreadable"}:
        error = KdrinksError(key, file="x", target="y", reason="z")
        assert error.message("ko") != error.message("en") and error.hint("ko") != error.hint("en")
