"""What a server installs is locked to the last file, is what requirements.txt says, and stands in the bill of materials."""

import importlib.metadata
import json
import re
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kdrinks.config import ROOT

LOCKS = {
    ROOT / "requirements.txt": ROOT / "requirements.lock",
    ROOT / "deploy" / "requirements-build.txt": ROOT / "deploy" / "build-tools.lock",
}
LOCK = LOCKS[ROOT / "requirements.txt"]
AGAIN = "run `python deploy/lock.py`"


def pinned(path: Path) -> dict[str, str]:
    """By name, the version that a requirements file or a lock pins."""
    lines = re.findall(r"^([A-Za-z][\w.-]*)(?:\[.*?\])?==([^\s;\\]+)", path.read_text(encoding="utf-8"), re.M)
    assert len({canonicalize_name(name) for name, _ in lines}) == len(lines), "a package stands there twice"
    return {canonicalize_name(name): version for name, version in lines}


def entries(path: Path) -> dict[str, str]:
    """By name, all that a lock says of a package."""
    parts = re.split(r"^(?=[A-Za-z])", path.read_text(encoding="utf-8"), flags=re.M)
    return {canonicalize_name(re.split(r"[=\[]", part)[0]): part for part in parts if not part.startswith("#")}


def hashes(entry: str) -> list[str]:
    return re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry)


@pytest.mark.parametrize("source", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_every_pin_of_its_requirements_and_a_hash_for_every_package(source: Path) -> None:
    locked, text = pinned(LOCKS[source]), LOCKS[source].read_text(encoding="utf-8")
    wanted = pinned(source)
    assert {name: locked.get(name) for name in wanted} == wanted, AGAIN
    assert [name for name, entry in entries(LOCKS[source]).items() if not hashes(entry)] == []
    # one that nobody needs any more would be installed on: each other one says what it is for
    for name, entry in entries(LOCKS[source]).items():
        reasons = {canonicalize_name(one) for one in re.findall(r"^    #(?: via)? +([A-Za-z][\w.-]*)", entry, re.M)}
        assert (name in wanted and f"-r {source.relative_to(ROOT)}" in entry) or reasons & set(locked), (name, AGAIN)
    assert "://" not in text and "--index" not in text and str(Path.home()) not in text


def test_the_lock_leaves_out_nothing_that_a_package_needs_here() -> None:
    """Walks what is installed in this environment; a package that brings more than the lock knows would fail under --require-hashes."""
    locked = pinned(LOCK)
    known = entries(LOCK)
    todo, seen = list(pinned(ROOT / "requirements.txt")), set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        assert name in locked, (name, AGAIN)
        marker = re.match(r"[^\\\n]*?;\s*([^\\\n]+)", known[name])
        assert not marker or Marker(marker[1].strip()).evaluate(), name
        if importlib.metadata.version(name) != locked[name]:
            continue  # another version may need others
        for line in importlib.metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                dependency = canonicalize_name(needed.name)
                todo.append(dependency)
                assert dependency in locked, (f"{name} needs {dependency}", AGAIN)
                assert needed.specifier.contains(locked[dependency], prereleases=True), (line, AGAIN)
    assert len(seen) > 40


def test_the_bill_of_materials_names_every_locked_package_with_its_hashes() -> None:
    bill = json.loads((ROOT / "sbom.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "kdrinks"
    named = {str(canonicalize_name(one["name"])): one for one in bill["components"]}
    assert {name: one["version"] for name, one in named.items()} == pinned(LOCK), AGAIN
    for name, entry in entries(LOCK).items():
        told = [one["content"] for place in named[name]["externalReferences"] for one in place.get("hashes", ())]
        assert sorted(told) == sorted(hashes(entry)), name
        assert named[name]["purl"] == f"pkg:pypi/{name}@{pinned(LOCK)[name]}", name
