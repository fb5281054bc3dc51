"""kdrinks on a computer that has nothing but Python 3.11 or newer. Standard library only.

python3 start.py          makes .venv, installs everything into it and opens kdrinks in the browser
python3 start.py test     installs what the tests need too and runs them; what follows `test` goes to pytest

No finished step is done twice: .venv/kdrinks.json tells what is there. What pip and the compilers say is in .venv.log.

PyPI has llama-cpp-python as source only. It is taken, in this order, as it is installed; as it was built earlier (kept in
the user's cache folder by version and processor); ready-made from its own index; compiled with this computer's compiler;
compiled with zig, which PyPI has. Whichever it is must load the built-in model and write 8 tokens in a child process, or
the next is tried: of the ready-made files for Linux many need a C library that most systems lack
(https://github.com/abetlen/llama-cpp-python/issues/1628).
"""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 14):  # any Python from 3.6 on can read this file and say this
    # a newer one has no ready files of duckdb and others yet
    sys.exit(
        "kdrinks: Python 3.11 to 3.14 is needed / 파이썬 3.11~3.14가 필요합니다: https://www.python.org/downloads/"
    )

import argparse
import contextlib
import hashlib
import importlib.util
import json
import locale
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
LOG = ROOT / ".venv.log"
DONE = VENV / "kdrinks.json"
log: FileIO
WHEEL, ZIG = VENV / "wheel", VENV / "zig"
LLAMA = next(line for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines() if line.startswith("llama-"))
ZIGLANG = "ziglang==0.17.1"
INDEX = os.environ.get("KDRINKS_WHEELS", "https://abetlen.github.io/llama-cpp-python/whl")
"""Ready-made files of llama-cpp-python, a folder for each kind of device; a mirror can be named instead."""
NEEDED_BYTES = 2_500_000_000
"""Measured: .venv with what the tests need 1.4 GB; zig and its cache 0.5 more while it compiles, and about that in the folder
for temporary files."""
GPUS = {
    "cuda": ("cu124", "NVIDIA's CUDA toolkit (nvcc) and a C++ compiler", ("nvcc", "/usr/local/cuda/bin/nvcc")),
    "vulkan": ("", "the Vulkan SDK (glslc) and a C++ compiler", ("glslc",)),
    "metal": ("metal", "macOS and Xcode's command line tools (xcode-select --install)", ("xcode-select",)),
}
"""Each with its folder of the index, what it needs, and the tools that show that this is here."""


class Failed(Exception):
    """A step did not end well; the text says why and what to do."""


class Stop(Failed):
    """And no other way to llama.cpp would do better."""


def main() -> None:
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "")
    sys.stdout.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"):
        os.environ.pop(name, None)  # of another Python, or of another place to install to
    os.environ["PIP_USER"] = "0"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends the step under way too
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("test", nargs="?", choices=("test",), help="run the tests")
    parser.add_argument("--port", type=int, help="of the page: 8501, or the next free one")
    parser.add_argument("--no-browser", action="store_true", help="open no browser")
    needs = "; ".join(f"{name} needs {GPUS[name][1]}" for name in GPUS)
    parser.add_argument("--gpu", choices=[*GPUS, "none"], help=f"{needs}; none goes back to the processor")
    options, rest = parser.parse_known_args()
    if rest and not options.test:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    wanted = "requirements-dev.txt" if options.test else "requirements.txt"
    gpu = noted().get("gpu", "") if options.gpu is None else options.gpu.replace("none", "")
    try:
        if not is_installed(wanted, gpu):
            with alone():
                install(wanted, gpu)
    except Failed as failed:
        sys.exit(f"\nkdrinks: {failed}")
    except OSError as error:
        sys.exit(f"\nkdrinks: {reason(str(error))}")
    except KeyboardInterrupt:
        sys.exit(tell("\nStopped. The same command goes on from here.", "\n멈췄습니다. 같은 명령으로 이어서 합니다."))
    if options.test:
        command = [str(PYTHON), "-m", "pytest", *rest]
    else:
        command = [str(PYTHON), "-m", "streamlit", "run", "app.py"]
        command += [f"--server.port={options.port}"] if options.port else []
        command += ["--server.headless=true"] if options.no_browser else []
        print(tell("kdrinks is starting. Ctrl+C ends it.", "kdrinks를 엽니다. 끝내려면 Ctrl+C를 누르세요."))
    os.chdir(ROOT)
    if WINDOWS:  # there os.execv would return to the prompt at once
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the child's, which ends in its own time
        sys.exit(subprocess.call(command))
    else:
        os.execv(PYTHON, command)


