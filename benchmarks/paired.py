"""How far a comparison of two runs can be believed, and how long it takes.

    python -m benchmarks.paired [RUN.json ...] [--measure good] [--resamplings 1000]

RUN.json: three or more files of `evaluate --json`, of one setting sampled with other seeds. Without any, 20 runs of 100 questions on 40
drinks are made up, in which each drink and each question has a chance of its own.

itself     how often a setting is called better than itself, at most one time in twenty: of resamplings, and of all pairs of the runs
           as they are (half of those that are called different)
power      the chance that 10 points more are shown, and the least that are shown with power 0.8, at the share of pairs that flip
           between two runs of the setting
seconds    a comparison of two of the runs, after the first, which imports scipy
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from kdrinks.measure.pairing import Row, match, read_run
from kdrinks.measure.statistics import Pair, compare, least_detectable, power

RESAMPLINGS = 1_000
MORE = 0.10
ROUNDS = 20


def share_called_better(
    runs: Sequence[Mapping[str, Row]], *, measure: str = "good", resamplings: int = RESAMPLINGS, seed: int = 0
) -> float:
    """How often two runs of one setting are called better, the one than the other.   runs: each its rows by id, of the same questions.

    A resampling draws as many drinks as there are, with replacement, and for each of them two of the runs: what these answered to its
    questions is before and after. Two runs that are drawn once for all questions would bring their own difference along, and drawing
    questions would add as much again: an interval that misses one time in twenty would miss one in six.
    """
    measured: dict[str, dict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )  # by drink and id, a value a run
    for run in runs:
        for id, drink, _, value in match(runs[0], run, measure).pairs:
            measured[drink][id].append(value)
    drinks = [
        kept
        for by_id in measured.values()
        if (kept := [values for values in by_id.values() if len(values) == len(runs)])
    ]
    chance = np.random.default_rng(seed)
    better = 0
    for _ in range(resamplings):
        pairs: list[Pair] = []
        for number, drawn in enumerate(chance.integers(len(drinks), size=len(drinks))):
            before, after = chance.choice(len(runs), size=2, replace=False)
            cluster = str(number)  # a drink that is drawn twice is two drinks
            pairs += [(cluster, cluster, values[before], values[after]) for values in drinks[drawn]]
        better += compare(pairs, seed=int(chance.integers(2**31))).verdict == "better"
    return better / resamplings


def made_up(runs: int = 20, questions: int = 100, drinks: int = 40, seed: int = 0) -> list[dict[str, Row]]:
    """Runs of one setting: a drink has a chance of being answered well (beta 4, 2), its questions lie around it, runs are drawn."""
    chance = np.random.default_rng(seed)
    cluster = np.arange(questions) % drinks
    by_drink = chance.beta(4, 2, size=drinks)
    right = np.clip(by_drink[cluster] + chance.normal(0, 0.2, size=questions), 0.02, 0.98)
    return [
        {
            f"q{number}": {"id": f"q{number}", "cluster": f"d{cluster[number]}", "good": bool(one)}
            for number, one in enumerate(chance.random(questions) < right)
        }
        for _ in range(runs)
    ]


def measured(runs: Sequence[Mapping[str, Row]], measure: str, resamplings: int) -> dict[str, Any]:
    began = time.perf_counter()
    beside = [compare(match(a, b, measure).pairs) for a, b in combinations(runs, 2)]
    first_and_rest = time.perf_counter() - began
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        compare(match(runs[0], runs[1], measure).pairs)
        taken.append(time.perf_counter() - began)
    n = beside[0].n
    flipped = float(np.mean([(len(one.better) + len(one.worse)) / one.n for one in beside]))
    least = least_detectable(n, flipped)
    return {
        "runs": len(runs),
        "n": n,
        "clusters": beside[0].clusters,
        "itself": {
            "resampled": share_called_better(runs, measure=measure, resamplings=resamplings),
            "pairs": round(float(np.mean([one.verdict != "no difference shown" for one in beside])) / 2, 4),
        },
        "flipped": round(flipped, 3),
        f"power_at_{MORE:.2f}": round(power(MORE, n, flipped), 3),
        "least_detectable": least and round(least, 3),
        "seconds": {f"{len(beside)}_with_import": round(first_and_rest, 3), "one": round(float(np.median(taken)), 4)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="*")
    parser.add_argument("--measure", default="good")
    parser.add_argument("--resamplings", type=int, default=RESAMPLINGS)
    given = parser.parse_args()
    runs = [read_run(path) for path in given.run] or made_up()
    print(json.dumps(measured(runs, given.measure, given.resamplings), indent=1))


if __name__ == "__main__":
    main()
