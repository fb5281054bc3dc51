"""Trains what reads a question (kdrinks/search/reading.py), from the labelled wordings of training/asked/.

    python -m training.reading                      trains on everything, writes kdrinks/data/reading.npz (8 minutes on one core)
    python -m training.reading --measure FILE ...   prints what the shipped layer reads right of labelled wordings that it was not trained on
    python -m training.reading --measure FILE ... --shuffled    what one trained on shuffled labels does: chance

One linear layer with squared weights held down, fitted by L-BFGS: a softmax over ASKS, of which a wording may name several that are as
good, and five logistic ones. What an earlier question was read as is known only from a trained layer, so a first one is fitted without it.
"""

import argparse
import gzip
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, hstack

from kdrinks.drinks.names import packaged_names
from kdrinks.search import reading
from kdrinks.search.entities import masked, read
from kdrinks.search.knowledge import Knowledge
from kdrinks.search.reading import ASKS, BUCKETS, MASK, Ask, Features
from kdrinks.store.db import Database
from kdrinks.text import encoder
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.text.korean import has_hangul
from training.question_wordings import filled
from training.question_wordings import rows as older_wordings

ROOT = Path(__file__).resolve().parents[1]
ASKED = ROOT / "training" / "asked"
OPERATIONS = ROOT / "tests" / "data" / "operation_wordings.tsv"
WISHES = ROOT / "training" / "wishes"
OUT = ROOT / "kdrinks" / "data" / "reading.npz"
CLARIFY = "clarify"
"""The label of a wording that asks a fact and says of no drink; the fact is its second label."""
LEAST_COUNT = 2
STEPS = 80
STRENGTH = 10.0
"""Inverse of the weight of the squared weights."""
OF_OPERATION: Mapping[str, tuple[Ask, ...]] = {
    "list": ("list",),
    "count": ("count",),
    "most": ("most",),
    "least": ("most",),
    "order": ("order",),
    "within": ("within",),
    "make_from": ("make_from",),
    "pairing": ("pairing",),
    "same_region": ("same_region",),
    "compare": ("compare",),
}
WEIGHT_OF_HOUSE = 3.0
"""Of what the project's own tests ask; few, and they stay so."""
YES_OR_NO = ("needs", "nameless", "two", "polar", "aside")
DECLINED: Mapping[str, tuple[Ask, ...]] = {
    "smalltalk": ("greeting", "thanks", "farewell", "about_bot", "chat"),
    "out_of_scope": ("out_of_scope", "foreign"),
    "not_found": ("not_in_notes", "foreign"),
    "injection": ("injection",),
}
"""What an intent of the older wordings may be."""
WEIGHT_OF_DECLINED = 0.3
WEIGHT_OF_WISHES = 0.4
SHARE_AFTER_OTHERS = 0.5
OF_WISHES: tuple[Ask, ...] = ("list", "pairing", "make_from", "within", "similar", "same_region")
LISTING = ("있나", "있어", "있을까", "뭐가 있", "어울", "which", "what", "are there", "any ", "like ", "비슷", "with ")
"""In a wish: it may ask for a list as well."""
WEIGHT_OF_ASIDES = 8.0
"""They are one of twenty, and a sentence that is left aside costs less than one that changes the answer."""
SHARE_WITH_ASIDES = 0.4
WEIGHT_WITH_ASIDES = 0.5


class Wording(NamedTuple):
    lang: str
    text: str
    """Names masked."""
    before: tuple[str, ...]
    asks: tuple[Ask, ...]
    """Any of these is right."""
    needs: bool | None
    """None where nothing is known of it."""
    nameless: bool | None
    two: bool | None
    polar: bool | None
    aside: bool | None
    weight: float = 1.0


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--measure", type=Path, nargs="+", metavar="FILE", default=[])
    options.add_argument("--shuffled", action="store_true")
    chosen = options.parse_args()
    mask = Masks()
    if chosen.measure and not chosen.shuffled:
        report(reading.model(), newer(chosen.measure, mask))
        return
    asked = [*newer(sorted(ASKED.glob("*.jsonl*")), mask), *of_operations(mask)]
    said = asides()
    wordings = [*asked, *with_asides(asked, said), *declined(), *wishes(mask, asked), *said]
    if chosen.shuffled:
        labels = [one.asks for one in wordings]
        random.Random(7).shuffle(labels)
        wordings = [one._replace(asks=asks) for one, asks in zip(wordings, labels, strict=True)]
    model = trained(wordings)
    if chosen.measure:
        report(model, newer(chosen.measure, mask))
    else:
        write(model)


