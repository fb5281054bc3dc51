"""What a held answer, the first prompt after loading and a long prompt cost, each beside what they cost before, in one run.

    python -m benchmarks.held [RESULT.json]

Files: the built-in model, and the two of requirements-real.txt where they are. One thread, processor time of this process: other work
on the machine does not count. Six questions, each with the script that the guard makes for it:

- held: written by `runs`, beside a loop that reads each token before it asks for the next; both must say the same, to the token.
- first prompt: the part that is left to read when the system text was read before, beside all of it.
- reading: 128 to 512 tokens cut into whole blocks and a rest, as every prompt is, beside a bare loop of the largest batches.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from kdrinks.config import BUILT_IN_FILE, ROOT, from_environment
from kdrinks.engine.constraint import SentenceConstraint
from kdrinks.engine.native import Model
from kdrinks.engine.worker import Worker
from kdrinks.engine.writing import SAMPLING_KEYS, constraint_for, runs
from kdrinks.generation import guard, prompt
from kdrinks.records import Language, Message, Sampling
from kdrinks.services import open_services
from tests.support import real_models

QUESTIONS: tuple[tuple[str, Language], ...] = (
    ("수정과는 어떻게 만들어?", "ko"),
    ("막걸리와 동동주의 차이가 뭐야?", "ko"),
    ("문배주의 역사를 알려줘", "ko"),
    ("How do you make sujeonggwa?", "en"),
    ("What is the difference between makgeolli and dongdongju?", "en"),
    ("Recommend a warm Korean tea for winter.", "en"),
)
SAMPLING = {key: value for key, value in asdict(Sampling()).items() if key in SAMPLING_KEYS}


def seconds(steps: Iterator[Any]) -> float:
    """Processor time of all steps."""
    started = time.process_time()
    for _ in steps:
        pass
    return time.process_time() - started


def one_by_one(model: Model, held: SentenceConstraint, limit: int) -> Iterator[list[int]]:
    """As answers were written before: each token is chosen from scores, forced or not."""
    sampler = model.sampler(SAMPLING)
    for _ in range(limit):
        held.mask(model.logits())
        token = sampler.sample()
        held.accept(token)
        if model.vocabulary.ends(token):
            break
        yield [token]
        model.append(token)
    sampler.close()


def kept(steps: Iterator[list[int] | None], tokens: list[int]) -> Iterator[None]:
    """The steps, each answer's tokens kept."""
    for run in steps:
        tokens += run or ()
        yield


def measured(path: Path, asked: list[tuple[list[Any], Language, list[Any]]]) -> dict[str, Any]:
    """asked: passages, language and script of each question."""
    worker = Worker(lambda document: None, threading.Event())
    load = {"op": "load", "id": 1, "path": str(path), "device": "cpu", "context_tokens": 2048, "threads": 1}
    worker.serve(load)
    model = worker.model
    assert model
    written, single, batched, firsts, lefts, shares = 0, 0.0, 0.0, 0.0, 0.0, []
    for (question, lang), (passages, _, script) in zip(QUESTIONS, asked, strict=True):

        def count(messages: list[Message]) -> int:
            return len(worker.prompt([asdict(message) for message in messages]))

        built = prompt.build(question, passages, [], count=count, budget_tokens=1500, lang=lang)
        tokens = worker.prompt([asdict(message) for message in built.messages])
        opens = prompt.opening(count=count, budget_tokens=1500, lang=lang, template=prompt.USUAL, free=False)
        opening = {"messages": [asdict(message) for message in opens]}
        model.forget()
        firsts += seconds(model.read_prompt(tokens))
        model.forget()
        while worker.preread(opening):
            pass
        shares.append(model.reuse_prefix(tokens, question) / len(tokens))
        lefts += seconds(model.read_prompt(tokens))
        texts = (list[int](), list[int]())
        for forced in (False, True):
            model.reuse_prefix(tokens, question)
            seconds(model.read_prompt(tokens))
            held = constraint_for([asdict(one) for one in script], model, worker._loaded()[1].control)
            assert held
            if forced:
                batched += seconds(kept(runs(model, SAMPLING, 512, held), texts[1]))
            else:
                single += seconds(kept(one_by_one(model, held, 512), texts[0]))
        assert texts[0] == texts[1], question
        written += len(texts[0])
    reading = {}
    for length in (128, 300, 512):
        tokens = worker._bench_prompt(length)
        bare, ours = list[float](), list[float]()
        for _ in range(5):
            model.forget()
            bare.append(seconds(model.read(tokens)))
            model.forget()
            ours.append(seconds(model.read_prompt(tokens)))
        reading[str(length)] = round(median(bare) / median(ours), 3)
    worker.unload()
    return {
        "file": path.name,
        "tokens": written,
        "held_s": round(batched, 3),
        "one_by_one_s": round(single, 3),
        "times_faster": round(single / batched, 1) if batched else None,
        "first_prompt_share_read_before": [round(share, 2) for share in shares],
        "first_prompt_ratio": round(lefts / firsts, 2),
        "reading_ratio": reading,
    }


def main() -> None:
    services = open_services(from_environment(), memory=True)
    services.knowledge.fill()
    asked = []
    for question, lang in QUESTIONS:
        found = services.knowledge.find(question, lang=lang)
        passages = services.knowledge.excerpts(question, [hit.passage for hit in found.prompt_hits])
        asked.append((passages, lang, guard.Guard(found.intent, lang, passages).sentences()))
    services.close()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    result: dict[str, Any] = {"date": date.today().isoformat(), "commit": commit.strip(), "threads": 1, "models": []}
    for path in [BUILT_IN_FILE, *([] if real_models.MISSING else (real_models.gemma(), real_models.smollm()))]:
        result["models"].append(measured(path, asked))
        print(json.dumps(result["models"][-1], indent=2), flush=True)
        if len(sys.argv) > 1:
            Path(sys.argv[1]).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
