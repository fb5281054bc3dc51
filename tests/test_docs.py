"""What the documents say of the code is so."""

import re

import pytest

from kdrinks.__main__ import main
from kdrinks.config import ROOT
from tests.support.rooms import ORDER

README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def first_cells(text: str, head: str) -> list[str]:
    """What stands in backticks in the first column of the table below a heading."""
    table = text.split(f"## {head}\n", 1)[1].split("\n## ", 1)[0]
    return [name for row in re.findall(r"^\| (.*?) \|", table, re.M) for name in re.findall(r"`([^`]+)`", row)]


def test_the_readme_names_every_setting_that_the_code_reads() -> None:
    sources = [ROOT / "start.py", ROOT / "app.py", *(ROOT / "kdrinks").rglob("*.py")]
    read = {
        name
        for path in sources
        for name in re.findall(r"[\"'](KDRINKS_[A-Z_]+)[\"']", path.read_text(encoding="utf-8"))
    }
    assert set(first_cells(README, "Settings")) == read


def test_the_readme_lists_every_command_and_each_can_be_asked_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    listed = [command.split() for command in first_cells(README, "The command line") if command[0].islower()]
    with pytest.raises(SystemExit):
        main(["--help"])
    assert set(re.findall(r"^    ([a-z]+)", capsys.readouterr().out, re.M)) == {words[0] for words in listed}
    for words in listed:
        name = words[: 2 if words[0] in ("models", "documents", "lab") else 1]
        with pytest.raises(SystemExit) as ended:
            main([*name, "--help"])
        assert ended.value.code == 0, name


def test_the_architecture_lists_the_rooms_in_the_order_that_holds() -> None:
    assert tuple(name for name in first_cells(ARCHITECTURE, "The rooms") if name in ORDER) == ORDER


def test_every_required_package_stands_with_its_licence() -> None:
    licences = (ROOT / "LICENSES.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w.-]+)`", "\n".join(re.findall(r"^\| (.*?) \|", licences, re.M))))
    for file in ROOT.glob("**/requirements*.txt"):
        if ".venv" not in file.parts:
            required = re.findall(r"^([A-Za-z][\w.-]*)(?:\[.*\])?==", file.read_text(encoding="utf-8"), re.M)
            assert set(required) <= named, file.name


def test_every_file_that_a_document_links_to_is_there() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "models" / "README.md"]:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), f"{document.name}: {link}"
