"""Rebuild the built-in model with one command: tokenizer, training, export, quantization, evaluation.

    python -m training.build --out training/out --minutes 110

Each step leaves a file and is left out when that file is there; training continues its checkpoint. To build anew, remove
the folder.
"""

import argparse
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from training import tokenizer
from training.evaluate_model import Asker, held_out, shares, told
from training.export import NAME, export, load
from training.pools import rows
from training.train import DATA, WORDINGS, train

_GENERIC = frozenset({"korean", "green", "tea", "sap", "water"})
"""Words of drinks' titles that are plain English and may be one piece."""


def texts_of(record: Any) -> Iterator[str]:
    """Every text of a data record but its addresses and ids."""
    if isinstance(record, str):
        yield record
    elif isinstance(record, dict):
        for key, value in record.items():
            if key not in ("id", "sources", "similar", "related", "tags", "split", "about", "intent", "lang"):
                yield from texts_of(value)
    elif isinstance(record, list):
        for value in record:
            yield from texts_of(value)


def make_tokenizer(data: Path, wordings: Path, out: Path) -> None:
    """Train the tokenizer on the data files and the question wordings."""
    records = [row for path in sorted([*data.glob("*.jsonl"), *wordings.glob("*.jsonl")]) for row in rows(path)]
    titles = " ".join(record["title_en"] for record in records if "title_en" in record)
    names = [word for word in re.findall("[A-Za-z]+", titles) if word.lower() not in _GENERIC]
    tokenizer.train((re.sub(r"\{[^}]*\}", "", text) for text in texts_of(records)), names, out)


def parity(out: Path, questions: int = 20) -> None:
    """Hold the F16 file in llama.cpp to the network in PyTorch: same ids for the prompts, same greedy answers.

    Raises AssertionError with the first question on which they part.
    """
    pieces, model = tokenizer.Tokenizer(out / "tokenizer.model"), load(out / "checkpoint.pt")
    asker = Asker(out / f"{NAME}-f16.gguf", threads=1)
    for example in held_out("test", 2, 11, DATA, WORDINGS)[:questions]:
        prompt = pieces.prompt(((p.title, p.kind, p.text) for p in example.passages), example.question)
        if asker.prompt(example) != prompt:
            raise AssertionError(f"llama.cpp cuts this prompt differently: {example.question}")
        there, here = asker.answer(prompt)[0], model.greedy(prompt, pieces.end)
        if there != here:
            raise AssertionError(f"{example.question}\n{pieces.decode(here)}\n{pieces.decode(there)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("training/out"))
    parser.add_argument("--minutes", type=float, default=110.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    given = parser.parse_args()
    out: Path = given.out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)
    torch.set_num_threads(given.threads)
    print("1/5 tokenizer", flush=True)
    if not (out / "tokenizer.model").exists():
        make_tokenizer(DATA, WORDINGS, out / "tokenizer.model")
    print("2/5 training", flush=True)
    train(out, given.minutes, DATA, WORDINGS, given.seed)
    print("3/5 export", flush=True)
    made = export(out)
    print("4/5 parity of PyTorch and llama.cpp on 20 questions", flush=True)
    parity(out)
    print("5/5 evaluation on the drinks kept out", flush=True)
    figures = shares(told(Asker(made, given.threads), held_out("test", 12, 7, DATA, WORDINGS)))
    (out / "figures.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    print(json.dumps(figures, indent=1))
    print(f"{made} is ready: copy it to models/ to ship it")


if __name__ == "__main__":
    main()
