"""Asks the questions of a set, each in a conversation of its own, and writes the answers down to be read by eye.

    python -m benchmarks.strangers SET.jsonl[.gz] OUT.jsonl [--model FILE.gguf] [--mode held|quote|free]

Without --model the built-in model; without --mode the model's own. Prints what can be counted without an eye: how
many answers hold every group of `must_mention`, hold something of `must_not_mention`, begin with a caution, each with its share and its
95 % interval. A string is a hint: an answer counts as wrong when somebody has read it.
"""

import argparse
import gzip
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from kdrinks.answer import ask
from kdrinks.config import from_environment
from kdrinks.generation import templates
from kdrinks.measure import wording
from kdrinks.measure.statistics import proportion
from kdrinks.records import ADMINISTRATOR, Choice, LocalModel, Mode
from kdrinks.services import Services, last_choice, open_services
from kdrinks.store import chats

COUNTED = ("mentions", "violates", "cautioned", "written")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=Path, metavar="FILE.gguf")
    parser.add_argument("--mode", choices=get_args(Mode))
    options = parser.parse_args()
    data = options.set.read_bytes()
    text = gzip.decompress(data) if options.set.suffix == ".gz" else data
    questions = [json.loads(line) for line in text.splitlines()]
    counted: Counter[str] = Counter()
    with options.out.open("w", encoding="utf-8") as out:
        for row in answered(questions, options.model, options.mode):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            counted.update(name for name in COUNTED if row[name])
    said = {name: wording.share(proportion(counted[name], len(questions)), "en") for name in COUNTED}
    print(json.dumps({"set": options.set.name, "n": len(questions), **counted, "shares": said}))


def answered(questions: list[dict[str, Any]], model: Path | None, mode: Mode | None) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="kdrinks-strangers-") as folder:
        os.environ.update(KDRINKS_HOME=folder)
        services = open_services(from_environment(), memory=True)
        try:
            choice = last_choice(services)
            if model:
                choice = replace(choice, model=LocalModel(model.stem, model))
            for question in questions:
                yield judged(question, services, choice, mode)
        finally:
            services.close()


def judged(question: Mapping[str, Any], services: Services, choice: Choice, mode: Mode | None) -> dict[str, Any]:
    """The question with its answer; earlier questions of the conversation are asked first."""
    conversation = chats.start_conversation(services.db, ADMINISTRATOR)
    for text in [*question.get("history", ()), question["question"]]:
        answer = ask(
            services,
            ADMINISTRATOR,
            text,
            conversation_id=conversation,
            choice=choice,
            mode=mode,
        )
        answer.wait()
    said = answer.text.lower()
    return {
        **question,
        "answer": answer.text,
        "intent": answer.findings.intent,
        "guard": answer.guard,
        "citations": [cited.passage.id for cited in answer.citations],
        "mentions": all(any(one.lower() in said for one in group) for group in question.get("must_mention", ())),
        "violates": any(one.lower() in said for one in question.get("must_not_mention", ())),
        "cautioned": any(line in answer.text for line in templates.NOT_REVIEWED.values()),
        "written": answer.loaded is not None,
        "seconds": round(answer.timing.total_s, 3),
    }


if __name__ == "__main__":
    main()
