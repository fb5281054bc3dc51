"""Makes another quantization of a model with llama.cpp's own quantizer, in a child process, with progress and cancel.

Knows files and the child's lines; nothing of pages.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from kdrinks.config import ROOT
from kdrinks.errors import BadInput, LoadFailed
from kdrinks.hub import fit, mixtures
from kdrinks.hub.download import RESERVE_BYTES, disk_free_bytes
from kdrinks.hub.gguf import PART, headers_of
from kdrinks.hub.offers import Offer, offer_of
from kdrinks.jobs import Job, Jobs
from kdrinks.permissions import administrators_only, owner_of
from kdrinks.records import ModelFile, Visitor

TYPES = tuple(mixtures.MAIN)
"""The quantizations that can be made here, largest first."""
KIND = "quantize"
LOSSLESS_SOURCES = frozenset({"F32", "F16", "BF16", "Q8_0"})


def requantizes(model: ModelFile) -> bool:
    """Whether the source has lost so much already that quantizing it again adds up: warn before."""
    return model.quantization not in LOSSLESS_SOURCES


def target_for(model: ModelFile, name: str, folder: Path) -> Path:
    """Where the result goes when nobody says: the model's name with the new quantization."""
    split = PART.match(model.path.name)
    stem = split["stem"] if split else model.path.stem
    stem = re.sub(rf"[-.]{re.escape(model.quantization)}(?![A-Za-z0-9_])", "", stem, flags=re.IGNORECASE)
    return folder / f"{stem}-{name}.gguf"


def size_bytes(model: ModelFile, name: str) -> int:
    """How large the result will be. name: one of TYPES. Raises ModelNotFound, NotAModel."""
    return mixtures.size_bytes(headers_of(model.path), name)


def offer(model: ModelFile, name: str) -> Offer:
    """The result before it is made: size, peak memory with one conversation, and whether it is slow here. name: one of TYPES.

    Raises ModelNotFound, NotAModel.
    """
    headers = headers_of(model.path)
    shape = replace(fit.shape_of(headers[0]), parameters=model.parameters)
    return offer_of(name, size_bytes(model, name), shape, mixtures.planned(headers, name))


def smaller(model: ModelFile) -> dict[str, int]:
    """The quantizations that make a smaller file of another type, with its bytes. Raises ModelNotFound, NotAModel."""
    sizes = {name: size_bytes(model, name) for name in TYPES if name != model.quantization}
    return {name: size for name, size in sizes.items() if size < model.size_bytes}


class Quantizing:
    """The work of quantizing one model, to one file after the other. What was made stays, whatever becomes of the rest."""

    def __init__(
        self,
        who: Visitor,
        model: ModelFile,
        targets: Mapping[str, Path],
        *,
        disk_free: Callable[[Path], int] = disk_free_bytes,
    ) -> None:
        """targets: where each goes, by one of TYPES. Begins nothing. Raises for the first one as _checked does; NotAllowed."""
        administrators_only(who)
        self.who = who
        self.model = model
        self.targets = dict(targets)
        self.made: list[Path] = []
        self._disk_free = disk_free
        name, target = next(iter(self.targets.items()))
        _checked(model, name, target, disk_free)

    def __call__(self, job: Job[Any]) -> Sequence[Path]:
        """The files that were made. Raises BadInput, LoadFailed, Cancelled."""
        for number, (name, target) in enumerate(self.targets.items()):
            job.check()
            done, count = number + 1, len(self.targets)
            job.report("making", number / count, name=name, done=done, count=count)
            target = _checked(self.model, name, target, self._disk_free)
            self._make(job, name, target)
            self.made.append(target)
        return self.made

    def _make(self, job: Job[Any], name: str, target: Path) -> None:
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-X",
            "utf8",
            "-m",
            "kdrinks.engine.quantizer",
            str(self.model.path),
            str(part),
            name,
        ]
        # its end is the end of its standard input, which this process holds open
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
        )
        try:
            with child, job.when_stopped(child.kill):
                reason = self._watch(job, child)
            if reason:
                job.check()
                raise LoadFailed("quantization_failed", file=self.model.path.name, reason=reason)
            part.replace(target)
        finally:
            child.kill()
            part.unlink(missing_ok=True)

    def _watch(self, job: Job[Any], child: subprocess.Popen[bytes]) -> str:
        """Why the child made nothing; empty when it did."""
        stdout, stderr = child.stdout, child.stderr
        assert stdout and stderr
        complaints: deque[bytes] = deque(maxlen=5)
        draining = threading.Thread(target=lambda: complaints.extend(stderr), daemon=True)
        draining.start()
        made, cause = False, ""
        for line in stdout:
            document = json.loads(line)
            if "total" in document:
                part = document["done"] / document["total"]
                job.report(fraction=(len(self.made) + part) / len(self.targets))
            made = document.get("result", made)
            cause = document.get("error", cause)
        code = child.wait()
        draining.join()
        last = complaints[-1].decode("utf-8", errors="replace").strip() if complaints else f"exit {code}"
        return "" if made else cause or last


def start(
    jobs: Jobs,
    who: Visitor,
    model: ModelFile,
    targets: Mapping[str, Path],
    *,
    disk_free: Callable[[Path], int] = disk_free_bytes,
) -> Job[Quantizing]:
    """Quantize a model in the background; the job under way when there is one. Raises BadInput, NotAllowed, StoreError."""
    work = Quantizing(who, model, targets, disk_free=disk_free)
    return jobs.start(KIND, work, subject=model.id, owner=owner_of(who))


def targets_for(model: ModelFile, names: Iterable[str], folder: Path) -> dict[str, Path]:
    """Where the results go when nobody says, by one of TYPES, largest first."""
    wanted = set(names)
    return {name: target_for(model, name, folder) for name in TYPES if name in wanted}


def _checked(model: ModelFile, name: str, target: Path, disk_free: Callable[[Path], int]) -> Path:
    """The target, absolute, for the child works in another folder.

    Raises BadInput: an unknown name, a result that is of the source's own type or no smaller than it, an existing target, too
    little room. Raises ModelNotFound and NotAModel when the source is gone or broken by now.
    """
    if name not in TYPES:
        raise BadInput("quantization_unknown", found=name, known=", ".join(TYPES))
    useful, size = smaller(model), size_bytes(model, name)
    known = ", ".join(useful) or "-"
    if name == model.quantization:
        raise BadInput("quantization_same", file=model.path.name, name=name, known=known)
    if name not in useful:
        sizes = {"size": f"{size / 1e6:,.0f} MB", "source": f"{model.size_bytes / 1e6:,.0f} MB"}
        raise BadInput("quantization_no_smaller", file=model.path.name, name=name, known=known, **sizes)
    target = target.absolute()
    if os.path.lexists(target):
        raise BadInput("quantization_exists", file=target)
    _sweep(target)
    needed, free = size + RESERVE_BYTES, disk_free(target.parent)
    if needed > free:
        raise BadInput("quantization_no_room", needed=f"{needed / 1e9:.2f} GB", free=f"{free / 1e9:.2f} GB")
    return target


def _sweep(target: Path) -> None:
    """Throws away what killed runs left in the target's folder."""
    for left in target.parent.glob("*.gguf.*.part"):
        pid = left.name.removesuffix(".part").rpartition(".")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            left.unlink(missing_ok=True)
