"""Trains what chooses the passage that answers a question (kdrinks/search/selection.py), from the questions of training/questions/.

    python -m training.selection                   trains on everything, writes kdrinks/data/selection.npz (10 minutes on two cores)
    python -m training.selection --keys            keeps the matrix and takes the passages' points anew: after passages or questions were added
    python -m training.selection --measure FILE    prints how often the shipped model finds the passage of each question of a file, which it
                                                   was not trained on: `subject`, `question`, `says` (English texts of those that are right)

A file of training/questions/ has a JSON line for each passage: its subject, its kind, its English text, and the questions that people
would ask for it (`asked`); `none` in place of kind and text where no passage of the drink answers. The loss is the cross-entropy of the
right passage among those of the drinks that a question names, of the false beliefs about them, of all topics, and of no passage. A passage's point is its
text's and its kind's and, but for a third of the steps, the mean of the points of its other questions: so a passage that nobody asked for yet
is found too.
"""

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, hstack

from kdrinks import kinds
from kdrinks.drinks.model import Aspect
from kdrinks.records import Passage
from kdrinks.search import reading, selection
from kdrinks.search.selection import BUCKETS, Row
from kdrinks.text import encoder
from kdrinks.text.korean import has_hangul
from training.passages import Asked, Passages
from training.reading import Masks, lines, small

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = ROOT / "training" / "questions"
ASKED = ROOT / "training" / "asked"
OUT = ROOT / "kdrinks" / "data" / "selection.npz"
SIZE = 64
"""Numbers of a point; 96 finds no more."""
EPOCHS = 8
SUBJECTS = 6
"""At each step."""
RATE, DECAY = 0.02, 0.01
DROPPED = 0.3
"""Share of a question's pieces that a step does not see."""
WITHOUT_QUESTIONS = 0.3
"""Share of the steps in which passages have no questions."""
AMONG_MANY = 0.2
"""Share of the questions whose passage must be found among those of all drinks of the step: not every question names one."""
HELD_OUT = 0.1
"""Share of the questions on which the probabilities are made to come true, for a model that has not seen them."""
KINDS = tuple(kinds.TABLE)

Array = NDArray[np.float32]


class Layer:
    """What is fitted: the matrix of questions with no passage's column, the kinds, and their moments (Adam)."""

    def __init__(self, width: int, seen: NDArray[np.bool_]) -> None:
        rng = np.random.default_rng(0)
        self.matrix: Array = (rng.standard_normal((width, SIZE)) * 0.05).astype(np.float32)
        self.matrix[~seen] = 0
        self.none: Array = np.zeros(width, np.float32)
        self.bias: Array = np.zeros(1, np.float32)
        self.kinds: Array = (rng.standard_normal((len(KINDS), SIZE)) * 0.02).astype(np.float32)
        self.parts = [self.matrix, self.none, self.bias, self.kinds]
        self._first = [np.zeros_like(part) for part in self.parts]
        self._second = [np.zeros_like(part) for part in self.parts]
        self._steps = 0

    @classmethod
    def of(cls, trained: selection.Model) -> "Layer":
        """The shipped one."""
        whole = np.concatenate([trained.pieces * trained.unit_pieces, trained.dense * trained.unit_dense]).astype(
            np.float32
        )
        layer = cls(len(whole), np.ones(len(whole), bool))
        layer.matrix, layer.none = whole[:, :-1], whole[:, -1]
        layer.bias = np.array([trained.bias], np.float32)
        layer.kinds = np.array([trained.kinds[kind] for kind in KINDS], np.float32)
        return layer

    def step(self, slopes: Sequence[Array], rate: float) -> None:
        self._steps += 1
        for part, slope, first, second in zip(self.parts, slopes, self._first, self._second, strict=True):
            first += 0.1 * (slope - first)
            second += 0.01 * (slope * slope - second)
            mean, spread = first / (1 - 0.9**self._steps), second / (1 - 0.99**self._steps)
            part -= rate * (mean / (np.sqrt(spread) + 1e-6) + DECAY * part)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--measure", type=Path, metavar="FILE")
    options.add_argument("--keys", action="store_true")
    chosen = options.parse_args()
    passages, mask = Passages(), Masks()
    if chosen.measure:
        report(passages, chosen.measure, mask)
        return
    asked = [*questions(passages, mask), *plainly_asked(passages, mask)]
    print(f"{len(asked):,} questions, {len(passages.ids):,} passages", file=sys.stderr, flush=True)
    rows = [(one.text, dict(reading.read(one.text).asks)) for one in asked]
    own = stacked(rows)
    texts = stacked([(selection.said(one), {}) for both in passages.both for one in (both["ko"], both["en"])])
    of_passages = (0.7 * (texts[::2] + texts[1::2])).tocsr()
    if chosen.keys:
        shipped = selection.model()
        layer = Layer.of(shipped)
        write(layer, keys(layer, asked, own, of_passages, passages), passages, shipped.temperature, 0.0)
        return
    kept = np.random.default_rng(1).random(len(asked)) >= HELD_OUT
    layer = fitted([one for one, keep in zip(asked, kept, strict=True) if keep], own[kept], of_passages, passages)
    points = keys(layer, [one for one, keep in zip(asked, kept, strict=True) if keep], own[kept], of_passages, passages)
    held = [one for one, keep in zip(asked, kept, strict=True) if not keep]
    temperature, shift = calibrated(layer, points, held, own[~kept], passages)
    layer = fitted(asked, own, of_passages, passages)
    write(layer, keys(layer, asked, own, of_passages, passages), passages, temperature, shift)


