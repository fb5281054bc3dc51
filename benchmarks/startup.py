"""How long a person waits for a fresh start: from `streamlit run` to a usable box, and for the first questions.

    python -m benchmarks.startup [RUNS]

Each run has an empty home folder. Chromium is open already, as a person's browser is; the page is asked for as soon as
the server answers, as `streamlit run` opens it. The first question is sent the moment the box can be typed in, two more
follow when the answer before is done. Needs Chromium and a quiet machine: the figures are seconds, not ratios.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ("식혜 재료가 뭐예요?", "막걸리는 언제 마셔요?", "What is sujeonggwa?")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def one_start(browser: Browser, home: Path) -> list[float]:
    """Seconds from the start to the box, and of each question from Enter to the first words of its answer."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    began = time.perf_counter()
    app = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "KDRINKS_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    page = browser.new_page()
    try:
        until_healthy(url)
        page.goto(url, wait_until="commit")
        box = page.locator("[data-testid='stChatInputTextArea']")
        box.wait_for(state="visible")
        page.wait_for_function("() => !document.querySelector(\"[data-testid='stChatInputTextArea']\").disabled")
        waits = [time.perf_counter() - began]
        for number, question in enumerate(QUESTIONS, 1):
            box.fill(question)
            asked = time.perf_counter()
            box.press("Enter")
            # a question and an answer for each; the phases before the first words carry no period
            page.wait_for_function(
                "([selector, wanted]) => { const all = [...document.querySelectorAll(selector)];"
                " return all.length >= wanted && /[.\\]]/.test(all[wanted - 1].innerText) }",
                arg=["[data-testid='stChatMessage']", 2 * number],
                polling=20,
                timeout=60_000,
            )
            waits.append(time.perf_counter() - asked)
            page.locator("[data-testid='stChatInputSubmitButton']").wait_for(state="visible")
            page.wait_for_timeout(1500)  # the answer's end: what follows is a warm question, not a queued one
        return waits
    finally:
        page.close()
        app.terminate()
        app.wait()


def until_healthy(url: str) -> None:
    for _ in range(3000):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.01)
    raise TimeoutError(url)


def main(runs: int) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    print(f"{'run':>4}{'usable box':>13}{'1st question':>14}{'2nd':>8}{'3rd':>8}   seconds")
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for number in range(1, runs + 1):
            with tempfile.TemporaryDirectory() as home:
                found.append(one_start(browser, Path(home)))
            print(
                f"{number:>4}{found[-1][0]:>13.2f}{found[-1][1]:>14.2f}{found[-1][2]:>8.2f}{found[-1][3]:>8.2f}",
                flush=True,
            )
        browser.close()
    for name, choose in (("median", statistics.median), ("worst", max)):
        box, *questions = (choose(column) for column in zip(*found, strict=True))
        print(f"{name:>6}{box:>11.2f}{questions[0]:>14.2f}{questions[1]:>8.2f}{questions[2]:>8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
