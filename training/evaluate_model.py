"""Measure the built-in model alone, through llama.cpp, on drinks that training never saw and wordings it never read.

    python -m training.evaluate_model --model training/out/kdrinks-mini.gguf [--each 12] [--samples FILE]

An answer is strictly right when it says everything that the gold answer rests on (every name, item, figure and sentence of
the passages that belong), holds no word or figure that is in no passage, frame or question, does not loop, and has the
polarity of the passage. Exact: it is the gold answer to the letter. The gold is kdrinks.generation.templates.render().
"""

import argparse
import collections
import json
import random
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jinja2.sandbox

from kdrinks.engine import library
from kdrinks.engine.constraint import HeldSentence, SentenceConstraint
from kdrinks.engine.native import Model
from kdrinks.generation.guard import Guard
from kdrinks.text.korean import split_sentences
from training.chat_template import CHAT_TEMPLATE
from training.examples import Example, Examples
from training.pools import World
from training.train import DATA, WORDINGS


@dataclass(frozen=True, slots=True)
class Told:
    """One answer of the model and what became of it."""

    example: Example
    answer: str
    exact: bool
    missing: tuple[str, ...]
    """Parts of the gold answer that are not in the answer."""
    foreign: tuple[str, ...]
    """Words and figures of the answer that are nowhere in prompt or gold."""
    loops: bool
    first_token_s: float
    tokens_per_s: float

    @property
    def right(self) -> bool:
        return not (self.missing or self.foreign or self.loops)


_TEMPLATE = jinja2.sandbox.ImmutableSandboxedEnvironment().from_string(CHAT_TEMPLATE)


class Asker:
    """The GGUF file behind the engine's own llama.cpp, asked greedily."""

    def __init__(self, path: Path, threads: int = 2) -> None:
        library.start()
        log = library.Log(lambda line: print(line, file=sys.stderr))
        self.model = Model(str(path), log=log, gpu_layers=0, context_tokens=1024, threads=threads)

    def tokens(self, text: str) -> list[int]:
        return self.model.vocabulary.tokenize(text, add_special=False)

    def prompt(self, example: Example) -> list[int]:
        """The ids of what the chat template makes of the example."""
        passages = [{"title": p.title, "kind": p.kind, "text": p.text} for p in example.passages]
        asked = {"role": "user", "content": "", "question": example.question, "passages": passages}
        return self.tokens(_TEMPLATE.render(messages=[asked], bos_token="<s>"))

    def held(self, example: Example) -> SentenceConstraint:
        """The product's constraint for the example: only sentences that its passages allow."""
        guard = Guard(example.intent, example.lang, example.passages)
        lines = [
            HeldSentence(
                self.tokens(line.text), self.tokens(line.separator + line.text), line.begins, line.may_end, line.after
            )
            for line in guard.sentences()
        ]
        return SentenceConstraint(lines, self.model.vocabulary.end_token())

    def answer(
        self, prompt: list[int], limit: int = 400, held: SentenceConstraint | None = None
    ) -> tuple[list[int], float, float]:
        """The ids of the answer, seconds to its first token, tokens a second after it."""
        self.model.forget()
        made: list[int] = []
        begin = first = time.perf_counter()
        for _ in self.model.read(prompt):
            pass
        while len(made) < min(limit, self.model.context_tokens - len(prompt)):
            scores = self.model.logits()
            if held:
                held.mask(scores)
            token = int(scores.argmax())
            if not made:
                first = time.perf_counter()
            if self.model.vocabulary.ends(token):
                break
            made.append(token)
            if held:
                held.accept(token)
            self.model.append(token)
        spent = time.perf_counter() - first
        return made, first - begin, max(len(made) - 1, 1) / max(spent, 1e-9)

    def text(self, ids: list[int]) -> str:
        return b"".join(map(self.model.vocabulary.piece, ids)).decode("utf-8", errors="replace")


def parts(text: str) -> list[str]:
    """What an answer must say: its sentences, lines and list items, without final stops."""
    found = [part for line in text.split("\n") for part in split_sentences(line)]
    return [item.strip(" .") for part in found for item in part.split(", ") if item.strip(" .")]


def words(text: str) -> set[str]:
    return set(re.findall(r"[가-힣]+|[A-Za-z]+|\d+(?:[.,]\d+)*|[㐀-鿿]+", text.lower()))


