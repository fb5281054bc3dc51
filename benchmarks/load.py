"""Many visitors of a hosted site at once: how long they wait, whether each gets their own answer, and what the server takes.

    python -m benchmarks.load [--visitors 200] [--asking 50] [--seconds 150] [--out benchmarks/load.json]

Starts the app as a hosted site with the built-in model and an empty home, opens the visitors' tabs (page_session.py), and lets some of them ask
every 20 to 40 s, each of drinks of their own. The generator runs on the same processors and is part of what they carry. wait_s runs from
Enter to the first text of the answer on the asker's connection, queue and search included. Wants a quiet machine: figures are seconds.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.page_session import Tab, a_pause_s, an_address, asking, cookies, opening

ROOT = Path(__file__).resolve().parent.parent
LEAST_S, MOST_S = 20.0, 40.0
PATIENCE_S = 60.0
QUESTIONS = (
    ("{ko}는 뭐예요?", "ko"),
    ("{ko} 재료가 뭐예요?", "ko"),
    ("{ko}는 어떻게 만들어요?", "ko"),
    ("{ko}에 알코올이 있어요?", "ko"),
    ("What is {en}?", "en"),
    ("How is {en} made?", "en"),
)


@dataclass
class WatchedTab(Tab):
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with each message."""


@dataclass
class Told:
    """What happened to one question."""

    wait_s: float | None
    """None where no text came within PATIENCE_S."""
    total_s: float = 0.0
    refused: str = ""
    own: bool = True
    """Whether the page shows only its person's questions, and an answer to what a drink is names that drink."""
    question: str = ""


@dataclass
class Load:
    """What was seen of all of them."""

    told: list[Told] = field(default_factory=list)
    lost: int = 0
    """Connections that the server closed."""


