"""Trains what finds the drinks that suit a wish (kdrinks/search/wished.py), from the wishes of training/wishes/.

    python -m training.wished                   trains on everything, writes kdrinks/data/wished.npz (2 minutes on two cores)
    python -m training.wished --measure FILE    prints how many of the first three drinks suit the wishes of a file, which the shipped
                                                model was not trained on; what words alone find stands beside it

A line of training/wishes/ is what somebody wishes for (`wish`, without the name of a drink), the drinks that suit it (`fits`), and those
that are said first (`best`). The loss is the cross-entropy of the drinks that suit, the best of them counted double. A drink's point is its
description's and, but for a third of the steps, the mean of the points of the other wishes that it suits.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix

from kdrinks.drinks.model import Drink
from kdrinks.drinks.read import load_drinks
from kdrinks.search import reading, wished
from kdrinks.search.selection import BUCKETS
from training.reading import Masks, lines, small
from training.selection import Layer, dropped, stacked

ROOT = Path(__file__).resolve().parents[1]
WISHES = ROOT / "training" / "wishes"
OUT = ROOT / "kdrinks" / "data" / "wished.npz"
EPOCHS, BATCH = 12, 64
RATE = 0.02
WITHOUT_WISHES = 0.3
"""Share of the steps in which drinks have their descriptions alone."""
BEST = 2.0
"""What a drink that is said first counts, where another one counts one."""

HELD_OUT = 0.1
"""Share of the wishes on which the probabilities are made to come true."""

Array = NDArray[np.float32]


class Wish(NamedTuple):
    text: str
    fits: tuple[int, ...]
    best: tuple[int, ...]


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--measure", type=Path, metavar="FILE")
    chosen = options.parse_args()
    drinks, mask = load_drinks(), Masks()
    if chosen.measure:
        report(drinks, read([chosen.measure], drinks, mask))
        return
    wishes = read(sorted(WISHES.glob("*.jsonl")), drinks, mask)
    print(f"{len(wishes):,} wishes", file=sys.stderr, flush=True)
    own = stacked([(one.text, dict(reading.read(one.text).asks)) for one in wishes])
    texts = stacked([(wished.described(drink, lang), {}) for drink in drinks for lang in ("ko", "en")])
    of_drinks = (wished.OF_DESCRIPTION * (texts[::2] + texts[1::2])).tocsr()
    wanted = shares(wishes, len(drinks))
    kept = np.random.default_rng(1).random(len(wishes)) >= HELD_OUT
    layer = fitted(own[kept], wanted[kept], of_drinks)
    temperature = calibrated(
        own[~kept] @ layer.matrix @ keys(layer, own[kept], wanted[kept], of_drinks).T, wanted[~kept]
    )
    layer = fitted(own, wanted, of_drinks)
    write(layer, keys(layer, own, wanted, of_drinks), drinks, temperature)


def read(paths: Sequence[Path], drinks: Sequence[Drink], mask: Masks) -> list[Wish]:
    place = {drink.id: number for number, drink in enumerate(drinks)}
    return [
        Wish(mask(row["wish"]), tuple(place[one] for one in row["fits"]), tuple(place[one] for one in row["best"]))
        for path in paths
        for row in lines(path)
    ]


def shares(wishes: Sequence[Wish], drinks: int) -> Array:
    """len(wishes) x drinks: what each drink is of the answer; each row adds up to 1."""
    wanted = np.zeros((len(wishes), drinks), np.float32)
    for row, one in enumerate(wishes):
        wanted[row, list(one.fits)] = 1
        wanted[row, list(one.best)] = BEST
    return np.asarray(wanted / wanted.sum(axis=1, keepdims=True), np.float32)


def fitted(own: csr_matrix, wanted: Array, of_drinks: csr_matrix) -> Layer:
    layer = Layer(own.shape[1], np.asarray(own.getnnz(axis=0) >= 2).ravel())
    rng = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        order, lost = rng.permutation(own.shape[0]), 0.0
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            rate = RATE * (1 - epoch / EPOCHS) + 1e-4
            lost += step(layer, dropped(own[rows], rng), wanted[rows], of_drinks, rate, rng)
        print(f"epoch {epoch}: {lost / len(order):.3f}", file=sys.stderr, flush=True)
    return layer


def step(
    layer: Layer, own: csr_matrix, wanted: Array, of_drinks: csr_matrix, rate: float, rng: np.random.Generator
) -> float:
    """One step down; the loss before it, summed. A wish does not know itself by the drinks that suit it."""
    points, alone = own @ layer.matrix, of_drinks @ layer.matrix
    rows, columns = np.nonzero(wanted)
    suits = (wanted > 0).astype(np.float32)
    count, total = suits.sum(axis=0), suits.T @ points
    with_wishes = np.float32(rng.random() >= WITHOUT_WISHES)
    share = with_wishes / np.maximum(count, 1)
    key = alone + share[:, None] * total
    of_others = (with_wishes * (count > 1) / np.maximum(count - 1, 1))[columns, None]
    own_key = alone[columns] + of_others * (total[columns] - points[rows])

    scores = points @ key.T
    scores[rows, columns] = (points[rows] * own_key).sum(axis=1)
    parts = np.exp(scores - scores.max(axis=1, keepdims=True))
    parts /= parts.sum(axis=1, keepdims=True)
    lost = float(-(wanted * np.log(parts + 1e-9)).sum())

    off = (parts - wanted) * np.float32(50 / len(wanted))
    of_own = off[rows, columns][:, None].copy()
    off[rows, columns] = 0
    to_key = off.T @ points
    to_points = off @ key + suits @ (share[:, None] * to_key)
    to_alone = to_key.copy()
    np.add.at(to_alone, columns, of_own * points[rows])
    through = of_own * of_others * points[rows]
    to_total = np.zeros_like(total)
    np.add.at(to_total, columns, through)
    to_points += suits @ to_total
    np.add.at(to_points, rows, of_own * own_key - through)
    nothing = (np.zeros_like(layer.none), np.zeros_like(layer.bias), np.zeros_like(layer.kinds))
    layer.step([np.asarray(own.T @ to_points + of_drinks.T @ to_alone, np.float32), *nothing], rate)
    return lost


def keys(layer: Layer, own: csr_matrix, wanted: Array, of_drinks: csr_matrix) -> Array:
    share = (wanted > 0).astype(np.float32)
    mean = (share.T @ (own @ layer.matrix)) / np.maximum(share.sum(axis=0), 1)[:, None]
    return np.asarray(of_drinks @ layer.matrix + mean, np.float32)


def calibrated(scores: Array, wanted: Array) -> float:
    """What scores are divided by, so that the drinks that suit are likeliest."""

    def lost(warmth: float) -> float:
        parts = np.array([reading.softmax(row / np.exp(warmth)) for row in scores])
        return float(-(wanted * np.log(parts + 1e-12)).sum())

    return float(np.exp(minimize_scalar(lost, bounds=(-2.0, 3.0), method="bounded").x))


def write(layer: Layer, points: Array, drinks: Sequence[Drink], temperature: float) -> None:
    """As selection.from_arrays reads it; without kinds of passages, and nobody asks for the score of none."""
    whole = np.concatenate([layer.matrix, layer.none[:, None]], axis=1)
    pieces, unit_pieces = small(whole[:BUCKETS])
    dense, unit_dense = small(whole[BUCKETS:])
    held, unit_keys = small(points)
    np.savez_compressed(
        OUT,
        pieces=pieces,
        dense=dense,
        unit_pieces=np.float64(unit_pieces),
        unit_dense=np.float64(unit_dense),
        bias=np.float64(0),
        temperature=np.float64(temperature),
        kind_names=np.array([], dtype=np.str_),
        kinds=np.zeros((0, points.shape[1]), np.float16),
        keys=held,
        unit_keys=np.float64(unit_keys),
        digests=np.array([drink.id for drink in drinks]),
        key_of=np.arange(len(drinks), dtype=np.int32),
    )
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes", file=sys.stderr)


def report(drinks: Sequence[Drink], wishes: Sequence[Wish]) -> None:
    """How often the likeliest drink suits, and how many of the first three do."""
    first, three = 0, 0.0
    for one in wishes:
        found = wished.suiting(one.text, drinks)
        order = sorted(range(len(drinks)), key=lambda place: -found[drinks[place].id])[:3]
        first += order[0] in one.fits
        three += len(set(order) & set(one.fits)) / 3
    print(f"n {len(wishes)}  first {first / len(wishes):.3f}  of three {three / len(wishes):.3f}")


if __name__ == "__main__":
    main()