def questions(passages: Passages, mask: Masks) -> Iterator[Asked]:
    for path in sorted(QUESTIONS.glob("*.jsonl")):
        for row in lines(path):
            place = -1 if "none" in row else passages.place(row["subject"], row["kind"], row["en"])
            for text in row["asked"]:
                said, named = mask.and_drinks(text)
                yield Asked(said, named, row.get("none") or row["subject"], place)


def plainly_asked(passages: Passages, mask: Masks) -> Iterator[Asked]:
    """Of the wordings that say what they ask (training/asked/) those of one drink that has one passage for it."""
    for path in sorted(ASKED.glob("*.jsonl")):
        for row in lines(path):
            text, named = mask.and_drinks(row["text"])
            if len(named) == 1 and len(row["asks"]) == 1 and not row.get("history"):
                right = passages.asked_for(named[0], row["asks"][0])
                if len(right) == 1:
                    yield Asked(text, named, named[0], right[0])


def stacked(texts: Sequence[tuple[str, Mapping[reading.Ask, float]]]) -> csr_matrix:
    """len(texts) x (BUCKETS + DENSE)."""
    spoken = list(dict.fromkeys(reading.spoken(text) for text, _ in texts))
    vectors = dict(zip(spoken, encoder.of_texts(spoken), strict=True))
    rows: list[Row] = [selection.features(text, asks, vectors.__getitem__) for text, asks in texts]
    starts = np.cumsum([0, *(len(row.places) for row in rows)])
    values, places = np.concatenate([row.values for row in rows]), np.concatenate([row.places for row in rows])
    pieces = csr_matrix((values, places, starts), shape=(len(rows), BUCKETS))
    return hstack([pieces, csr_matrix(np.stack([row.dense for row in rows]))]).tocsr().astype(np.float32)


def fitted(asked: Sequence[Asked], own: csr_matrix, of_passages: csr_matrix, passages: Passages) -> Layer:
    layer = Layer(own.shape[1], np.asarray(own.getnnz(axis=0) >= 2).ravel())
    of_subject: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(asked):
        of_subject[one.subject].append(place)
    subjects = list(of_subject)
    rng = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        random.Random(epoch).shuffle(subjects)
        rate, lost = RATE * (1 - epoch / EPOCHS) + 1e-4, 0.0
        for start in range(0, len(subjects), SUBJECTS):
            rows = [place for subject in subjects[start : start + SUBJECTS] for place in of_subject[subject]]
            lost += step(layer, [asked[row] for row in rows], dropped(own[rows], rng), of_passages, passages, rate, rng)
        print(f"epoch {epoch}: {lost / len(asked):.3f}", file=sys.stderr, flush=True)
    return layer


