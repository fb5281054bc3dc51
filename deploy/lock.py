"""`python deploy/lock.py`: what a server installs, to the last file, and the list of it for whoever must know.

requirements.lock       every package that requirements.txt leads to, with the SHA-256 of each of its files (pip install --require-hashes)
deploy/build-tools.lock the same of what llama.cpp is compiled with
sbom.json               the bill of materials, CycloneDX 1.6: the packages of requirements.lock with their hashes

Asks PyPI, and changes nothing but these files; its tools (requirements-lock.txt) live in a folder that goes afterwards. To be run after
every change of requirements.txt: tests/test_lock.py tells when it was not.
"""

import json
import os
import subprocess
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"requirements.txt": "requirements.lock", "deploy/requirements-build.txt": "deploy/build-tools.lock"}
OLDEST_PYTHON = "3.11"
"""Of those that kdrinks runs on; a lock holds for it and every newer one, on every system."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / ("Scripts" if os.name == "nt" else "bin")
        run(programs / "python", "-m", "pip", "install", "--quiet", "-r", "deploy/requirements-lock.txt")
        for source, lock in LOCKS.items():
            # --upgrade: packages that nobody pinned are those of today, not those of the lock before
            # fewest: one version of a package for all Pythons, where a lock could also have two
            compile_lock = ["pip", "compile", "--quiet", "--universal", "--fork-strategy", "fewest"]
            compile_lock += ["--upgrade", "--generate-hashes", "--no-config"]
            run(programs / "uv", *compile_lock, "--python-version", OLDEST_PYTHON, source, "--output-file", lock)
        materials = ("requirements", "--pyproject", "pyproject.toml", "--output-reproducible", "--spec-version", "1.6")
        run(programs / "cyclonedx-py", *materials, "requirements.lock", "--output-file", "sbom.json")
    materials_file = ROOT / "sbom.json"
    told = json.loads(materials_file.read_text(encoding="utf-8"))
    for component in told["components"]:
        del component["description"]  # the lines of the lock once more, hashes and all
    materials_file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def run(program: Path, *arguments: str) -> None:
    # the line that uv writes above a lock: how it is made anew
    environment = {**os.environ, "UV_CUSTOM_COMPILE_COMMAND": "python deploy/lock.py"}
    subprocess.run([program, *arguments], cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
