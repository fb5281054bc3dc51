"""Recall, time and memory of the search beside how the project began, and of its legs by themselves, in one run.

    python -m benchmarks.retrieval [--peer PYTHON] [--each N] [--vectors FILE] [--json FILE]

--peer: the interpreter of an environment with benchmarks/requirements.txt; it runs Chroma with all-MiniLM-L6-v2 (chroma_peer.py) on
the same passages and questions, each language among its own passages. Recall as `python -m kdrinks evaluate` defines it.

The legs, their fusion and the whole search are compared on the question files of tests/data, and on the test wordings of
training/wordings put to drinks (recall of the right kind of passage of the right drink; N wordings of each intent and language). The
shipped vectors saw those wordings in training; for an honest figure pass a table made by `python -m training.vectors --measure --out FILE`.
"""

import argparse
import json
import random
import resource
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kdrinks.config import ROOT
from kdrinks.drinks.names import packaged_names
from kdrinks.findings import Findings, Hit
from kdrinks.kinds import Intent
from kdrinks.measure.evaluate import evaluate
from kdrinks.measure.judge import KS, NOT_SEARCHED
from kdrinks.measure.question_set import read
from kdrinks.records import Language, Passage
from kdrinks.search.fusion import by_rank
from kdrinks.search.knowledge import Knowledge
from kdrinks.search.query import understand
from kdrinks.search.ranking import Search
from kdrinks.store import passages as store
from kdrinks.store.db import Database
from kdrinks.text import vectors
from kdrinks.text.analyzer import TextAnalyzer

SETS = ("dev", "fresh", "multiturn")


class Asked(NamedTuple):
    set_name: str
    lang: Language
    text: str
    history: tuple[str, ...]
    right: frozenset[str]
    """Subjects, or `subject.kind` for a passage."""


Leg = Callable[[Asked], Sequence[str]]
"""Ids of passages or, for the question files, of subjects, best first."""


def of_file(path: Path) -> list[Asked]:
    found = []
    for row in read(path).questions:
        if row["kind"] not in NOT_SEARCHED and len(row["gold_groups"]) == 1:
            right = frozenset(row["gold_groups"][0])
            found.append(Asked(path.stem[10:], row["lang"], row["question"], tuple(row.get("history") or ()), right))
    return found


def of_wordings(knowledge: Knowledge, each: int) -> list[Asked]:
    """Test wordings put to drinks that have the passage asked for."""
    from training.question_wordings import KINDS, rows
    from training.vectors import asked

    rng = random.Random(5)
    with knowledge.index.db.cursor() as cursor:
        kinds = set(cursor.execute("SELECT DISTINCT subject_id || '.' || kind FROM passages").fetchall())
    held = {row[0] for row in kinds}
    drinks = sorted(knowledge.index.drinks)
    by_intent: dict[tuple[Language, Intent], list[str]] = defaultdict(list)
    for lang, intent, text in rows("test"):
        if "{name" in text and "{other" not in text and KINDS.get(intent, (("identity", 0.0),))[0][1] >= 0.6:
            by_intent[lang, intent].append(text)
    found = []
    for (lang, intent), texts in sorted(by_intent.items()):
        for text in rng.sample(texts, min(each, len(texts))):
            kind = KINDS[intent][0][0]
            drink = rng.choice([drink for drink in drinks if f"{drink}.{kind}" in held])
            name = getattr(knowledge.index.drinks[drink], f"title_{lang}")
            found.append(Asked("wordings", lang, asked(text, lang, name, rng), (), frozenset([f"{drink}.{kind}"])))
    return found


def recall(questions: Sequence[Asked], leg: Leg) -> dict[tuple[str, str], list[float]]:
    """Recall at KS by set and language."""
    hits: dict[tuple[str, str], list[list[bool]]] = defaultdict(list)
    for question in questions:
        passages = [".".join(passage_id.split(".")[:2]) for passage_id in leg(question)]
        by_subject = question.set_name != "wordings"
        found = list(dict.fromkeys(one.split(".")[0] if by_subject else one for one in passages))
        hits[question.set_name, question.lang].append([bool(question.right & set(found[:k])) for k in KS])
    return {key: [float(value) for value in np.mean(rows, axis=0)] for key, rows in hits.items()}


def legs(knowledge: Knowledge) -> dict[str, Leg]:
    def rows(question: Asked) -> list[store.Candidate]:
        text = " ".join((*question.history[-1:], question.text))
        terms = list(dict.fromkeys(knowledge.index.words.search_terms(text, question.lang)))
        return store.hybrid_search(
            knowledge.index.db,
            terms,
            vectors.of_question(text),
            lang=question.lang,
            k=400,
            among=knowledge.index.sizes[question.lang],
        )

    def subjects(question: Asked) -> Search:
        asked = understand(
            question.text, knowledge.index.names, knowledge.index.words, history=question.history, lang=question.lang
        )
        return Search(knowledge.index, asked)

    def words(question: Asked) -> list[str]:
        if question.set_name != "wordings":
            return _ordered(subjects(question).by_leg()[0])
        return _ordered({row.passage_id: row.lexical for row in rows(question) if row.lexical is not None})

    def near(question: Asked) -> list[str]:
        if question.set_name != "wordings":
            return _ordered(subjects(question).by_leg()[1])
        return _ordered({row.passage_id: row.cosine for row in rows(question) if row.cosine is not None})

    def fused(question: Asked) -> list[str]:
        if question.set_name != "wordings":
            return _ordered(subjects(question)._fused())
        found = rows(question)
        return _ordered(
            by_rank(
                {row.passage_id: row.lexical for row in found if row.lexical is not None},
                {row.passage_id: row.cosine for row in found if row.cosine is not None},
            )
        )

    def search(question: Asked) -> list[str]:
        found = knowledge.find(question.text, history=question.history, lang=question.lang)
        own = found.prompt_hits if question.set_name == "wordings" else found.hits
        return [hit.passage.id for hit in own]

    return {"words (BM25)": words, "vectors": near, "fusion": fused, "whole search": search}


