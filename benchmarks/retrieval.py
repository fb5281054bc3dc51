"""Recall of the word leg, the vector leg, their fusion and the whole search, in one run.

    python benchmarks/retrieval.py [--each N] [--vectors FILE] [--all-minilm]

Two kinds of questions: the question files of tests/data (recall of a right subject), and the test wordings of training/wordings put
to drinks (recall of the right kind of passage of the right drink; N wordings of each intent and language). The shipped vectors saw
the test wordings in training; for an honest figure pass a table made by `python -m training.vectors --measure --out FILE`.
--all-minilm adds Chroma's default, all-MiniLM-L6-v2, on the same passages (see benchmarks/requirements.txt).
"""

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import numpy as np  # noqa: E402

from kdrinks.evaluate import NOT_SEARCHED, read_questions  # noqa: E402
from kdrinks.knowledge import vectors  # noqa: E402
from kdrinks.knowledge.choose import KINDS  # noqa: E402
from kdrinks.knowledge.rank import by_rank  # noqa: E402
from kdrinks.knowledge.search import Knowledge  # noqa: E402
from kdrinks.store import passages as store  # noqa: E402
from kdrinks.store.db import Database  # noqa: E402
from kdrinks.words import Words  # noqa: E402

KS = (1, 3, 5)


class Asked(NamedTuple):
    set_name: str
    lang: str
    text: str
    history: tuple[str, ...]
    right: frozenset[str]
    """Subjects, or `subject.kind` for a passage."""


Leg = Callable[[Asked], Sequence[str]]
"""Passage ids, best first."""


def of_file(path: Path) -> list[Asked]:
    found = []
    for row in read_questions(path):
        if row["kind"] not in NOT_SEARCHED and len(row["gold_groups"]) == 1:
            right = frozenset(row["gold_groups"][0])
            found.append(Asked(path.stem[10:], row["lang"], row["question"], tuple(row.get("history") or ()), right))
    return found


def of_wordings(knowledge: Knowledge, each: int) -> list[Asked]:
    """Test wordings put to drinks that have the passage asked for."""
    from training.intents import rows
    from training.vectors import asked

    rng = random.Random(5)
    with knowledge._db.cursor() as cursor:
        kinds = set(cursor.execute("SELECT DISTINCT subject_id || '.' || kind FROM passages").fetchall())
    held = {row[0] for row in kinds}
    drinks = sorted(knowledge._drinks)
    by_intent: dict[tuple[str, str], list[str]] = defaultdict(list)
    for lang, intent, text in rows("test"):
        if "{name" in text and "{other" not in text and KINDS.get(intent, (("", 0.0),))[0][1] >= 0.6:
            by_intent[lang, intent].append(text)
    found = []
    for (lang, intent), texts in sorted(by_intent.items()):
        for text in rng.sample(texts, min(each, len(texts))):
            kind = KINDS[intent][0][0]
            drink = rng.choice([drink for drink in drinks if f"{drink}.{kind}" in held])
            name = getattr(knowledge._drinks[drink], f"title_{lang}")
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
    def rows(question: Asked) -> list[store.Scored]:
        text = " ".join((*question.history[-1:], question.text))
        terms = list(dict.fromkeys(knowledge._words.search_terms(text, question.lang)))
        return store.legs(
            knowledge._db,
            terms,
            vectors.of_question(text),
            lang=question.lang,
            k=400,
            among=knowledge._sizes[question.lang],
        )

    def words(question: Asked) -> list[str]:
        return _ordered({row.passage_id: row.lexical for row in rows(question) if row.lexical is not None})

    def near(question: Asked) -> list[str]:
        return _ordered({row.passage_id: row.cosine for row in rows(question) if row.cosine is not None})

    def fused(question: Asked) -> list[str]:
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


def all_minilm(knowledge: Knowledge) -> Leg:
    import chromadb

    with knowledge._db.cursor() as cursor:
        rows = cursor.execute("SELECT id, lang, title || '. ' || text FROM passages ORDER BY id").fetchall()
    collection = chromadb.EphemeralClient().create_collection("passages")
    for start in range(0, len(rows), 500):
        part = rows[start : start + 500]
        collection.add(
            ids=[row[0] for row in part],
            documents=[row[2] for row in part],
            metadatas=[{"lang": row[1]} for row in part],
        )

    def leg(question: Asked) -> list[str]:
        text = " ".join((*question.history[-1:], question.text))
        return list(collection.query(query_texts=[text], n_results=50, where={"lang": question.lang})["ids"][0])

    return leg


def _ordered(scores: dict[str, float]) -> list[str]:
    return sorted(scores, key=lambda passage_id: (-scores[passage_id], passage_id))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--each", type=int, default=8)
    options.add_argument("--vectors", type=Path)
    options.add_argument("--all-minilm", action="store_true")
    given = options.parse_args()
    if given.vectors:
        measured = vectors.read_table(given.vectors)
        vectors._table = lambda: measured
    knowledge = Knowledge(Database.open(None), Words())
    knowledge.fill()
    questions = [one for path in sorted((ROOT / "tests" / "data").glob("questions_*.jsonl")) for one in of_file(path)]
    questions += of_wordings(knowledge, given.each)
    tables = {name: recall(questions, leg) for name, leg in legs(knowledge).items()}
    if given.all_minilm:
        tables["Chroma, all-MiniLM-L6-v2"] = recall(questions, all_minilm(knowledge))
    print("| questions | n | " + " | ".join(f"{name} @{'/'.join(map(str, KS))}" for name in tables) + " |")
    print("|---|---|" + "---|" * len(tables))
    for key in sorted(next(iter(tables.values()))):
        n = sum((question.set_name, question.lang) == key for question in questions)
        cells = (" ".join(f"{value:.2f}" for value in table[key]) for table in tables.values())
        print(f"| {' '.join(key)} | {n} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