def dropped(rows: csr_matrix, rng: np.random.Generator) -> csr_matrix:
    rows = rows.copy()
    rows.data *= (rng.random(rows.data.shape) >= DROPPED) / (1 - DROPPED)
    return rows


def step(
    layer: Layer,
    asked: Sequence[Asked],
    own: csr_matrix,
    of_passages: csr_matrix,
    passages: Passages,
    rate: float,
    rng: np.random.Generator,
) -> float:
    """One step down; the loss before it, summed.

    A question's own passage has the mean of the others that were asked for it, without the question itself.
    """
    among = [passages.candidates(one) for one in asked]
    columns = list(dict.fromkeys(place for some in among for place in some))
    column_of = {place: column for column, place in enumerate(columns)}
    allowed = np.zeros((len(asked), len(columns) + 1), bool)
    allowed[:, -1] = True
    for number, some in enumerate(among):
        allowed[number, [column_of[place] for place in some]] = True
    allowed[rng.random(len(asked)) < AMONG_MANY] = True
    right = np.array([column_of.get(one.passage, len(columns)) for one in asked])
    answered = np.flatnonzero(right < len(columns))
    gold = right[answered]
    texts, kind = of_passages[columns], of_kind([passages.both[place]["ko"] for place in columns])

    points, alone = own @ layer.matrix, texts @ layer.matrix + kind @ layer.kinds
    count = np.bincount(gold, minlength=len(columns)).astype(np.float32)
    total = np.zeros_like(alone)
    np.add.at(total, gold, points[answered])
    with_questions = np.float32(rng.random() >= WITHOUT_QUESTIONS)
    share = with_questions / np.maximum(count, 1)[:, None]
    key = alone + share * total
    others = with_questions * (count[gold] > 1) / np.maximum(count[gold] - 1, 1)
    gold_key = alone[gold] + others[:, None] * (total[gold] - points[answered])

    scores = points @ key.T
    scores[answered, gold] = (points[answered] * gold_key).sum(axis=1)
    scores = np.concatenate([scores, (own @ layer.none + layer.bias)[:, None]], axis=1)
    scores = np.where(allowed, scores, -1e9)
    parts = np.exp(scores - scores.max(axis=1, keepdims=True))
    parts /= parts.sum(axis=1, keepdims=True)
    numbers = np.arange(len(asked))
    lost = float(-np.log(parts[numbers, right] + 1e-9).sum())

    off = parts.copy()
    off[numbers, right] -= 1
    off *= 50 / len(asked)
    of_none, off = off[:, -1], off[:, :-1]
    of_gold = off[answered, gold].copy()
    to_alone = off.T @ points
    off[answered, gold] = 0
    to_points = off @ key
    to_points[answered] += (share * (off.T @ points))[gold] + of_gold[:, None] * gold_key
    through = (of_gold * others)[:, None] * points[answered]
    to_total = np.zeros_like(total)
    np.add.at(to_total, gold, through)
    to_points[answered] += to_total[gold] - through
    layer.step(
        [
            np.asarray(own.T @ to_points + texts.T @ to_alone, np.float32),
            np.asarray(own.T @ of_none, np.float32),
            np.array([of_none.sum()], np.float32),
            np.asarray(kind.T @ to_alone, np.float32),
        ],
        rate,
    )
    return lost


def of_kind(passages: Sequence[Passage]) -> csr_matrix:
    """len(passages) x len(KINDS)."""
    columns = [KINDS.index(passage.kind) for passage in passages]
    ones = np.ones(len(columns), np.float32)
    return csr_matrix((ones, (np.arange(len(columns)), columns)), shape=(len(columns), len(KINDS)))


def keys(layer: Layer, asked: Sequence[Asked], own: csr_matrix, of_passages: csr_matrix, passages: Passages) -> Array:
    """len(passages) x SIZE."""
    points = own @ layer.matrix
    total = np.zeros((len(passages.ids), SIZE), np.float32)
    count = np.zeros(len(passages.ids), np.float32)
    for one, point in zip(asked, points, strict=True):
        if one.passage >= 0:
            total[one.passage] += point
            count[one.passage] += 1
    alone = of_passages @ layer.matrix + of_kind([both["ko"] for both in passages.both]) @ layer.kinds
    return np.asarray(alone + total / np.maximum(count, 1)[:, None], np.float32)