def tell(english: str, korean: str) -> str:
    """The one of the two that the reader's system speaks."""
    variables = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    system = next(filter(None, variables), "") or locale.getlocale()[0] or ""
    return korean if system.lower().startswith("ko") else english


def is_installed(wanted: str, gpu: str) -> bool:
    done = noted()
    files = {"requirements.txt", wanted}
    if done.get("gpu") != gpu or any(done.get(name) != sha256(ROOT / name) for name in files):
        return False
    return works(
        "import importlib.util as u; u.find_spec('streamlit') or exit(1)"
    )  # not after the system's Python went from 3.12 to 3.13


def works(code: str) -> bool:
    return PYTHON.exists() and not subprocess.run([PYTHON, "-c", code], capture_output=True).returncode


def noted() -> dict[str, str]:
    """What .venv holds, by step; empty before the first step, and for a .venv that somebody made by hand."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: a power cut can leave it empty
        return dict(json.loads(DONE.read_text("utf-8")))
    return {}


def note(**values: str) -> None:
    DONE.with_suffix(".part").write_text(json.dumps({**noted(), **values}, indent=1), "utf-8")
    os.replace(DONE.with_suffix(".part"), DONE)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One installation at a time. The lock lies on the log, which each step inherits: it holds until the last of them ended."""
    global log
    with LOG.open("ab", buffering=0) as log:
        if not WINDOWS:
            import fcntl

            try:
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(tell("Another installation is running; waiting for it.", "다른 설치가 끝나기를 기다립니다."))
                fcntl.flock(log, fcntl.LOCK_EX)
        yield


def install(wanted: str, gpu: str) -> None:
    """What is missing, step by step. Raises Failed."""
    if is_installed(wanted, gpu):  # by the one that was waited for
        return
    if gpu and not any(map(shutil.which, GPUS[gpu][2])):
        raise Failed(tell(f"--gpu {gpu} needs {GPUS[gpu][1]}.", f"--gpu {gpu}에는 {GPUS[gpu][1]}이(가) 필요합니다."))
    if not importlib.util.find_spec("ensurepip"):
        command = f"sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise Failed(tell(f"Python lacks its venv module: {command}", f"파이썬에 venv 모듈이 없습니다: {command}"))
    if shutil.disk_usage(ROOT).free < NEEDED_BYTES and not noted():
        raise Failed(no_room())
    minutes = "2" if cached(gpu) else "3~15"
    print(tell(f"First start: {minutes} minutes, once.", f"첫 시작은 {minutes}분 걸립니다. 한 번만 그렇습니다."))
    # a package's RECORD is written last: what a kill left half-unpacked has none, and pip would take it for installed
    if not works("import importlib.metadata as m; m.distribution('pip').read_text('RECORD') or exit(1)"):
        step(tell("1/3 folder .venv", "1/3 폴더 .venv"), 10, [sys.executable, "-m", "venv", "--clear", VENV])
    for package in VENV.glob("**/site-packages/*.dist-info"):
        if not (package / "RECORD").exists():
            shutil.rmtree(package)
    files = dict.fromkeys(["requirements.txt", wanted])
    lines = "\n".join((ROOT / name).read_text("utf-8") for name in files)
    others = VENV / "requirements-without-llama.txt"
    others.write_text(re.sub(r"^(-r|llama-).*", "", lines, flags=re.M), "utf-8")
    note(**{wanted: ""})
    step(tell("2/3 packages", "2/3 패키지"), 60, pip("install", "-r", others))
    source = install_llama(wanted, gpu)
    print(f"    {LLAMA}: {source}")
    for folder in (ZIG, WHEEL):
        shutil.rmtree(folder, ignore_errors=True)
    note(llama=source, gpu=gpu, **{name: sha256(ROOT / name) for name in files})