def judged(example: Example, answer: str, first_s: float = 0.0, speed: float = 0.0) -> Told:
    """The answer with its faults."""
    missing = tuple(part for part in parts(example.answer) if part not in answer)
    known = words(" ".join((example.answer, example.question, *(f"{p.title} {p.text}" for p in example.passages))))
    foreign = tuple(sorted(words(answer) - known))
    pieces = [piece for piece in re.split(r"[,.\n] ?", answer) if len(piece) > 3]
    gold = [piece for piece in re.split(r"[,.\n] ?", example.answer) if len(piece) > 3]
    counts, allowed = collections.Counter(pieces), collections.Counter(gold)
    loops = any(count > max(2, allowed[piece]) for piece, count in counts.items())
    return Told(example, answer, answer == example.answer, missing, foreign, loops, first_s, speed)


def held_out(split: str, each: int, seed: int, data: Path, wordings: Path) -> list[Example]:
    """Examples on the drinks kept out: each of every intent and language. split: of the wordings."""
    world = World(data, wordings, "test")
    world.wordings = World(data, wordings, split).wordings if split == "train" else world.wordings
    judge = Examples(world, seed, real=True)
    count: collections.Counter[tuple[str, str]] = collections.Counter()
    found = []
    for _ in range(60 * each * 28):
        example = judge.example(1000)
        key = (example.intent, example.lang)
        if count[key] < each:
            count[key] += 1
            found.append(example)
    return found


def told(asker: Asker, examples: Iterable[Example], hold: bool = False) -> list[Told]:
    """The judged answers. hold: with the product's constraint, whose first passage is the one asked for."""
    made = []
    for example in examples:
        ids, first_s, speed = asker.answer(asker.prompt(example), held=asker.held(example) if hold else None)
        made.append(judged(example, asker.text(ids), first_s, speed))
    return made


def shares(answers: list[Told]) -> dict[str, float]:
    """Shares of right, exact, foreign and looping answers; medians of the speeds."""
    n = max(len(answers), 1)
    middle = sorted(a.first_token_s for a in answers)[n // 2], sorted(a.tokens_per_s for a in answers)[n // 2]
    return {
        "n": len(answers),
        "right": sum(a.right for a in answers) / n,
        "exact": sum(a.exact for a in answers) / n,
        "foreign": sum(bool(a.foreign) for a in answers) / n,
        "loops": sum(a.loops for a in answers) / n,
        "first_token_ms": 1000 * middle[0],
        "tokens_per_s": middle[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/kdrinks-mini.gguf"))
    parser.add_argument("--each", type=int, default=12, help="questions of every intent and language")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--held", action="store_true", help="hold decoding to the passages, as the product does")
    parser.add_argument(
        "--threads", type=int, default=2, help="1 beside other busy processes: threads wait for each other"
    )
    parser.add_argument("--samples", type=Path, help="write 60 random answers there, for reading")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--wordings", type=Path, default=WORDINGS)
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args()
    asker = Asker(given.model, given.threads)
    figures: dict[str, object] = {}
    answers: list[Told] = []
    for split in ("train", "test"):
        examples = held_out(split, given.each, given.seed, given.data, given.wordings)
        answers = told(asker, examples, given.held)
        figures[split] = shares(answers)
        print(f"drinks kept out, {split} wordings: " + _line(shares(answers)), flush=True)
        for lang in ("ko", "en"):
            some = [a for a in answers if a.example.lang == lang]
            figures[f"{split}.{lang}"] = shares(some)
            print(f"  {lang}: " + _line(shares(some)))
        for intent in sorted({a.example.intent for a in answers}):
            some = [a for a in answers if a.example.intent == intent]
            figures[f"{split}.{intent}"] = shares(some)
            print(f"  {intent:<14} " + _line(shares(some)))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if given.samples:
        drawn = random.Random(given.seed).sample(answers, min(60, len(answers)))
        given.samples.write_text("\n".join(_sample(number, a) for number, a in enumerate(drawn, 1)), encoding="utf-8")


def _line(figures: dict[str, float]) -> str:
    return (
        f"n {figures['n']:.0f}  right {figures['right']:.3f}  exact {figures['exact']:.3f}  foreign {figures['foreign']:.3f}  "
        f"loops {figures['loops']:.3f}  first token {figures['first_token_ms']:.0f} ms  {figures['tokens_per_s']:.0f} tok/s"
    )


def _sample(number: int, told: Told) -> str:
    passages = "".join(f"\n   [{p.kind}] {p.title}: {p.text}" for p in told.example.passages)
    verdict = "right" if told.right else f"WRONG missing {list(told.missing)} foreign {list(told.foreign)}"
    return f"{number}. ({told.example.intent}) Q {told.example.question}{passages}\n   A {told.answer}\n   {verdict}\n"


if __name__ == "__main__":
    main()
