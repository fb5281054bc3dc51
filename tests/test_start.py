"""start.py with real pip, real .venv folders and real wheels; the packages are tiny ones, made here.

What these cannot stand in for, real compilers on a machine that has nothing, is tests/fresh_machine.sh.
"""

import ast
import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kdrinks.config import ROOT
from tests.support.tiny_wheels import LLAMA, VERSION, llama_module, llama_source, wheel
from tests.support.wait import eventually

WHEEL = f"{LLAMA}-{VERSION}-py3-none-any.whl"
# as code for another processor ends
CRASHES = {"llama_cpp.py": "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"}
ZIG = '#!/bin/sh\nmkdir -p "$ZIG_LOCAL_CACHE_DIR"\necho zig "$@"\n'


@dataclass
class Machine:
    """A folder with start.py, a home, and the packages that can be had."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.folder / "my kdrinks"

    @property
    def log(self) -> str:
        path = self.project / ".venv.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "LC_", "LANG"))}
        return {
            **inherited,
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"file://{self.folder}/none",
            "PIP_FIND_LINKS": str(self.folder / "packages"),
            "KDRINKS_WHEELS": "http://127.0.0.1:9",  # nobody listens there
            # a compiler, for this machine may have none: all that is asked of it is to take a line of C++
            "CC": "true",
            "CXX": "true",
            **self.variables,
        }

    def popen(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "start.py", *arguments],
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # what a background job starts ignores Ctrl+C, and so do its children
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def start(self, *arguments: str) -> tuple[str, int]:
        """What start.py printed, and its exit status."""
        process = self.popen(*arguments)
        printed, _ = process.communicate(timeout=120)
        return printed, process.returncode


@pytest.fixture(scope="module")
def bare_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """.venv as a killed first step may leave it: pip is in it, nothing else."""
    folder = tmp_path_factory.mktemp("bare") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def machine(tmp_path: Path, bare_venv: Path) -> Machine:
    """With a compiler, without the index of ready-made files."""
    made = Machine(tmp_path)
    packages = tmp_path / "packages"
    packages.mkdir()
    made.project.mkdir()
    shutil.copytree(bare_venv, made.project / ".venv", symlinks=True)
    shutil.copy(ROOT / "start.py", made.project)
    (made.project / "requirements.txt").write_text(f"streamlit==1.0\nllama-cpp-python=={VERSION}\n")
    (made.project / "requirements-dev.txt").write_text("-r requirements.txt\npytest==1.0\n")
    # bench, as try_out calls it
    (made.project / "kdrinks.py").write_text("import llama_cpp, sys\nprint(llama_cpp.write(), *sys.argv)\n")
    wheel(packages, "streamlit", "1.0", {"streamlit.py": "import sys\nprint('streamlit', *sys.argv[1:])\n"})
    wheel(packages, "pytest", "1.0", {"pytest.py": "import sys\nprint(sys.argv[1:], '2 failed')\nsys.exit(1)\n"})
    version = next(line for line in (ROOT / "start.py").read_text("utf-8").splitlines() if line.startswith("ZIGLANG"))
    wheel(packages, "ziglang", version.split("==")[1].strip('"'), {"ziglang/zig": ZIG})
    llama_source(packages)
    return made


@contextmanager
def index(files: dict[str, bytes], *, hangs: bool = False) -> Iterator[tuple[str, list[str]]]:
    """A web server with these files; its address, and the paths that were asked for."""
    asked: list[str] = []
    release = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if hangs:
                release.wait()
            body = files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        release.set()
        server.shutdown()
        server.server_close()


def ready_made(folder: Path, module: dict[str, str]) -> bytes:
    folder.mkdir(exist_ok=True)
    return (folder / wheel(folder, LLAMA, VERSION, module)).read_bytes()


def listing(*names: str) -> bytes:
    links = "".join(f'<a href="{name}">{name}</a>' for name in names)
    return f"<!DOCTYPE html><html><body>{links}</body></html>".encode()


def test_one_command_installs_and_opens_the_app_and_the_next_time_it_opens_at_once(machine: Machine) -> None:
    shutil.rmtree(machine.project / ".venv")  # from the very beginning
    printed, status = machine.start("--port", "8600", "--no-browser")
    assert status == 0 and "minutes, once" in printed
    assert printed.rstrip().endswith("streamlit run app.py --server.port=8600 --server.headless=true"), printed
    (kept,) = (machine.folder / "cache").rglob("*.whl")
    assert f"{WHEEL}, sha256 {hashlib.sha256(kept.read_bytes()).hexdigest()}" in printed

    before = machine.log
    printed, status = machine.start()
    assert status == 0 and printed.splitlines() == ["kdrinks is starting. Ctrl+C ends it.", "streamlit run app.py"]
    shutil.copy(ROOT / "start.command", machine.project)  # what a Mac runs on a double click
    clicked = subprocess.run([machine.project / "start.command"], cwd="/", env=machine.environment, capture_output=True)
    assert clicked.stdout.decode() == printed
    assert machine.log == before  # neither pip nor a compiler ran


def test_the_tests_end_with_pytests_own_lines_and_status(machine: Machine) -> None:
    printed, status = machine.start("test", "-k", "words")
    assert status == 1 and printed.rstrip().endswith("['-k', 'words'] 2 failed"), printed
    # what the app needs is there too: it opens without another installation
    before = machine.log
    assert machine.start()[1] == 0 and machine.log == before


def test_a_ready_made_file_is_taken_where_its_index_answers(machine: Machine) -> None:
    made = ready_made(machine.folder / "made", llama_module("ready-made"))
    files = {"/cpu/llama-cpp-python/": listing(WHEEL), f"/cpu/llama-cpp-python/{WHEEL}": made}
    with index(files) as (url, asked):
        machine.variables["KDRINKS_WHEELS"] = url
        printed, status = machine.start()
    assert status == 0 and f"ready-made, {WHEEL}, sha256 {hashlib.sha256(made).hexdigest()}" in printed, printed
    assert set(asked) == set(files)  # asked for this one package, and nothing else


@pytest.mark.parametrize(
    ("listed", "file", "told"),
    [
        (None, b"", "ready-made: its index has none for this computer"),
        (listing(), b"", "ready-made: its index has none for this computer"),
        (listing("llama_cpp_python-0.3.35-py3-none-any.whl"), b"", "ready-made: "),
        (b"<html>Please log in to the airport's network</html>", b"", "ready-made: "),
        (listing(WHEEL), b"not a wheel at all", "ready-made: "),
        (listing(WHEEL), b"", "ready-made: "),
        (listing(WHEEL), "crashes", "ready-made: "),
    ],
    ids=["404", "empty", "other version", "captive portal", "no wheel", "empty file", "for another processor"],
)
def test_an_index_that_is_wrong_leads_to_the_compiler(
    machine: Machine, listed: bytes | None, file: bytes | str, told: str
) -> None:
    body = ready_made(machine.folder / "made", CRASHES) if isinstance(file, str) else file
    files = {"/cpu/llama-cpp-python/": listed} if listed else {}
    with index({**files, f"/cpu/llama-cpp-python/{WHEEL}": body} if file else files) as (url, _):
        machine.variables["KDRINKS_WHEELS"] = url
        printed, status = machine.start()
    assert status == 0 and told in printed and "compiled with this computer's compiler, " in printed, printed
    assert len(list((machine.folder / "cache").rglob("*.whl"))) == 1  # what did not write is not kept


def test_an_index_that_hangs_is_left_after_seconds(machine: Machine) -> None:
    with index({}, hangs=True) as (url, asked):
        machine.variables["KDRINKS_WHEELS"] = url
        printed, status = machine.start()
    assert asked and status == 0 and "ready-made: its index has none for this computer" in printed, printed


def test_without_a_compiler_zig_compiles(machine: Machine) -> None:
    machine.variables["CXX"] = "no-such-compiler"
    printed, status = machine.start()
    assert status == 0 and "compiled with zig, " in printed, printed
    # all four tools of zig did their part, though the folder's name has a space
    for tool in ("cc", "c++", "ar", "ranlib"):
        assert f"zig {tool} in here" in machine.log
    assert not (machine.project / ".venv" / "zig").exists()


def test_a_compiler_that_fails_leads_to_zig(machine: Machine) -> None:
    machine.variables["BROKEN_COMPILER"] = "1"
    printed, status = machine.start()
    assert status == 0 and "cannot compile" in printed and "compiled with zig, " in printed, printed


def test_what_was_compiled_once_serves_the_next_folder(machine: Machine, bare_venv: Path) -> None:
    assert "compiled with this computer's compiler, " in machine.start()[0]
    shutil.rmtree(machine.project / ".venv")
    shutil.copytree(bare_venv, machine.project / ".venv", symlinks=True)
    printed, status = machine.start()
    assert status == 0 and "built earlier, " in printed and "2 minutes" in printed, printed
    # one that does not write any more is thrown away
    (kept,) = (machine.folder / "cache").rglob("*.whl")
    kept.write_bytes(ready_made(machine.folder / "made", CRASHES))
    shutil.rmtree(machine.project / ".venv")
    shutil.copytree(bare_venv, machine.project / ".venv", symlinks=True)
    printed, status = machine.start()
    assert status == 0 and "built earlier: " in printed and "compiled with this computer's compiler, " in printed


def test_an_installation_by_hand_is_used_as_it_is(machine: Machine) -> None:
    python = machine.project / ".venv" / "bin" / "python"
    ready_made(machine.folder / "packages", llama_module("by hand"))
    install: list[str | Path] = [python, "-m", "pip", "install", "-q", "-r", machine.project / "requirements.txt"]
    subprocess.run(install, env=machine.environment, check=True)
    printed, status = machine.start()
    assert status == 0 and "installed before" in printed and "compil" not in printed, printed


@pytest.mark.parametrize("alone", [True, False], ids=["start.py alone", "with its children"])
def test_killed_inside_the_compiler_it_ends_well_and_repeats_no_finished_step(machine: Machine, alone: bool) -> None:
    machine.variables["COMPILE_S"] = "8"
    process = machine.popen()
    assert eventually(lambda: "[2/4] compiling" in machine.log, 60), machine.log
    if alone:
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    packages = machine.log.count("pip --disable-pip-version-check --no-input install -r")
    machine.variables["COMPILE_S"] = "0"
    printed, status = machine.start()
    assert status == 0 and "compiled with this computer's compiler, " in printed, printed
    assert machine.log.count("[4/4] compiling") == 1  # the orphan did not go on beside it
    assert "Requirement already satisfied: streamlit" in machine.log and packages == 1


def test_killed_while_the_folder_is_made_it_begins_again(machine: Machine) -> None:
    shutil.rmtree(machine.project / ".venv")
    process = machine.popen()
    assert eventually(lambda: (machine.project / ".venv" / "bin").exists(), 60)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert machine.start()[1] == 0


def test_two_at_once_install_once(machine: Machine) -> None:
    machine.variables["COMPILE_S"] = "4"
    first = machine.popen()
    assert eventually(lambda: "[1/4] compiling" in machine.log, 60)
    printed, status = machine.start()
    assert status == 0 and "waiting for it" in printed, printed
    assert first.wait(60) == 0 and machine.log.count("[1/4] compiling") == 1
    first.communicate()


def test_ctrl_c_says_how_to_go_on(machine: Machine) -> None:
    machine.variables["COMPILE_S"] = "8"
    process = machine.popen()
    assert eventually(lambda: "[1/4] compiling" in machine.log, 60)
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=30)
    assert "The same command goes on from here." in printed and "Traceback" not in printed, printed


def test_new_requirements_are_installed_and_nothing_else(machine: Machine) -> None:
    assert machine.start()[1] == 0
    wheel(machine.folder / "packages", "more", "2.0", {"more.py": ""})
    with (machine.project / "requirements.txt").open("a") as file:
        file.write("more==2.0\n")
    assert machine.start()[1] == 0
    assert "compiled" in json.loads((machine.project / ".venv/kdrinks.json").read_text())["llama"]
    assert machine.log.count("[4/4] compiling") == 1 and "Successfully installed more-2.0" in machine.log


def test_what_a_kill_left_half_unpacked_is_made_again(machine: Machine) -> None:
    assert machine.start()[1] == 0
    (site,) = (machine.project / ".venv" / "lib").glob("python*/site-packages")
    (site / "streamlit.py").unlink()
    (site / "streamlit-1.0.dist-info" / "RECORD").unlink()  # the last file that pip writes of a package
    (machine.project / ".venv" / "kdrinks.json").write_text("")  # and a power cut
    printed, status = machine.start()
    assert status == 0 and printed.rstrip().endswith("streamlit run app.py"), printed


def test_a_half_made_pip_is_made_again(machine: Machine) -> None:
    (site,) = (machine.project / ".venv" / "lib").glob("python*/site-packages")
    (next(site.glob("pip-*.dist-info")) / "RECORD").unlink()
    shutil.rmtree(site / "pip" / "_internal")
    assert machine.start()[1] == 0


def test_after_an_update_the_tests_get_the_new_packages_too(machine: Machine) -> None:
    assert machine.start("test")[1] == 1
    wheel(machine.folder / "packages", "more", "2.0", {"more.py": ""})
    with (machine.project / "requirements.txt").open("a") as file:
        file.write("more==2.0\n")
    machine.start("test")
    assert "Successfully installed more-2.0" in machine.log


def test_a_graphics_card_that_cannot_be_had_leaves_the_app_as_it_was(machine: Machine) -> None:
    assert machine.start()[1] == 0
    (machine.folder / "bin").mkdir()
    (machine.folder / "bin" / "glslc").symlink_to("/bin/true")
    machine.variables |= {"PATH": f"{machine.folder / 'bin'}:{os.environ['PATH']}", "BROKEN_COMPILER": "1"}
    printed, status = machine.start("--gpu", "vulkan")
    assert status == 1 and "llama.cpp cannot be had." in printed, printed
    printed, status = machine.start()
    assert status == 0 and printed.rstrip().endswith("streamlit run app.py"), printed


def test_a_foreign_pip_configuration_does_no_harm(machine: Machine) -> None:
    machine.variables |= {"PIP_USER": "1", "PIP_TARGET": "/nowhere", "PYTHONPATH": "/nowhere", "HOME": "/proc/nowhere"}
    machine.variables["XDG_CACHE_HOME"] = ""
    assert machine.start()[1] == 0


# -- what is missing is said plainly --------------------------------------------------------------------------------------


def test_an_old_python_can_read_it_as_far_as_what_it_says() -> None:
    source = (ROOT / "start.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    code = f"import sys\nsys.version_info = (3, 8, 10)\nexec({source!r})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 1 and "Python 3.11 to 3.14" in ended.stderr and "파이썬 3.11" in ended.stderr


def test_no_network_is_said_plainly(machine: Machine) -> None:
    machine.variables = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "1"}
    (machine.folder / "packages" / "streamlit-1.0-py3-none-any.whl").unlink()
    printed, status = machine.start()
    assert status == 1 and "no network. Connect and try again." in printed and "Traceback" not in printed, printed


def test_a_missing_venv_module_comes_with_the_command_to_get_it(machine: Machine) -> None:
    # Debian's python3 without python3-venv: the module venv is there, ensurepip is not
    hidden = machine.folder / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")
    machine.variables["PYTHONPATH"] = str(hidden)
    printed, status = machine.start()
    assert status != 0 and "sudo apt install python3." in printed and "-venv" in printed, printed


def test_a_full_disk_is_said_with_what_is_needed(machine: Machine) -> None:
    source = (machine.project / "start.py").read_text(encoding="utf-8")
    (machine.project / "start.py").write_text(source.replace("2_500_000_000", "10**15"), encoding="utf-8")
    printed, status = machine.start()
    assert status == 1 and "1000000.0 GB of disk are needed" in printed, printed


def test_a_graphics_card_says_what_it_needs_before_minutes_are_spent(machine: Machine) -> None:
    printed, status = machine.start("--gpu", "vulkan")
    assert status == 1 and "--gpu vulkan needs the Vulkan SDK (glslc)" in printed and not machine.log, printed


def test_a_korean_system_is_spoken_to_in_korean(machine: Machine) -> None:
    machine.variables["LANG"] = "ko_KR.UTF-8"
    printed, status = machine.start()
    assert status == 0 and "첫 시작은" in printed and "이 컴퓨터의 컴파일러로 만듦" in printed, printed


def test_what_cannot_be_had_at_all_ends_with_every_reason(machine: Machine) -> None:
    (machine.folder / "packages" / f"{LLAMA}-{VERSION}.tar.gz").unlink()
    printed, status = machine.start()
    assert status == 1 and "llama.cpp cannot be had." in printed and str(machine.project / ".venv.log") in printed


def test_the_browser_opens_by_itself(tmp_path: Path) -> None:
    # BROWSER is how a person names theirs; this one writes down where it was sent
    (tmp_path / "browser").write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    (tmp_path / "browser").chmod(0o755)
    settings = {"KDRINKS_HOME": str(tmp_path / "home"), "BROWSER": str(tmp_path / "browser")}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=false"]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.DEVNULL) as process:
        try:
            assert eventually((tmp_path / "opened").exists, 60)
            address = (tmp_path / "opened").read_text(encoding="utf-8").strip()
            with urllib.request.urlopen(f"{address}_stcore/health", timeout=60) as answer:
                assert answer.status == 200
        finally:
            process.terminate()
