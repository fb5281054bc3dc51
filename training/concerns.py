"""Trains what is learned of concerns beside the lists (kdrinks/search/learned_concerns.py): whether somebody must be careful, and of what.

    python -m training.concerns             trains on everything, writes kdrinks/data/learned_concerns.npz (2 minutes on one core)
    python -m training.concerns --measure   leaves each writer out in turn and prints what is found of theirs, and at how many alarms

Two logistic regressions over the same features, fitted by L-BFGS: the first on every wording, the second on those whose label is known.
The threshold is where, with the writer left out, ALARMS of the harmless ones on which the lists are silent are taken for dangerous.
"""

import argparse
import gzip
import json
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from kdrinks.drinks.names import packaged_names
from kdrinks.kinds import QUOTED
from kdrinks.search import concerns, learned_concerns, reading
from kdrinks.search.entities import masked, read
from kdrinks.search.knowledge import Knowledge
from kdrinks.search.learned_concerns import BUCKETS, LABELS, Row
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer
from training.question_wordings import filled
from training.question_wordings import rows as intent_wordings

ROOT = Path(__file__).resolve().parents[1]
WORDINGS = ROOT / "training" / "concern_wordings" / "wordings.jsonl"
ASKED = ROOT / "training" / "asked"
QUESTIONS = ROOT / "training" / "questions"
WISHES = ROOT / "training" / "wishes"
TESTS = ROOT / "tests" / "data"
OUT = ROOT / "kdrinks" / "data" / "learned_concerns.npz"
KIND_BUCKETS = 1 << 16
ALARMS = 0.037
"""At which as much danger is found of the writers left out as before plain questions and wishes were learned from (sealed-2 0.89)."""
SURE = 0.35
"""Of wordings whose writer was left out the label is right in 0.69 and 0.44 (two writers), in 0.81 and 0.70 of those above this share."""
LEAST_COUNT = 2
STEPS = 60
HARMLESS = "none"
NAMELESS = "danger"
"""Label of a wording of which is only known that somebody must be careful."""
STRENGTH = {"danger": 12.0, "kind": 4.0}
"""Inverse of the weight of the squared weights."""
WEIGHT_OF_INTENTS = 0.25
"""Of a wording that was written to tell what is asked, of which there are many and plain ones."""
WEIGHT_OF_ASKED = 0.5
"""Of a wording of training/asked: plain questions, in which nobody looked for danger."""
WEIGHT_OF_QUESTIONS, WEIGHT_OF_WISHES = 0.25, 0.5
"""Of a question that was written for a passage (training/questions/), and of a wish (training/wishes/): stories around plain matters."""
WEIGHT_OF_HOUSE = 3.0
"""Of what the project's own tests hold harmless; few, and they stay so."""
PLAIN = frozenset(("house", "intents", "asked", "questions", "wishes"))
"""Writers by whom nothing is measured, nor the threshold set: nobody looked for danger there, or all of it is known."""
OF_SAFETY = QUOTED | {"pregnancy", "infant", "allergy", "health", "driving", "injection"}
OF_SAFETY_ASKS = OF_SAFETY | {"diet", "law", "chat", "not_in_notes", "clarify", "belief", "out_of_scope"}
"""Asks of training/asked among which somebody may be in danger."""


class Wording(NamedTuple):
    writer: str
    label: str
    text: str
    before: tuple[str, ...]
    weight: float = 1.0


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--measure", action="store_true")
    measuring = options.parse_args().measure
    wordings = list(all_wordings())
    rows = [learned_concerns.features(one.text, one.before) for one in wordings]
    threshold = measured(wordings, stacked(rows))
    if not measuring:
        write(wordings, rows, threshold)


def measured(wordings: Sequence[Wording], matrix: csr_matrix) -> float:
    """The threshold; prints what is found of each writer's by a model that never saw them, and at how many alarms."""
    dangerous = np.array([one.label != HARMLESS for one in wordings])
    heard = np.array([bool(concerns.named(one.text)) for one in wordings])
    writer_of = np.array([one.writer for one in wordings])
    weights = np.array([one.weight for one in wordings])
    writers = sorted(set(writer_of) - PLAIN)
    scores = np.zeros(len(wordings))
    for writer in writers:
        own = writer_of == writer
        plane, bias = fitted(matrix[~own], dangerous[~own].astype(float), weights[~own], STRENGTH["danger"])
        scores[own] = 1 / (1 + np.exp(-(matrix[own] @ plane + bias)))
    harmless = scores[np.isin(writer_of, writers) & ~dangerous & ~heard]
    threshold = float(np.quantile(harmless, 1 - ALARMS))
    print(f"threshold {threshold:.3f}")
    print("writer       dangerous  lists   and learned  harmless  lists   and learned")
    for writer in writers:
        found = heard | (scores >= threshold)
        parts = [
            f"{part.sum():9d}  {heard[part].mean():.3f}  {found[part].mean():11.3f}"
            for part in ((writer_of == writer) & dangerous, (writer_of == writer) & ~dangerous)
        ]
        print(f"{writer:12s}", *parts)
    return threshold


