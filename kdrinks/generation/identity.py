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

from kdrinks.findings import Findings
from kdrinks.records import Loaded, Mode, Question, Sampling, Sentence

SAFETY_SOURCES = (
    *("generation/guard.py", "generation/claims.py", "generation/templates.py", "generation/prompt.py"),
    *("generation/outright.py", "generation/caution.py"),
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
    mode: Mode
    """held: decoding was held to the sentences that the passages allow."""
    sentences_hash: str
    """Of those sentences; "" in other modes."""
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


def of(
    question: Question,
    findings: Findings,
    mode: Mode,
    loaded: Loaded,
    prompt_hash: str,
    sentences: Sequence[Sentence] | None,
    hashes: tuple[tuple[str, str], tuple[str, str]],
) -> str:
    """The identity's hash of one answer; hashes: (model, adapter) when it began and now. "" for a file that was exchanged meanwhile: nobody
    knows which one wrote."""
    before, (model_hash, adapter_hash) = hashes
    if any(then not in ("", now) for then, now in zip(before, hashes[1], strict=True)):
        return ""
    return Identity(
        model_hash=model_hash,
        template_hash=loaded.template_hash,
        prompt_hash=prompt_hash,
        sampling=question.sampling,
        mode=mode,
        sentences_hash=hash_of_sentences(sentences),
        exclusions=findings.exclusions,
        data_version=findings.data_version,
        adapter_hash=adapter_hash,
        adapter_scale=loaded.adapter_scale or 0.0,
    ).hash()


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