class Masks:
    """Hides the names of drinks as the search does, and says which they are."""

    def __init__(self) -> None:
        self._words = TextAnalyzer(packaged_names())
        with closing(Database.open(None)) as db:
            knowledge = Knowledge(db, self._words)
            knowledge.fill()
            self._names = knowledge.index.names

    def __call__(self, text: str) -> str:
        return self.and_drinks(text)[0]

    def and_drinks(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text with names hidden, and the ids of the drinks that it names."""
        said, mentions = read(text, self._names, self._words)
        return masked(said, mentions, MASK), tuple(
            dict.fromkeys(one for mention in mentions for one in mention.drink_ids)
        )


def newer(paths: Sequence[Path], mask: Masks) -> list[Wording]:
    """The labelled wordings of files: lang, text, history, asks, needs, and `also` for what is as right."""
    found = []
    for file, row in [(path, row) for path in paths for row in lines(path)]:
        nameless = row["asks"][0] == CLARIFY
        asks = [ask for ask in row["asks"] if ask != CLARIFY] or ["identity"]
        before = tuple(mask(said) for said in row.get("history", ()))
        found.append(
            Wording(
                lang=row["lang"],
                text=mask(row["text"]),
                before=before,
                asks=(asks[0], *(ask for ask in row.get("also", ()) if ask != CLARIFY)),
                needs=row.get("needs", True) if before else None,
                nameless=None if before else nameless,
                two=len(asks) > 1,
                polar=row.get("polar"),
                aside=False,
                weight=WEIGHT_OF_HOUSE if file.stem == "house" else 1.0,
            )
        )
    return found


def declined() -> list[Wording]:
    """Of the older wordings (training/wordings/) those that are answered by no passage: what people ask of anything is wide."""
    rng = random.Random(7)
    return [
        Wording(lang, filled(text, lang, rng), (), DECLINED[intent], None, None, None, None, None, WEIGHT_OF_DECLINED)
        for split in ("train", "test")
        for lang, intent, text in older_wordings(split)
        if intent in DECLINED
    ]


def wishes(mask: Masks, asked: Sequence[Wording]) -> Iterator[Wording]:
    """What people wish for (training/wishes/): a suggestion, or the operation that the wordings of one name as likely.

    A part of them after another question, else whatever follows one would be no wish.
    """
    rng = random.Random(13)
    first = {lang: [one.text for one in asked if one.lang == lang and not one.before] for lang in ("ko", "en")}
    for path in sorted(WISHES.glob("*.jsonl")):
        for row in lines(path):
            text = mask(row["wish"])
            asks: tuple[Ask, ...] = ("recommend", *(OF_WISHES if any(sign in text for sign in LISTING) else ()))
            lang = "ko" if has_hangul(text) else "en"
            before = (rng.choice(first[lang]),) if rng.random() < SHARE_AFTER_OTHERS else ()
            nameless = None if before else False
            yield Wording(lang, text, before, asks, None, nameless, None, None, None, WEIGHT_OF_WISHES)


def asides() -> list[Wording]:
    """Sentences that ask nothing (training/asked/everyday_*.txt): what they are read as is not looked at."""
    return [
        Wording(path.stem[-2:], text, (), ASKS, None, None, None, None, True, WEIGHT_OF_ASIDES)
        for path in sorted(ASKED.glob("everyday_*.txt"))
        for text in path.read_text("utf-8").splitlines()
        if text.strip()
    ]


def with_asides(wordings: Sequence[Wording], said: Sequence[Wording]) -> Iterator[Wording]:
    """A part of the wordings once more with such a sentence before or behind them: what is asked stays the same."""
    rng = random.Random(11)
    of = {lang: [one.text for one in said if one.lang == lang] for lang in ("ko", "en")}
    for one in wordings:
        if rng.random() < SHARE_WITH_ASIDES:
            aside = rng.choice(of[one.lang])
            text = f"{aside} {one.text}" if rng.random() < 0.6 else f"{one.text} {aside}"
            yield one._replace(text=text, aside=False, weight=WEIGHT_WITH_ASIDES)


def of_operations(mask: Masks) -> Iterator[Wording]:
    """Those of tests/data/operation_wordings.tsv: their operation, or that they ask for none, which says nothing here."""
    for line in OPERATIONS.read_text("utf-8").splitlines():
        operation, _, text = line.split("\t")
        *before, asked = text.split(" >> ")
        if operation in OF_OPERATION:
            said = tuple(mask(one) for one in before)
            lang = "ko" if has_hangul(asked) else "en"
            yield Wording(lang, mask(asked), said, OF_OPERATION[operation], bool(said) or None, None, None, None, False)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    yield from (json.loads(line) for line in text.splitlines())


def trained(wordings: Sequence[Wording]) -> reading.Model:
    texts = list(dict.fromkeys(reading.spoken(said) for one in wordings for said in (one.text, *one.before)))
    vectors = dict(zip(texts, encoder.of_texts(texts), strict=True))
    found = [reading.features(one.text, one.before, None, vectors.__getitem__) for one in wordings]
    print(f"{len(wordings):,} wordings", file=sys.stderr, flush=True)
    first = fitted(wordings, found, STEPS // 2)
    print("first layer", file=sys.stderr, flush=True)
    for one, features in zip(wordings, found, strict=True):
        if (was := of_earlier(first, one.before, vectors.__getitem__)) is not None:
            features.dense[-len(ASKS) :] = was
    return fitted(wordings, found, STEPS)


def of_earlier(
    model: reading.Model,
    before: tuple[str, ...],
    vector_of: Callable[[str], NDArray[np.float32]] = encoder.of_text,
) -> NDArray[np.float64] | None:
    """What the question before was read as, by ASKS, itself after those before it."""
    if not before:
        return None
    was = of_earlier(model, before[:-1], vector_of)
    features = reading.features(before[-1], before[:-1], was, vector_of)
    return reading.softmax(model.scores(features)[: len(ASKS)])


def fitted(wordings: Sequence[Wording], found: Sequence[Features], steps: int) -> reading.Model:
    matrix = stacked(found)
    weights = np.array([one.weight for one in wordings])
    asked = np.zeros((len(wordings), len(ASKS)))
    for row, one in enumerate(wordings):
        asked[row, [ASKS.index(ask) for ask in one.asks]] = 1
    asking = np.array([not one.aside for one in wordings])
    columns = [softmax_layer(matrix[asking], asked[asking], weights[asking], steps)]
    for known in zip(*((one.needs, one.nameless, one.two, one.polar, one.aside) for one in wordings), strict=True):
        rows = np.array([place for place, value in enumerate(known) if value is not None])
        wanted = np.array([[not value, bool(value)] for value in known if value is not None], dtype=float)
        plane, bias = softmax_layer(matrix[rows], wanted, weights[rows], steps)
        columns.append((plane[:, 1:] - plane[:, :1], bias[1:] - bias[:1]))
    planes = np.concatenate([plane for plane, _ in columns], axis=1)
    pieces, unit_pieces = small(planes[:BUCKETS])
    dense, unit_dense = small(planes[BUCKETS:])
    bias = np.concatenate([bias for _, bias in columns]).astype(np.float32)
    return reading.Model(pieces, dense, np.asarray(bias, np.float32), unit_pieces, unit_dense)


def stacked(found: Sequence[Features]) -> csr_matrix:
    """len(found) x (BUCKETS + DENSE)."""
    starts = np.cumsum([0, *(len(one.places) for one in found)])
    pieces = csr_matrix(
        (np.concatenate([one.values for one in found]), np.concatenate([one.places for one in found]), starts),
        shape=(len(found), BUCKETS),
    )
    return hstack([pieces, csr_matrix(np.stack([one.dense for one in found]))]).tocsr().astype(np.float32)


def softmax_layer(
    matrix: csr_matrix, wanted: NDArray[np.float64], weights: NDArray[np.float64], steps: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """(columns x classes, classes): any class that is wanted of a row is as good; a column that one row alone has stays 0."""
    shared = np.flatnonzero(matrix.getnnz(axis=0) >= LEAST_COUNT)
    narrow = matrix[:, shared].tocsr()
    turned = narrow.T.tocsr()
    size, classes = len(shared), wanted.shape[1]

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        plane = point[: size * classes].reshape(size, classes).astype(np.float32)
        scores = narrow @ plane + point[size * classes :]
        parts = np.exp(scores - scores.max(axis=1, keepdims=True))
        total, right = parts.sum(axis=1), (parts * wanted).sum(axis=1)
        off = (parts / total[:, None] - parts * wanted / right[:, None]) * weights[:, None]
        slope = np.concatenate([(turned @ off.astype(np.float32) + plane / STRENGTH).ravel(), off.sum(axis=0)])
        return float(weights @ np.log(total / right) + (plane * plane).sum() / (2 * STRENGTH)), slope.astype(float)

    start = np.zeros(size * classes + classes)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": steps}).x
    plane = np.zeros((matrix.shape[1], classes), np.float32)
    plane[shared] = found[: size * classes].reshape(size, classes)
    return plane, found[size * classes :]


def small(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], float]:
    """The weights in 127 steps, and the size of a step; the largest thousandth of them is cut to it."""
    unit = float(np.quantile(np.abs(weights[weights != 0]), 0.999)) / 127
    return np.rint(weights / unit).clip(-127, 127).astype(np.int8), unit


def write(model: reading.Model) -> None:
    np.savez_compressed(
        OUT,
        pieces=model.pieces,
        dense=model.dense,
        bias=model.bias,
        unit_pieces=np.float64(model.unit_pieces),
        unit_dense=np.float64(model.unit_dense),
    )
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes", file=sys.stderr)


def report(model: reading.Model, wordings: Sequence[Wording]) -> None:
    """Right at the first, and among the first two; by language, and by whether anything was said before."""
    counted: Counter[tuple[str, str]] = Counter()
    binary: Counter[tuple[str, str]] = Counter()
    missed: Counter[tuple[str, str]] = Counter()
    for one in wordings:
        scores = model.scores(reading.features(one.text, one.before, of_earlier(model, one.before)))
        order = np.argsort(-scores[: len(ASKS)])
        first, second = (ASKS[place] for place in order[:2])
        for group in ("all", one.lang, "later" if one.before else "alone"):
            counted[group, "n"] += 1
            counted[group, "first"] += first in one.asks
            counted[group, "two"] += bool({first, second} & set(one.asks))
        if first not in one.asks:
            missed[one.asks[0], first] += 1
        for name, score, value in zip(
            YES_OR_NO, scores[len(ASKS) :], (one.needs, one.nameless, one.two, one.polar, one.aside), strict=True
        ):
            if value is not None:
                binary[name, "n"] += 1
                binary[name, "right"] += (score > 0) == value
                binary[name, "yes"] += value
                binary[name, "found"] += value and score > 0
    for group in ("all", "ko", "en", "alone", "later"):
        n = counted[group, "n"] or 1
        print(f"{group:6s} n {n:5d}  first {counted[group, 'first'] / n:.3f}  two {counted[group, 'two'] / n:.3f}")
    for name in YES_OR_NO:
        print(name, {key: binary[name, key] for key in ("n", "right", "yes", "found")})
    print(missed.most_common(40))


if __name__ == "__main__":
    main()
