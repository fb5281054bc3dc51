"""Makes another quantization of a model with llama.cpp's own quantizer, in a child process, with progress and cancel.

Knows files and the child's lines; nothing of pages.
"""

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import psutil

from kdrinks.config import ROOT
from kdrinks.errors import BadInput, KdrinksError, LoadFailed
from kdrinks.hub.download import RESERVE_BYTES, disk_free_bytes
from kdrinks.hub.gguf import PART
from kdrinks.records import ModelFile

BITS: dict[str, float] = {
    "Q8_0": 8.5,
    "Q6_K": 6.56,
    "Q5_K_M": 5.7,
    "Q4_K_M": 4.85,
    "Q4_0": 4.5,
    "Q3_K_M": 3.9,
    "Q2_K": 3.0,
}
"""Bits a weight of the quantizations that can be made here, largest first; mixed ones vary with the model."""
LOSSLESS_SOURCES = frozenset({"F32", "F16", "BF16", "Q8_0"})


def requantizes(model: ModelFile) -> bool:
    """Whether the source has lost so much already that quantizing it again adds up: warn before."""
    return model.quantization not in LOSSLESS_SOURCES


def target_for(model: ModelFile, name: str, folder: Path) -> Path:
    """Where the result goes when nobody says: the model's name with the new quantization."""
    split = PART.match(model.path.name)
    stem = split["stem"] if split else model.path.stem
    for old in (model.quantization, model.quantization.lower()):
        stem = stem.replace(f"-{old}", "").replace(f".{old}", "")
    return folder / f"{stem}-{name}.gguf"


def size_bytes(model: ModelFile, name: str) -> int:
    """About how large the result will be. name: a key of BITS."""
    return int(model.parameters * BITS[name] / 8)


class Quantization:
    """One run, started at once. Every attribute may be read from any thread."""

    def __init__(
        self,
        model: ModelFile,
        name: str,
        target: Path,
        *,
        disk_free: Callable[[Path], int] = disk_free_bytes,
    ) -> None:
        """name: a key of BITS. Raises BadInput for another one, an existing target, or too little room."""
        if name not in BITS:
            raise BadInput("quantization_unknown", found=name, known=", ".join(BITS))
        target = target.absolute()  # the child works in another folder
        if target.exists():
            raise BadInput("quantization_exists", file=target)
        _sweep(target)
        needed, free = size_bytes(model, name) + RESERVE_BYTES, disk_free(target.parent)
        if needed > free:
            raise BadInput("quantization_no_room", needed=f"{needed / 1e9:.2f} GB", free=f"{free / 1e9:.2f} GB")
        self.model = model
        self.name = name
        self.target = target
        self.requantized = requantizes(model)
        self.fraction = 0.0
        self.phase: Literal["running", "cancelled", "done", "failed"] = "running"
        self.error: KdrinksError | None = None
        self._part = target.with_name(f"{target.name}.{os.getpid()}.part")
        self._cancelled = False
        self._ended = threading.Event()
        target.parent.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-m", "kdrinks.engine.quantizer", str(model.path), str(self._part), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        threading.Thread(target=self._watch, name="quantize", daemon=True).start()

    def cancel(self) -> None:
        """Ends the run; nothing of it stays."""
        self._cancelled = True
        self._process.kill()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it is over within the time."""
        return self._ended.wait(timeout_s)

    def _watch(self) -> None:
        assert self._process.stdout and self._process.stderr and self._process.stdin
        complaints: deque[bytes] = deque(maxlen=5)
        stderr = self._process.stderr
        draining = threading.Thread(target=lambda: complaints.extend(stderr), daemon=True)
        draining.start()
        result = False
        cause = ""
        for line in self._process.stdout:
            document = json.loads(line)
            if "total" in document:
                self.fraction = document["done"] / document["total"]
            result = document.get("result", result)
            cause = document.get("error", cause)
        code = self._process.wait()
        draining.join()
        for stream in (self._process.stdout, stderr, self._process.stdin):
            stream.close()
        if result:
            self._part.replace(self.target)
            self.fraction, self.phase = 1.0, "done"
        else:
            self._part.unlink(missing_ok=True)
            self.phase = "cancelled" if self._cancelled else "failed"
            if not self._cancelled:
                last = complaints[-1].decode("utf-8", errors="replace").strip() if complaints else f"exit {code}"
                self.error = LoadFailed("quantization_failed", file=self.model.path.name, reason=cause or last)
        self._ended.set()


class Batch:
    """Several quantizations of one model, one after the other; started at once. Attributes may be read from any thread."""

    def __init__(self, model: ModelFile, names: Sequence[str], folder: Path) -> None:
        """names: keys of BITS, each made in folder under the name of target_for. Raises BadInput for the first of them."""
        self.model = model
        self.names = tuple(names)
        self.made: list[Path] = []
        self.error: KdrinksError | None = None
        """Why one of them could not be made; the rest is not begun then."""
        self._folder = folder
        self._cancelled = False
        self._changing = threading.Lock()
        self._ended = threading.Event()
        self._now = self._start(self.names[0])
        threading.Thread(target=self._run, name="quantize-batch", daemon=True).start()

    @property
    def phase(self) -> Literal["running", "cancelled", "done", "failed"]:
        if not self._ended.is_set():
            return "running"
        return "failed" if self.error else "cancelled" if self._cancelled else "done"

    @property
    def name(self) -> str:
        """Which is being made."""
        return self._now.name

    @property
    def fraction(self) -> float:
        """Of all of them, each as long as another."""
        return min(1.0, (len(self.made) + (0.0 if self._now.phase == "done" else self._now.fraction)) / len(self.names))

    def cancel(self) -> None:
        """Ends the one being made, of which nothing stays, and leaves the rest out; those made stay."""
        with self._changing:
            self._cancelled = True
            self._now.cancel()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it is over within the time."""
        return self._ended.wait(timeout_s)

    def _start(self, name: str) -> Quantization:
        return Quantization(self.model, name, target_for(self.model, name, self._folder))

    def _run(self) -> None:
        try:
            for number, name in enumerate(self.names):
                if number:
                    with self._changing:
                        if self._cancelled:
                            return
                        self._now = self._start(name)
                self._now.wait()
                if self._now.phase != "done":
                    self.error = self._now.error
                    return
                self.made.append(self._now.target)
        except KdrinksError as error:
            self.error = error
        finally:
            self._ended.set()


def _sweep(target: Path) -> None:
    """Throws away what killed runs left in the target's folder."""
    for left in target.parent.glob("*.gguf.*.part"):
        pid = left.name.removesuffix(".part").rpartition(".")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            left.unlink(missing_ok=True)
