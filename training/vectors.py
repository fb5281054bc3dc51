"""Trains the vectors of kdrinks/data/vectors.npz: `python -m training.vectors [--measure]`.

A hashed n-gram encoder (kdrinks.text.vectors), one table for questions and passages, trained contrastively: a question of the
wordings, put to a drink, is pulled to the passage that answers it and pushed from the other passages of its batch (16 drinks with 16
questions each, so that a drink's other passages are always among them). Beside the wordings: pieces of the passages themselves,
claims of false beliefs and a passage in its other language. About 3 minutes on one core, fixed seed. --measure leaves the test wordings
out of training and ships nothing but the table in /tmp given by --out.
"""

import argparse
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from kdrinks.drinks.passages import all_passages
from kdrinks.drinks.read import load_beliefs, load_drinks, load_topics
from kdrinks.records import Passage
from kdrinks.text.vectors import BUCKETS, DIMENSIONS, rows_of, said
from training.question_wordings import FILL, KINDS, SLOT, rows

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "kdrinks" / "data" / "vectors.npz"
STEPS = 300
DRINKS, EACH = 16, 16
SHARPNESS = 16.0
DROPPED = 0.25
"""Share of a question's runs left out in training."""


def asked(text: str, lang: str, name: str, rng: random.Random) -> str:
    """A wording put to a drink."""

    def value(match: re.Match[str]) -> str:
        slot, particles = match[1], match[2]
        particle = rng.choice(particles.split("/")) if particles else ""
        if slot == "name":
            return name + particle
        return rng.choice(FILL[lang].get(slot, [""])) + particle

    return SLOT.sub(value, text)


class Pairs:
    """Endless (question, passage) of a language."""

    def __init__(self, splits: Sequence[str], rng: random.Random) -> None:
        drinks = load_drinks()
        self.rng = rng
        self.passages = all_passages(drinks, load_topics(), load_beliefs())
        self.names = {
            lang: {
                drink.id: [drink.title_ko if lang == "ko" else drink.title_en]
                + [alias for alias in drink.aliases if ("가" <= alias[0] <= "힣") == (lang == "ko")]
                for drink in drinks
            }
            for lang in ("ko", "en")
        }
        self.by_kind: dict[tuple[str, str, str], list[Passage]] = defaultdict(list)
        for passage in self.passages:
            self.by_kind[passage.lang, passage.subject_id, passage.kind].append(passage)
        self.other = {passage.id: passage for passage in self.passages}
        self.wordings: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for split in splits:
            for lang, intent, text in rows(split):
                kinds = KINDS.get(intent, ())
                if kinds and "{name" in text and "{other" not in text and kinds[0][1] >= 0.6:
                    self.wordings[lang].append((text, kinds[0][0]))
        self.single = {
            lang: [p for p in self.passages if p.kind in ("topic", "belief") and p.lang == lang]
            for lang in ("ko", "en")
        }

    def batch(self, lang: str) -> Iterator[tuple[str, Passage]]:
        rng = self.rng
        for drink in rng.sample(sorted(self.names[lang]), DRINKS):
            for number in range(EACH):
                if number >= EACH - 3:
                    yield self._of_text(rng.choice(self._own(drink, lang)))
                    continue
                text, kind = rng.choice(self.wordings[lang])
                found = self.by_kind.get((lang, drink, kind))
                if found:
                    name = rng.choice(self.names[lang][drink]) if rng.random() < 0.4 else self.names[lang][drink][0]
                    yield asked(text, lang, name, rng), rng.choice(found)
        for passage in rng.sample(self.single[lang], 12):
            yield (passage.title, passage) if rng.random() < 0.5 else self._of_text(passage)

    def _own(self, drink: str, lang: str) -> list[Passage]:
        return [p for (of, subject, _), found in self.by_kind.items() if (of, subject) == (lang, drink) for p in found]

    def _of_text(self, passage: Passage) -> tuple[str, Passage]:
        """Some words in a row of a passage, sometimes of its other language."""
        source = passage
        if self.rng.random() < 0.3:
            source = self.other.get(passage.id[:-2] + ("en" if passage.lang == "ko" else "ko"), passage)
        words = source.text.split()
        start = self.rng.randrange(max(len(words) - 4, 1))
        taken = " ".join(words[start : start + self.rng.randint(3, 9)])
        return (f"{source.title} {taken}" if self.rng.random() < 0.5 else taken), passage


def bag(layer: torch.nn.EmbeddingBag, found: Sequence[Sequence[int]]) -> torch.Tensor:
    flat = torch.tensor([row for each in found for row in each])
    offsets = torch.tensor([0, *np.cumsum([len(each) for each in found])[:-1].tolist()])
    return torch.nn.functional.normalize(layer(flat, offsets))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--measure", action="store_true", help="leave the test wordings out")
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--steps", type=int, default=STEPS)
    given = options.parse_args()
    rng = random.Random(11)
    torch.manual_seed(11)
    torch.set_num_threads(1)
    pairs = Pairs(("train",) if given.measure else ("train", "test"), rng)
    known = {passage.id: rows_of(said(passage), passage.kind) for passage in pairs.passages}
    layer = torch.nn.EmbeddingBag(BUCKETS, DIMENSIONS, mode="sum")
    torch.nn.init.normal_(layer.weight, std=0.1)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.02)
    started = time.monotonic()
    for step in range(given.steps):
        for group in optimiser.param_groups:
            group["lr"] = 0.02 * (1 - step / given.steps) + 0.0005
        picked = list(pairs.batch("ko" if step % 2 else "en"))
        passages = list({passage.id: passage for _, passage in picked})
        place = {passage_id: number for number, passage_id in enumerate(passages)}
        questions = []
        for text, _ in picked:
            every = rows_of(text)
            kept = [row for row in every if rng.random() >= DROPPED]
            questions.append(kept or every or [0])
        scores = SHARPNESS * bag(layer, questions) @ bag(layer, [known[passage_id] for passage_id in passages]).T
        loss = torch.nn.functional.cross_entropy(scores, torch.tensor([place[passage.id] for _, passage in picked]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 50 == 0:
            print(
                f"step {step} loss {float(loss.detach()):.3f} {time.monotonic() - started:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    save(layer.weight.detach().numpy(), given.out)


def save(weights: np.ndarray, out: Path) -> None:
    """int8 with one float16 scale a row."""
    scales = np.maximum(np.abs(weights).max(axis=1) / 127, 1e-8).astype(np.float16)
    table = np.clip(np.round(weights / np.maximum(scales.astype(np.float32), 1e-8)[:, None]), -127, 127)
    np.savez_compressed(out, rows=table.astype(np.int8), scales=scales)
    print(f"{out.name}: {out.stat().st_size:,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