def calibrated(
    layer: Layer, points: Array, held: Sequence[Asked], own: csr_matrix, passages: Passages
) -> tuple[float, float]:
    """(temperature, what is added to the score of no passage) at which the right answers of the held-out questions are likeliest."""
    asked, none = own @ layer.matrix, own @ layer.none + layer.bias
    scored = []
    for one, point, score in zip(held, asked, none, strict=True):
        among = passages.candidates(one)
        right = among.index(one.passage) if one.passage >= 0 else len(among)
        scored.append((np.append(points[among] @ point, score), right))

    def lost(point: NDArray[np.float64]) -> float:
        total = 0.0
        for scores, right in scored:
            moved = scores.copy()
            moved[-1] += point[1]
            total -= float(np.log(reading.softmax(moved / np.exp(point[0]))[right] + 1e-12))
        return total

    warmth, shift = minimize(lost, np.array([0.5, 2.0]), method="Nelder-Mead").x
    first = np.mean([scores[:-1].argmax() == right for scores, right in scored if right < len(scores) - 1])
    print(
        f"held out: {first:.3f} right, temperature {np.exp(warmth):.2f}, shift {shift:.2f}", file=sys.stderr, flush=True
    )
    return float(np.exp(warmth)), float(shift)


def write(layer: Layer, points: Array, passages: Passages, temperature: float, shift: float) -> None:
    whole = np.concatenate([layer.matrix, layer.none[:, None]], axis=1)
    pieces, unit_pieces = small(whole[:BUCKETS])
    dense, unit_dense = small(whole[BUCKETS:])
    held, unit_keys = small(points)
    names = [
        (name, place)
        for place, both in enumerate(passages.both)
        for name in (*(selection.digest(both[lang]) for lang in ("ko", "en")), selection.whole(both["ko"]))
        if name
    ]
    np.savez_compressed(
        OUT,
        pieces=pieces,
        dense=dense,
        unit_pieces=np.float64(unit_pieces),
        unit_dense=np.float64(unit_dense),
        bias=np.float64(layer.bias[0] + shift),
        temperature=np.float64(temperature),
        kind_names=np.array(KINDS),
        kinds=layer.kinds.astype(np.float16),
        keys=held,
        unit_keys=np.float64(unit_keys),
        digests=np.array([name for name, _ in names]),
        key_of=np.array([place for _, place in names], dtype=np.int32),
    )
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes", file=sys.stderr)


def report(passages: Passages, path: Path, mask: Masks) -> None:
    """By kind of the right passage: how often it is the likeliest and among three; and how often none is said to answer."""
    counted: dict[str, list[tuple[bool, bool, float]]] = defaultdict(list)
    for row in lines(path):
        text, named = mask.and_drinks(row["question"])
        lang = "ko" if has_hangul(row["question"]) else "en"
        among = passages.candidates(Asked(text, named, row["subject"], -1))
        shown = [passages.both[place][lang] for place in among]
        aspects = {one.id: cast(Aspect, one.aspect) for one in shown if one.kind in kinds.DETAILED}
        found = selection.select(text, reading.read(text).asks, shown, aspects)
        right = [passages.ids[passages.place(row["subject"], "", said)] for said in row["says"]]
        ids = [one.id[:-3] for one, _ in found.passages[:3]]
        for group in dict.fromkeys((right[0].split(".")[1], "some") if right else ("none",)):
            counted[group].append((ids[0] in right, bool(set(ids) & set(right)), found.none))
    for group, said in sorted(counted.items(), key=lambda item: -len(item[1])):
        print(f"{group:14s} n {len(said):4d}", *_figures(said, group))


def _figures(said: Iterable[tuple[bool, bool, float]], group: str) -> Iterator[str]:
    first, three, none = zip(*said, strict=True)
    if group != "none":
        yield f"first {np.mean(first):.3f}  among three {np.mean(three):.3f} "
    yield from (f" none at {least}: {np.mean(np.array(none) >= least):.3f}" for least in (0.3, 0.5, 0.7, 0.9))


if __name__ == "__main__":
    main()
