"""Runs the steps of the Dockerfile where no Docker is, and measures what came of them: python -m benchmarks.image [--keep FOLDER]

Every RUN, COPY, ENV and CMD is read from the file, so that the two cannot drift; folders of the image become folders below one of this
machine's. What needs a Debian of its own (apt-get, useradd) is left out and named. Then the app runs as its CMD and ENV say, as somebody who
can write nothing but the volume, until the HEALTHCHECK says that it is well; a browser asks ten questions, and the memory of the app and
its children is read (PSS: what they share is counted once). Most of the time is the compiler's.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import expect, sync_playwright

from kdrinks.config import ROOT
from tests.support.dockerfile import Stage, read
from tests.support.running_app import CHROMIUM, answers, ask, free_port

QUESTIONS = (
    *(
        "식혜가 뭐야?",
        "식혜는 어떻게 만들어?",
        "수정과에 뭐가 들어가?",
        "막걸리랑 동동주 차이가 뭐야?",
        "카페인 없는 차 알려줘",
    ),
    *(
        "What is sikhye?",
        "How strong is Andong soju?",
        "Which drinks are for winter?",
        "Is omija tea sour?",
        "오늘 날씨 어때?",
    ),
)
OF_THE_IMAGE = re.compile(r"(?<![\w.-])/(?=(opt|build|app|data)\b)")
LEFT_OUT = ("apt-get", "useradd")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--keep", type=Path, help="work in this folder and leave it; steps that are done there are not done again"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = (options.keep or Path(temporary)).resolve()
        root.mkdir(parents=True, exist_ok=True)
        subprocess.run(["chmod", "-R", "u+w", root], check=True)  # what an earlier run made read-only
        for stage in read(ROOT / "Dockerfile"):
            build(stage, root)
        print(f"{megabytes(root / 'opt/venv'):8.0f} MB packages\n{megabytes(root / 'app'):8.0f} MB app")
        run(read(ROOT / "Dockerfile")[-1], root)


def build(stage: Stage, root: Path) -> None:
    """The instructions of a stage, in order."""
    folder, arguments = root, {}
    for one in stage.instructions:
        if one.name == "WORKDIR":
            folder = here(one.text, root)
            folder.mkdir(parents=True, exist_ok=True)
        elif one.name == "ARG":
            name, _, value = one.text.partition("=")
            arguments[name] = value.strip('"')
        elif one.name == "COPY" and not one.text.startswith("--from="):  # the stages share their folders here
            *sources, target = shlex.split(one.text)
            for source in sources:
                copy(
                    ROOT / source,
                    folder / target if len(sources) == 1 and target != "./" else folder / Path(source).name,
                )
        elif one.name == "RUN":
            step(one.text, folder, root, arguments)


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def step(text: str, folder: Path, root: Path, arguments: dict[str, str]) -> None:
    command = OF_THE_IMAGE.sub(f"{root}/", re.sub(r"^(--mount=\S+ )+", "", text))
    done = (
        root / "done" / str(zlib.crc32((command + (ROOT / "requirements.lock").read_text(encoding="utf-8")).encode()))
    )
    if any(word in text for word in LEFT_OUT):
        print(f"left out  {text[:100]}")
    elif not done.exists():
        began = time.perf_counter()
        # what this machine adds to pip is none of the image's, and its cache may hold a llama.cpp that was compiled otherwise
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_FIND")}
        environment |= {"PIP_CACHE_DIR": str(root / "cache"), **arguments}
        subprocess.run(["sh", "-ec", command], cwd=folder, env=environment, check=True)
        done.parent.mkdir(exist_ok=True)
        done.touch()
        print(f"{time.perf_counter() - began:7.1f} s  {text[:100]}", flush=True)


def here(path: str, root: Path) -> Path:
    return Path(OF_THE_IMAGE.sub(f"{root}/", path))


def run(stage: Stage, root: Path) -> None:
    port = str(free_port())
    settings = {name: OF_THE_IMAGE.sub(f"{root}/", value) for name, value in stage.environment.items()}
    settings["PATH"] = settings["PATH"].replace("$PATH", os.environ["PATH"])
    data = root / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    with app(stage, root, {**settings, "STREAMLIT_SERVER_PORT": port}) as process:
        (check,) = stage.of("HEALTHCHECK")
        health = [word.replace("8501", port) for word in json.loads(check.partition("CMD ")[2])]
        began = time.perf_counter()
        while subprocess.run(health, env=settings, capture_output=True).returncode:
            if process.poll() is not None or time.perf_counter() - began > 60:
                sys.exit((root / "log").read_text(encoding="utf-8"))
            time.sleep(0.2)
        print(f"{time.perf_counter() - began:7.1f} s  until well")
        measure(f"http://127.0.0.1:{port}", process.pid)
        written = [str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()]
        print("written:", ", ".join(sorted(written)))


@contextmanager
def app(stage: Stage, root: Path, settings: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """As CMD says, as somebody to whom the image is read-only."""
    (command,) = stage.of("CMD")
    program, *rest = json.loads(command)
    started = [shutil.which(program, path=settings["PATH"]) or program, *rest]
    subprocess.run(["chmod", "-R", "a-w", root / "app", root / "opt"], check=True)
    if os.getuid() == 0:  # whom a mode does not keep from writing, unless the right to pass it by is taken away
        started = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", *started]
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(started, cwd=root / "app", env=settings, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def measure(url: str, pid: int) -> None:
    """Prints the memory before anybody comes, with an open page, and after ten questions."""
    expect.set_options(timeout=60_000)
    time.sleep(15)  # the warm-up, which nobody waits for
    print(f"{memory_mb(pid):8.0f} MB before the first visitor")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(locale="ko-KR")
        page.goto(url)
        expect(page.locator(".st-key-examples")).to_be_visible()
        time.sleep(10)
        print(f"{memory_mb(pid):8.0f} MB with an open page")
        for number, question in enumerate(QUESTIONS, 1):
            ask(page, question)
            expect(answers(page)).to_have_count(number)
        print(f"{memory_mb(pid):8.0f} MB after {len(QUESTIONS)} questions")
        for address, sight in (("drinks", ".st-key-cards"), ("analytics", "h1"), ("models", ".st-key-machine")):
            page.goto(f"{url}/{address}")
            expect(page.locator(sight).first).to_be_visible()
        time.sleep(3)
        print(
            f"{memory_mb(pid):8.0f} MB after the other pages, the most at once {peak_mb(pid):.0f} MB in the app's process alone"
        )
        browser.close()


def memory_mb(pid: int) -> float:
    app = psutil.Process(pid)
    return float(sum(one.memory_full_info().pss for one in (app, *app.children(recursive=True)))) / 1e6


def peak_mb(pid: int) -> float:
    (peak_kb,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    return int(peak_kb) / 1000


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


if __name__ == "__main__":
    main()