def install_llama(wanted: str, gpu: str) -> str:
    """Where it came from, with its SHA-256. Raises Failed where no way gave one that writes."""
    label = tell("3/3 llama.cpp: writing", "3/3 llama.cpp: 써 보기")
    with contextlib.suppress(Failed):
        if noted().get("gpu", gpu) != gpu:
            raise Failed("it was built for another device")
        # installs nothing: with no index to look in, it only says whether this version is there
        step("", 5, pip("install", "--no-index", "--no-deps", "--only-binary=:all:", LLAMA))
        try_out(label, gpu)
        return noted().get("llama") or tell("installed before", "전에 설치됨")
    reasons = []
    for name, way in (
        (tell("built earlier", "전에 만든 것"), cached),
        (tell("ready-made", "완성된 것"), fetch),
        (tell("compiled with this computer's compiler", "이 컴퓨터의 컴파일러로 만듦"), compile_here),
        (tell("compiled with zig", "zig로 만듦"), compile_with_zig),
    ):
        wheel = None
        try:
            wheel = way(gpu)
            if wheel:
                wheel = keep(wheel, gpu)
                step("", 5, pip("install", "--no-deps", "--force-reinstall", wheel))
                try:
                    step("", 5, pip("install", "-r", ROOT / wanted))  # what it needs in turn
                except Failed as failed:
                    raise Stop(str(failed)) from failed
                try_out(label, gpu)
                return f"{name}, {wheel.name}, sha256 {sha256(wheel)}"
        except Stop:
            raise
        except Failed as failed:
            reasons.append(f"{name}: {failed}")
            print(f"    {reasons[-1]}")
            if wheel:
                wheel.unlink()
    raise Failed("\n".join([tell("llama.cpp cannot be had.", "llama.cpp를 설치하지 못했습니다."), *reasons]))


def try_out(label: str, gpu: str) -> None:
    """The built-in model writes 8 tokens in the product's own child process, which may die of a foreign processor's code."""
    where = ["--device", "gpu"] if gpu else []
    output = step(label, 5, [PYTHON, "-m", "kdrinks", "bench", "--tokens", "8", "--json", *where], limit_s=300)
    if gpu and '"used": "cpu"' in output:
        raise Failed(tell(f"it does not use the GPU ({gpu})", f"GPU({gpu})를 쓰지 못합니다"))


def cache(gpu: str) -> Path:
    """Where what was built is kept. What is compiled uses all of this processor and this system's C library."""
    if WINDOWS:
        folder, processor = os.environ.get("LOCALAPPDATA", ""), os.environ.get("PROCESSOR_IDENTIFIER", "")
    elif sys.platform == "darwin":
        folder = str(Path.home() / "Library/Caches")
        processor = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True).stdout
    else:
        folder, processor = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), ""
        folder = folder if Path(folder).is_absolute() else str(VENV)  # somebody without a home folder
        with contextlib.suppress(OSError):
            lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
            processor = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    kind = hashlib.sha256(f"{processor} {platform.libc_ver()}".encode()).hexdigest()[:12]
    return Path(folder, "kdrinks", "-".join(filter(None, [LLAMA, sys.platform, platform.machine(), kind, gpu])))


def cached(gpu: str) -> Path | None:
    return next(cache(gpu).glob("*.whl"), None)


def keep(wheel: Path, gpu: str) -> Path:
    """The wheel in the cache, whole or not at all; where it is when nothing can be written there."""
    kept = cache(gpu) / wheel.name
    try:
        if kept != wheel:
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(wheel, kept.with_suffix(".part"))
            os.replace(kept.with_suffix(".part"), kept)
    except OSError:
        return wheel
    return kept


def fetch(gpu: str) -> Path | None:
    """Ready-made, where the index answers: never more than 8 s without a byte, and nothing but this one file is asked for."""
    if gpu and not GPUS[gpu][0]:
        return None
    url = f"{INDEX}/{GPUS[gpu][0] if gpu else 'cpu'}"
    only = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--index-url", url, "--timeout=8", "--retries=0"]
    shutil.rmtree(WHEEL, ignore_errors=True)
    try:
        label = tell("3/3 llama.cpp, ready-made", "3/3 llama.cpp 완성본")
        step(label, 30, pip("download", *only, "-d", WHEEL, LLAMA), limit_s=300)
    except Failed as failed:
        raise Failed(
            tell("its index has none for this computer", "이 컴퓨터에 맞는 완성본을 받지 못했습니다")
        ) from failed
    return next(WHEEL.glob("*.whl"), None)


