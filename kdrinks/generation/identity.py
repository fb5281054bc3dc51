"""What makes two generations the same: everything that decides what is written, as one hash. Pure.

Whatever keeps or compares generations goes by it. Where a part is not known there is no identity, and nothing may be kept under one.
Devices and threads are no part: they change a last digit of a logit now and then, not what was asked of whom.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Literal

from kdrinks.records import Sampling, Sentence

SAFETY_SOURCES = (
    *("generation/guard.py", "generation/claims.py", "generation/templates.py", "generation/prompt.py"),
    "kinds.py",
    *("search/cautions.py", "search/refusals.py", "search/filters.py", "search/facets.py", "search/suggesting.py"),
    *("search/concerns.py", "search/safety.py", "data/concerns.toml"),
    *("search/learned_concerns.py", "data/learned_concerns.npz"),
)
"""The rules that protect people: an answer that was written under others is not the same, whatever it says."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The parts; hashes are SHA-256 in hexadecimal."""

    model_hash: str
    """Of the file; of a split model's hashes, one after the other."""
    template_hash: str
    """Of the chat template; "" where the file has none."""
    prompt_hash: str
    """Of the prompt's token ids, so of messages, passages, history and tokenizer too."""
    sampling: Sampling
    mode: Literal["free", "held"]
    """held: decoding was held to the sentences that the passages allow."""
    sentences_hash: str
    """Of those sentences; "" when free."""
    exclusions: tuple[str, ...]
    """What must not be suggested in this conversation (Findings.exclusions)."""
    data_version: str
    """Of the drinks' passages (Findings.data_version)."""
    adapter_hash: str = ""
    """Of the adapter's file; "" without one."""
    adapter_scale: float = 0.0
    safety_version: str = ""
    """"" takes the present one."""

    def hash(self) -> str:
        """One hash of all parts; "" while the model or its adapter is not known by its content, or no prompt was read."""
        if not (self.model_hash and self.prompt_hash) or (self.adapter_scale and not self.adapter_hash):
            return ""
        parts = asdict(self) | {"safety_version": self.safety_version or safety_version()}
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def hash_of_sentences(sentences: Sequence[Sentence] | None) -> str:
    """Of what decoding was held to; "" for None."""
    if sentences is None:
        return ""
    return hashlib.sha256(json.dumps([asdict(sentence) for sentence in sentences]).encode()).hexdigest()


@cache
def safety_version() -> str:
    """Of the sources of the rules that protect people: nobody can forget to raise it."""
    package = resources.files("kdrinks")
    digest = hashlib.sha256()
    for name in SAFETY_SOURCES:
        digest.update(package.joinpath(*name.split("/")).read_bytes())
    return digest.hexdigest()[:16]