class Measured(NamedTuple):
    """One way of searching on one file of questions."""

    recall: dict[str, dict[str, float | None]]
    """By language: recall_at_1, recall_at_3, recall_at_5."""
    seconds: list[float]
    memory_bytes: int
    """Peak resident memory of the process."""


def ours(knowledge: Knowledge, path: Path) -> Measured:
    for question in read(path).questions[:3]:
        knowledge.find(question["question"])
    seconds: list[float] = []

    def timed(question: str, **options: Any) -> Findings:
        began = time.perf_counter()
        found = knowledge.find(question, **options)
        seconds.append(time.perf_counter() - began)
        return found

    figures = evaluate(path, find=timed)["by_lang"]
    return Measured(figures, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def of_peer(knowledge: Knowledge, paths: Sequence[Path], python: Path) -> list[Measured]:
    """The stack that the project began with, on each file of questions."""
    with knowledge.index.db.cursor() as cursor:
        rows = cursor.execute("SELECT id, lang, title || '. ' || text FROM passages ORDER BY id").fetchall()
    work = {
        "passages": [dict(zip(("id", "lang", "text"), row, strict=True)) for row in rows],
        # a follow-up is searched with the question before it, as ours is
        "questions": [
            {"text": " ".join([*(one.get("history") or ())[-1:], one["question"]]), "lang": one["lang"]}
            for path in paths
            for one in read(path).questions
        ],
        "k": 50,  # enough for five distinct subjects
    }
    child = Path(__file__).with_name("chroma_peer.py")
    ran = subprocess.run([python, child], input=json.dumps(work), stdout=subprocess.PIPE, text=True, check=True)
    result = json.loads(ran.stdout.splitlines()[-1])
    answers, seconds = iter(result["found"]), iter(result["seconds"])

    def found(*_: Any, **__: Any) -> Findings:
        hits = (Hit(Passage(id, id.split(".")[0], "topic", "ko", "", ""), 0.0, None) for id in next(answers))
        return Findings(tuple(hits), (), "unknown", False)

    measured = []
    for path in paths:
        figures = evaluate(path, find=found)
        measured.append(
            Measured(figures["by_lang"], [next(seconds) for _ in range(figures["n"])], result["memory_bytes"])
        )
    return measured


def print_side_by_side(name: str, measured: Mapping[str, Measured]) -> None:
    print(f"\n{name}: recall at {', '.join(map(str, KS))} · time per query · peak memory of the process\n")
    print("| | Korean | English | p50 | p95 | memory |\n|---|---|---|---:|---:|---:|")
    for label, one in measured.items():
        shares = [" / ".join(f"{one.recall[lang][f'recall_at_{k}']:.2f}" for k in KS) for lang in ("ko", "en")]
        p50, p95 = (1000 * float(np.percentile(one.seconds, q)) for q in (50, 95))
        print(f"| {label} | {' | '.join(shares)} | {p50:.1f} ms | {p95:.1f} ms | {one.memory_bytes / 2**20:,.0f} MB |")


def _ordered(scores: dict[str, float]) -> list[str]:
    return sorted(scores, key=lambda passage_id: (-scores[passage_id], passage_id))


def print_legs(knowledge: Knowledge, each: int) -> None:
    questions = [one for name in SETS for one in of_file(ROOT / "tests" / "data" / f"questions_{name}.jsonl")]
    questions += of_wordings(knowledge, each)
    tables = {name: recall(questions, leg) for name, leg in legs(knowledge).items()}
    print("\nRecall of each leg (questions with one right subject):\n")
    print("| questions | n | " + " | ".join(f"{name} @{'/'.join(map(str, KS))}" for name in tables) + " |")
    print("|---|---|" + "---|" * len(tables))
    for key in sorted(next(iter(tables.values()))):
        n = sum((question.set_name, question.lang) == key for question in questions)
        cells = (" ".join(f"{value:.2f}" for value in table[key]) for table in tables.values())
        print(f"| {' '.join(key)} | {n} | " + " | ".join(cells) + " |")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--peer", type=Path)
    options.add_argument("--each", type=int, default=8)
    options.add_argument("--vectors", type=Path)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    if given.vectors:
        table = vectors.read_table(given.vectors)
        vectors._table = cache(lambda: table)
    knowledge = Knowledge(Database.open(None), TextAnalyzer(packaged_names()))
    knowledge.fill()
    paths = [ROOT / "tests" / "data" / f"questions_{name}.jsonl" for name in SETS]
    beside = {path.stem: {"kdrinks": ours(knowledge, path)} for path in paths}
    if given.peer:
        for path, one in zip(paths, of_peer(knowledge, paths, given.peer), strict=True):
            beside[path.stem]["Chroma, all-MiniLM-L6-v2"] = one
    for name, measured in beside.items():
        print_side_by_side(name, measured)
    if given.json:
        given.json.write_text(
            json.dumps({name: {k: one._asdict() for k, one in both.items()} for name, both in beside.items()}, indent=1)
        )
    print_legs(knowledge, given.each)


if __name__ == "__main__":
    main()