def compile_here(gpu: str) -> Path | None:
    if not gpu and not has_compiler():
        return None
    label = tell("3/3 llama.cpp, compiling", "3/3 llama.cpp 만들기")
    return build(label, [f"-DGGML_{gpu.upper()}=on"] if gpu else [], {})


def has_compiler() -> bool:
    """Whether C++ with its headers compiles here."""
    if WINDOWS:
        where = Path(os.environ.get("ProgramFiles(x86)", ""), "Microsoft Visual Studio/Installer/vswhere.exe")
        tools = ["-latest", "-products", "*", "-requires", "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"]
        return where.exists() and bool(subprocess.run([where, *tools], capture_output=True).stdout)
    if sys.platform == "darwin":  # there c++ is always found, and asks to be installed
        return not subprocess.run(["xcode-select", "-p"], capture_output=True).returncode
    compiler = shlex.split(os.environ.get("CXX") or "c++")
    if not shutil.which(compiler[0]) or not shutil.which(shlex.split(os.environ.get("CC") or "cc")[0]):
        return False
    check = [*compiler, "-x", "c++", "-fsyntax-only", "-"]
    return not subprocess.run(check, input=b"#include <vector>", capture_output=True).returncode


def compile_with_zig(gpu: str) -> Path | None:
    if gpu:  # their toolkits want the system's own compiler
        return None
    label = tell("3/3 llama.cpp, zig", "3/3 llama.cpp zig")
    zig = ZIG / "ziglang" / ("zig.exe" if WINDOWS else "zig")
    if not zig.exists():
        shutil.rmtree(ZIG, ignore_errors=True)
        step(label, 30, pip("install", "--target", f"{ZIG}.part", "--upgrade", "--no-deps", ZIGLANG))
        os.replace(f"{ZIG}.part", ZIG)
    # A file each: CMake takes one word for ar and ranlib, and here a path with spaces can be quoted
    tools = {name: ZIG / f"zig-{name}{'.cmd' if WINDOWS else ''}" for name in ("cc", "c++", "ar", "ranlib", "rc")}
    for name, tool in tools.items():
        unix = f'#!/bin/sh\nexec "${{0%/*}}/ziglang/zig" {name} "$@"\n'
        tool.write_text(f'@"%~dp0ziglang\\zig.exe" {name} %*\n' if WINDOWS else unix, "ascii")
        tool.chmod(0o755)
    names = {"C_COMPILER": "cc", "CXX_COMPILER": "c++", "AR": "ar", "RANLIB": "ranlib"}
    options = ["-DCMAKE_C_FLAGS=-g0", "-DCMAKE_CXX_FLAGS=-g0"]  # with zig's debug information 173 MB, without 60
    if WINDOWS:  # or CMake would look for Visual Studio; a .cmd takes 8,191 characters; resources want a compiler there
        names["RC_COMPILER"] = "rc"
        options += ["-GNinja", "-DCMAKE_NINJA_FORCE_RESPONSE_FILE=ON"]
    if sys.platform == "darwin":  # Apple's frameworks come with Xcode, which has a compiler of its own
        options += ["-DGGML_METAL=OFF", "-DGGML_BLAS=OFF", "-DGGML_ACCELERATE=OFF"]
    options += [f"-DCMAKE_{key}={tools[name].as_posix()}" for key, name in names.items()]
    return build(label, options, {"ZIG_GLOBAL_CACHE_DIR": f"{ZIG}/cache", "ZIG_LOCAL_CACHE_DIR": f"{ZIG}/cache"})


def build(label: str, options: list[str], environment: dict[str, str]) -> Path | None:
    """A wheel from the source on PyPI. --no-cache-dir, or pip hands out what it built with another compiler."""
    environment["CMAKE_ARGS"] = f"{os.environ.get('CMAKE_ARGS', '')} {shlex.join(options)}"
    environment["MSBUILDDISABLENODEREUSE"] = "1"  # else its helpers hold the output open for minutes
    environment["CMAKE_BUILD_PARALLEL_LEVEL"] = str(os.cpu_count() or 1)
    shutil.rmtree(WHEEL, ignore_errors=True)
    only = ["-v", "--no-deps", "--no-cache-dir", "--no-binary=llama-cpp-python", "-w", WHEEL]
    step(label, 600, pip("wheel", *only, LLAMA), environment=environment)
    return next(WHEEL.glob("*.whl"), None)