def write(wordings: Sequence[Wording], rows: Sequence[Row], threshold: float) -> None:
    """Train on everything and write the weights."""
    dangerous = np.array([one.label != HARMLESS for one in wordings], dtype=float)
    plane, bias = fitted(stacked(rows), dangerous, np.array([one.weight for one in wordings]), STRENGTH["danger"])
    known = [number for number, one in enumerate(wordings) if one.label in LABELS]
    narrow = stacked([(rows[one][0] % KIND_BUCKETS, rows[one][1]) for one in known], KIND_BUCKETS)
    labels = sorted(LABELS)
    of_kind = [
        fitted(
            narrow,
            np.array([wordings[one].label == label for one in known], dtype=float),
            np.ones(len(known)),
            STRENGTH["kind"],
        )
        for label in labels
    ]
    danger, unit_danger = small(plane)
    kind, unit_kind = small(np.stack([weights for weights, _ in of_kind]))
    np.savez_compressed(
        OUT,
        threshold=np.float64(threshold),
        sure=np.float64(SURE),
        labels=np.array(labels),
        signals=np.array(concerns.signal_names()),
        danger=danger,
        kind=kind,
        unit_danger=np.float64(unit_danger),
        unit_kind=np.float64(unit_kind),
        bias_danger=np.float64(bias),
        bias_kind=np.array([one for _, one in of_kind], dtype=np.float32),
    )
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes", file=sys.stderr)


def all_wordings() -> Iterator[Wording]:
    """Every wording with the names of drinks masked."""
    words = TextAnalyzer(packaged_names())
    with closing(Database.open(None)) as db:
        knowledge = Knowledge(db, words)
        knowledge.fill()
        names = knowledge.index.names

    def hidden(text: str) -> str:
        said, mentions = read(text, names, words)
        return masked(said, mentions, reading.MASK)

    def of(writer: str, label: str, question: str, history: Sequence[str] = ()) -> Wording:
        return Wording(writer, label, hidden(question), tuple(hidden(said) for said in history))

    for row in lines(WORDINGS):
        told = of(row["writer"], row["label"], row["question"], row["history"])
        yield told._replace(weight=WEIGHT_OF_HOUSE if row["writer"] == "house" else 1.0)
    for name, label in (("safety", NAMELESS), ("everyday", HARMLESS)):
        for row in lines(TESTS / f"strangers_{name}.jsonl.gz"):
            yield of("strangers", label, row["question"], row["history"])
        for number in (1, 2):
            for row in lines(TESTS / "sealed" / f"{name}-{number}.jsonl.gz"):
                yield of(f"sealed-{number}", label, row["question"], row["history"])
    for line in (TESTS / "everyday_wordings.tsv").read_text("utf-8").splitlines():
        yield of("wordings", HARMLESS, line.split("\t")[0])
    for line in (TESTS / "operation_wordings.tsv").read_text("utf-8").splitlines():
        yield of("wordings", HARMLESS, line.split("\t")[2])
    for line in (TESTS / "safety_wordings.tsv").read_text("utf-8").splitlines():
        group, _, question = line.split("\t")
        yield of("wordings", group if group in LABELS else NAMELESS, question)
    for path in sorted(ASKED.glob("*.jsonl")):
        for row in lines(path):
            told = of("asked", HARMLESS, row["text"], row.get("history", ()))
            if not OF_SAFETY_ASKS & set(row["asks"]) and not any(map(concerns.named, (told.text, *told.before))):
                yield told._replace(weight=WEIGHT_OF_ASKED)
    for path in sorted(QUESTIONS.glob("*.jsonl")):
        for row in lines(path):
            for text in row["asked"] if row.get("kind", "none") not in QUOTED else ():
                told = of("questions", HARMLESS, text)
                if not concerns.named(told.text) and not concerns.asks_may(told.text):
                    yield told._replace(weight=WEIGHT_OF_QUESTIONS)
    for path in sorted(WISHES.glob("*.jsonl")):
        for row in lines(path):
            told = of("wishes", HARMLESS, row["wish"])
            if not concerns.named(told.text):
                yield told._replace(weight=WEIGHT_OF_WISHES)
    rng = random.Random(7)
    for split in ("train", "test"):
        for lang, intent, text in intent_wordings(split):
            said = filled(text, lang, rng)
            if intent not in OF_SAFETY and not concerns.named(said):
                yield Wording("intents", HARMLESS, said, (), WEIGHT_OF_INTENTS)


def lines(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def stacked(rows: Sequence[Row], width: int = BUCKETS) -> csr_matrix:
    """len(rows) x width."""
    starts = np.cumsum([0, *(len(places) for places, _ in rows)])
    places = np.concatenate([places for places, _ in rows])
    values = np.concatenate([values for _, values in rows]).astype(np.float64)
    return csr_matrix((values, places, starts), shape=(len(rows), width))


def fitted(
    matrix: csr_matrix, wanted: NDArray[np.float64], weights: NDArray[np.float64], strength: float
) -> tuple[NDArray[np.float64], float]:
    """(weights, bias) of the logistic regression with squared weights held down, by L-BFGS; a row that one wording alone has stays 0."""
    shared = np.flatnonzero(matrix.getnnz(axis=0) >= LEAST_COUNT)
    narrow = matrix[:, shared].tocsr()
    turned = narrow.T.tocsr()

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        plane, bias = point[:-1], point[-1]
        scores = narrow @ plane + bias
        each = np.logaddexp(0, scores) - wanted * scores
        off = weights * (1 / (1 + np.exp(-scores)) - wanted)
        slope = np.append(turned @ off + plane / strength, off.sum())
        return float(weights @ each + plane @ plane / (2 * strength)), slope

    found = minimize(loss, np.zeros(len(shared) + 1), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    plane = np.zeros(matrix.shape[1])
    plane[shared] = found.x[:-1]
    return plane, float(found.x[-1])


def small(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], float]:
    """The weights in 127 steps, and the size of a step."""
    unit = float(np.abs(weights).max()) / 127
    return np.rint(weights / unit).astype(np.int8), unit


if __name__ == "__main__":
    main()
