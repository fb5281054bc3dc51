"""Packages of a few lines: a wheel, and a source package that "compiles" slowly and with whatever compiler it is told.

The source package carries this file as its build backend, so nothing but the standard library is used here.
"""

import io
import os
import shlex
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

LLAMA, VERSION = "llama_cpp_python", "0.3.36"
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "tiny_wheels"\nbackend-path = ["."]\n'


def wheel(folder: str | Path, name: str, version: str, files: dict[str, str]) -> str:
    """Writes a wheel without dependencies; returns its file name."""
    path = Path(folder, f"{name}-{version}-py3-none-any.whl")
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        for at, text in files.items():
            entry = zipfile.ZipInfo(at)
            entry.external_attr = 0o100755 << 16
            file.writestr(entry, text)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return path.name


def llama_source(folder: Path) -> None:
    """llama-cpp-python as PyPI has it: source only."""
    info = f"Metadata-Version: 2.1\nName: {LLAMA}\nVersion: {VERSION}\n"
    with tarfile.open(folder / f"{LLAMA}-{VERSION}.tar.gz", "w:gz") as archive:
        for at, text in (
            ("pyproject.toml", PYPROJECT),
            ("PKG-INFO", info),
            ("tiny_wheels.py", Path(__file__).read_text(encoding="utf-8")),
        ):
            entry = tarfile.TarInfo(f"{LLAMA}-{VERSION}/{at}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))


def llama_module(compiled_with: str) -> dict[str, str]:
    return {"llama_cpp.py": f"def write():\n    return {compiled_with!r}\n"}


def prepare_metadata_for_build_wheel(folder: str, config_settings: object = None) -> str:
    """Without it pip would build twice."""
    info = Path(folder, f"{LLAMA}-{VERSION}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {LLAMA}\nVersion: {VERSION}\n")
    return info.name


def build_wheel(folder: str, config_settings: object = None, metadata_directory: object = None) -> str:
    """What pip calls. The compiler and the archiver that were named are run; what they print is what the module then writes."""
    for number in range(1, 5):
        print(f"[{number}/4] compiling", flush=True)
        time.sleep(float(os.environ.get("COMPILE_S", "0")) / 4)
    named = dict(word[2:].partition("=")[::2] for word in shlex.split(os.environ["CMAKE_ARGS"]))
    tools = [tool for name, tool in named.items() if name.endswith(("COMPILER", "AR", "LIB"))]
    printed = [subprocess.run([tool, "in here"], capture_output=True, text=True, check=True).stdout for tool in tools]
    if os.environ.get("BROKEN_COMPILER") and not tools:
        raise SystemExit("fatal error: cannot compile")
    return wheel(folder, LLAMA, VERSION, llama_module(" ".join(printed).replace("\n", ";")))