def pip(*arguments: object) -> list[object]:
    return [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]


def step(
    label: str,
    usual_s: float,
    command: list[object],
    *,
    limit_s: float = 1e9,
    environment: dict[str, str] | None = None,
) -> str:
    """Runs a command, its output into the log, and shows in one line how far it is; no line for one without a label.

    Returns the output. Raises Failed.
    """
    began = shown_at = time.monotonic()
    words = [str(word) for word in command]
    log.write(os.fsencode(f"\n$ {shlex.join(words)}\n"))
    lines: list[str] = []
    counts: list[tuple[int, int]] = []
    process = subprocess.Popen(
        words,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # not the log itself: when this process is killed, the next line ends the other
        stderr=subprocess.STDOUT,
        pass_fds=() if WINDOWS else [log.fileno()],
    )

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            # a full disk: the step says so, and goes on being read; or the log was closed, because a person stopped
            with contextlib.suppress(OSError, ValueError):
                log.write(line)
            lines.append(line.decode("utf-8", "replace"))
            count = re.match(rb"\s*\[(\d+)/(\d+)\]", line)  # ninja's
            if count:
                counts[:] = [(int(count[1]), int(count[2]))]

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while reader.is_alive():
            reader.join(0.5 if sys.stdout.isatty() else 0.1)
            took_s = time.monotonic() - began
            if took_s > limit_s:
                raise Failed(tell(f"no answer within {limit_s:.0f} s", f"{limit_s:.0f}초 안에 대답이 없습니다"))
            if sys.stdout.isatty() or time.monotonic() - shown_at > 30:
                shown_at = time.monotonic()
                show(label, how_far(counts, took_s, usual_s))
        if process.wait():
            raise Failed(reason("".join(lines)))
    finally:
        process.kill()
        show(label, clock(time.monotonic() - began), end="\n")
    return "".join(lines)


def how_far(counts: list[tuple[int, int]], took_s: float, usual_s: float) -> str:
    """What is left by the compiler's own count; without one, the time gone by and what it usually takes."""
    for done, total in counts:
        if done < 0.1 * total:  # zig begins with the C++ library: seven minutes seem forty
            break
        left = clock(took_s * (total - done) / done)
        return tell(f"{done / total:.0%}, {left} left", f"{done / total:.0%}, {left} 남음")
    return tell(f"{clock(took_s)}, usually {clock(usual_s)}", f"{clock(took_s)}, 보통 {clock(usual_s)}")


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def show(label: str, progress: str, *, end: str = "") -> None:
    """One line that is written over; a line of its own where the output is no terminal."""
    if label and sys.stdout.isatty():
        room = min(60, shutil.get_terminal_size().columns - 6)
        print(f"\r    {f'{label} {progress}'[:room]:<{room}}", end=end, flush=True)
    elif label:
        print(f"    {label} {progress}")


def reason(output: str) -> str:
    if re.search(r"No space left|not enough space|Errno 28", output):
        return no_room()
    network = (
        r"Failed to establish|getaddrinfo|name resolution|Network is unreachable|Connection refused|ConnectTimeout"
    )
    if re.search(rf"{network}|[Rr]ead timed out|URLError", output):
        return tell("no network. Connect and try again.", "네트워크에 닿지 못했습니다. 연결한 뒤 다시 해 보세요.")
    if re.search(r"Permission denied|Read-only file system", output):
        here = tell(
            "nothing can be written here. Copy the folder into your own", "이 폴더에 쓸 수 없습니다. 내 폴더로 옮기세요"
        )
        return f"{here}: {ROOT}"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # the compiler's own words, not what pip makes of them
    telling = [line for line in lines if re.search(r"error: (?!subprocess)|Error:", line)] or lines
    return "\n    ".join([*telling[-2:], tell(f"All of it: {LOG}", f"전체 기록: {LOG}")])


def no_room() -> str:
    needed, free = NEEDED_BYTES / 1e9, shutil.disk_usage(ROOT).free / 1e9
    return tell(
        f"{needed:.1f} GB of disk are needed in {ROOT}, {free:.1f} GB are free.",
        f"{ROOT}에 {needed:.1f} GB가 필요한데 {free:.1f} GB 남았습니다.",
    )


if __name__ == "__main__":
    main()