def main() -> None:
    options = _options()
    home = Path(tempfile.mkdtemp(prefix="kdrinks-load-"))
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "KDRINKS_HOME": str(home),
        "KDRINKS_ADMINS": "operator@example.org",
        "KDRINKS_METRICS_TOKEN": "load",
    }
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    with (home / "app.log").open("wb") as log:
        app = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            asyncio.run(_until_ready(url))
            result = asyncio.run(_run(url, psutil.Process(app.pid), options))
            result["server"] = _figures(url)
        finally:
            app.terminate()
            app.wait(30)
    result["log"] = Counter(
        json.loads(line)["event"] for line in (home / "app.log").read_text().splitlines() if line.startswith("{")
    )
    text = json.dumps(result, ensure_ascii=False, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--visitors", type=int, default=200)
    parser.add_argument("--asking", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


async def _run(url: str, server: psutil.Process, options: argparse.Namespace) -> dict[str, Any]:
    drinks = _drinks()
    load = Load()
    opened = time.perf_counter()
    ready = asyncio.Semaphore(8)  # tabs that open at the same moment; people come one after the other
    until = asyncio.Event()
    opens: list[float] = []
    visitors = [
        asyncio.create_task(_visit(url, number, drinks if number < options.asking else [], load, ready, until, opens))
        for number in range(options.visitors)
    ]
    while len(opens) < options.visitors and time.perf_counter() - opened < 300:
        await asyncio.sleep(0.2)
    opened_s = time.perf_counter() - opened
    until.set()
    began = time.perf_counter()
    memory: list[dict[str, float]] = []
    before = _cpu_s(server)
    while (passed := time.perf_counter() - began) < options.seconds:
        memory.append({"at_s": round(passed), "rss_mb": round(_rss_bytes(server) / 1e6)})
        await asyncio.sleep(5)
    after = _cpu_s(server)
    for visitor in visitors:
        visitor.cancel()
    await asyncio.gather(*visitors, return_exceptions=True)
    memory.append({"at_s": round(time.perf_counter() - began), "rss_mb": round(_rss_bytes(server) / 1e6)})
    result = _summary(load, opens, opened_s, memory, options)
    result["cpu_s"] = {
        "server": round(after - before, 1),
        "server_a_question": round((after - before) / max(1, len(load.told)), 3),
        "server_a_page_opened": round(before / options.visitors, 3),
        "generator": round(time.process_time(), 1),
        "machine_load": round(os.getloadavg()[1], 1),
    }
    return result


async def _visit(
    url: str,
    number: int,
    drinks: list[tuple[str, str]],
    load: Load,
    ready: asyncio.Semaphore,
    until: asyncio.Event,
    opens: list[float],
) -> None:
    """One visitor: opens the page, asks of their own drinks when they are told of any, reads, asks again."""
    chance = random.Random(number)
    tab, address = WatchedTab(), an_address(number)
    async with ready:
        began = time.perf_counter()
        cookie = await asyncio.to_thread(cookies, url, address)
        headers = {"Cookie": cookie, "X-Forwarded-For": address}
        connection = await connect(
            url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            additional_headers=headers,
            max_size=None,
        )
        await connection.send(opening())
        while not (tab.runs and tab.chat_input):
            tab.read(await _next(connection, PATIENCE_S))
        opens.append(time.perf_counter() - began)
    reading = asyncio.create_task(_read_on(connection, tab))
    try:
        await until.wait()
        if not drinks:
            await reading
            return
        await asyncio.sleep(a_pause_s(chance, 0, MOST_S - LEAST_S))
        turn = 0
        while not reading.done():
            korean, english = drinks[(number + turn * 50) % len(drinks)]
            form, lang = QUESTIONS[(number + turn) % len(QUESTIONS)]
            name = korean if lang == "ko" else english
            load.told.append(await _ask(connection, tab, form.format(ko=korean, en=english), name))
            turn += 1
            await asyncio.sleep(a_pause_s(chance, LEAST_S, MOST_S))
    finally:
        load.lost += reading.done() and not reading.cancelled()
        reading.cancel()
        await connection.close()


async def _read_on(connection: ClientConnection, tab: WatchedTab) -> None:
    while True:
        try:
            tab.read(await _next(connection, None))
            tab.changed.set()
        except ConnectionClosed:
            return


async def _next(connection: ClientConnection, patience_s: float | None) -> bytes:
    async with asyncio.timeout(patience_s):
        data = await connection.recv()
    return data if isinstance(data, bytes) else data.encode()


async def _ask(connection: ClientConnection, tab: WatchedTab, question: str, name: str) -> Told:
    """name: of the drink that is asked for, in the question's language, which an answer of it says."""
    tab.writing, tab.refused, runs = "", "", tab.runs
    before = set(tab.questions)
    asked = time.perf_counter()
    await connection.send(asking(tab, question))
    wait_s = None
    while (
        tab.runs == runs and (left_s := PATIENCE_S - (time.perf_counter() - asked)) > 0
    ):  # until the finished answer is drawn
        tab.changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(left_s):  # wait_for of Python 3.11 may lose a cancellation
                await tab.changed.wait()
        if wait_s is None and tab.writing:
            wait_s = time.perf_counter() - asked
    total_s = time.perf_counter() - asked
    if tab.refused:
        return Told(None, total_s, tab.refused, question=question)
    strangers = tab.questions - before - {question}
    # a recipe is told without the name
    tells_name = question in (f"{name}는 뭐예요?", f"What is {name}?")
    own = not strangers and (not tells_name or name.partition("(")[0].strip().lower() in tab.text.lower())
    # an answer that was over before its page was drawn is there at once and whole
    return Told(wait_s if wait_s is not None or tab.runs == runs else total_s, total_s, own=own, question=question)


def _summary(
    load: Load, opens: list[float], opened_s: float, memory: list[dict[str, float]], options: argparse.Namespace
) -> dict[str, Any]:
    waits = sorted(one.wait_s for one in load.told if one.wait_s is not None)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit.stdout.strip(),
        "processors": os.cpu_count(),
        "visitors": options.visitors,
        "asking": options.asking,
        "seconds": options.seconds,
        "questions": len(load.told),
        "answered": len(waits),
        "without_answer": sum(one.wait_s is None and not one.refused for one in load.told),
        "refused": Counter(one.refused[:80] for one in load.told if one.refused),
        "not_their_own": [one.question for one in load.told if not one.own],
        "connections_lost": load.lost,
        "wait_s": {
            "p50": _share(waits, 0.5),
            "p95": _share(waits, 0.95),
            "p99": _share(waits, 0.99),
            "max": round(max(waits, default=0.0), 3),
            "mean": round(statistics.fmean(waits), 3) if waits else None,
        },
        "whole_answer_s": {
            "p95": _share(sorted(one.total_s for one in load.told if one.wait_s is not None), 0.95),
        },
        "page_opens_s": {
            "all": round(opened_s, 1),
            "p50": _share(sorted(opens), 0.5),
            "p95": _share(sorted(opens), 0.95),
        },
        "memory": memory,
    }


def _share(values: list[float], share: float) -> float | None:
    return round(values[min(len(values) - 1, int(share * len(values)))], 3) if values else None


def _cpu_s(process: psutil.Process) -> float:
    """Processor time of the server and the processes it started, which other work on the machine does not change."""
    return sum(sum(one.cpu_times()[:2]) for one in [process, *process.children(recursive=True)])


def _rss_bytes(process: psutil.Process) -> int:
    """Of the server and the processes it started, the model's among them."""
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])


def _figures(url: str) -> dict[str, float]:
    """What the server counted itself, in sum."""
    asked = urllib.request.Request(f"{url}/metrics", headers={"Authorization": "Bearer load"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    wanted = (
        "kdrinks_wait_seconds_sum",
        "kdrinks_wait_seconds_count",
        "kdrinks_queue_seconds_sum",
        "kdrinks_search_seconds_sum",
    )
    return {line.split()[0]: round(float(line.split()[1]), 3) for line in lines if line.startswith(wanted)}


async def _until_ready(url: str) -> None:
    """The knowledge is read and the model loaded: what a start takes, benchmarks.startup measures."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except OSError:
            await asyncio.sleep(0.5)
    raise SystemExit("the app did not become ready")


def _drinks() -> list[tuple[str, str]]:
    lines = (ROOT / "kdrinks" / "data" / "drinks.jsonl").read_text(encoding="utf-8").splitlines()
    return [(one["name_ko"], one["name_en"]) for one in map(json.loads, lines)]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


if __name__ == "__main__":
    main()
