"""The only statistics of kdrinks: how sure a share is, and whether two runs of the same questions differ.

Well-known tests are scipy's; the bootstrap by cluster, which scipy does not have, is counted here with numpy. What each figure means
for a reader, with the sources of the formulas: docs/evaluation.md.

scipy.stats is imported when the first figure is asked for: that takes 0.67 s and 77 MB, which neither the app's start nor a chat nor
another command shall pay.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import pi, sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np

from kdrinks.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95
ALPHA = 0.05
POWER = 0.8
RESAMPLINGS = 10_000
SEED = 0
FEWEST = 6
"""Of fewer pairs, or fewer clusters that changed, no difference can be shown: five that all go one way do so by chance with
p = 2 x 0.5^5 = 0.06. The bootstrap alone is content with four clusters, as it is seldom that none of four is drawn."""

Pair = tuple[str, str, float, float]
"""id, cluster, before, after: the last two booleans, or numbers."""
Verdict = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share or a mean of n, and between what it lies with 95 % confidence."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Paired:
    """What the second run of the same questions differs in from the first."""

    n: int
    clusters: int
    a: Estimate
    b: Estimate
    better: tuple[str, ...]
    """Ids of those that turned from wrong to right; of numbers, that turned for the better."""
    worse: tuple[str, ...]
    difference: float
    """Of b from a, in shares (0.05: five points more) or in the measure's own unit."""
    interval: tuple[float, float] | None
    """Of the difference, by clusters; None where a single cluster cannot tell."""
    test: Literal["McNemar", "Wilcoxon"]
    p: float
    least_detectable: float | None
    """The least difference that so many pairs would show with power 0.8; None where they are too few for any."""
    verdict: Verdict


def proportion(good: int, n: int) -> Estimate:
    """The share of n by Wilson's interval. Where all or none are good, the exact one-sided bound: of 30 of 30, `1 - low` is 0.095,
    so that fewer than one in ten fail, with 95 % confidence.

    Raises ValueError unless 0 <= good <= n and n > 0.
    """
    from scipy.stats import binomtest

    if not 0 <= good <= n or not n:
        raise ValueError(f"{good} of {n}")
    if good in (0, n):
        test = binomtest(good, n, alternative="greater" if good else "less")
        bounds = test.proportion_ci(CONFIDENCE, method="exact")
    else:
        bounds = binomtest(good, n).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(good / n, float(bounds.low), float(bounds.high), n)


def compare(
    pairs: Iterable[Pair], *, less_is_better: bool = False, seed: int = SEED, resamplings: int = RESAMPLINGS
) -> Paired:
    """Two runs of the same questions, a pair a question: booleans by McNemar's exact test, other numbers by Wilcoxon's.

    less_is_better: of seconds, or of a boolean that says that something is wrong; it turns `better` and `worse` round, not the difference.
    Raises BadInput without a pair.
    """
    rows = tuple(pairs)
    if not rows:
        raise BadInput("pairs_missing")
    ids, names = [row[0] for row in rows], [row[1] for row in rows]
    values = np.array([row[2:] for row in rows], dtype=float)  # (n, 2): before, after
    shares = all(isinstance(value, bool | np.bool_) for row in rows for value in row[2:])
    change = values[:, 1] - values[:, 0]
    gained = -change if less_is_better else change
    _, cluster = np.unique(np.array(names), return_inverse=True)
    sizes = np.bincount(cluster)
    sums = np.zeros((len(sizes), 2))
    np.add.at(sums, cluster, values)
    sampled = _resampled(sums, sizes, seed, resamplings)
    clusters = len(sizes)
    interval = _bounds(sampled[:, 1] - sampled[:, 0]) if clusters > 1 else None
    if shares and not change.any():
        # drawn again, no flip stays no flip: how many there may be follows from how many clusters showed none
        most = proportion(0, clusters).high
        interval = -most, most
    difference = float(change.mean())
    p, leans = _mcnemar(change) if shares else _wilcoxon(change)
    if shares:
        a, b = (proportion(int(side.sum()), len(rows)) for side in values.T)
        least = least_detectable(len(rows), float(np.count_nonzero(change) / len(rows)))
    else:
        a, b = (
            Estimate(float(side.mean()), *_bounds(drawn), len(rows))
            for side, drawn in zip(values.T, sampled.T, strict=True)
        )
        least = least_detectable_mean(len(rows), float(change.std(ddof=1)) if len(rows) > 1 else 0.0)
    shown = (
        p < ALPHA
        and np.count_nonzero(sums[:, 1] - sums[:, 0]) >= FEWEST
        and interval is not None
        and not interval[0] <= 0 <= interval[1]
        and leans * difference > 0
    )
    verdict: Verdict = "no difference shown"
    if shown:
        verdict = "worse" if (difference < 0) != less_is_better else "better"
    return Paired(
        n=len(rows),
        clusters=clusters,
        a=a,
        b=b,
        better=tuple(id for id, gain in zip(ids, gained, strict=True) if gain > 0),
        worse=tuple(id for id, gain in zip(ids, gained, strict=True) if gain < 0),
        difference=difference,
        interval=interval,
        test="McNemar" if shares else "Wilcoxon",
        p=p,
        least_detectable=least,
        verdict=verdict,
    )


def power(difference: float, n: int, discordant: float) -> float:
    """The chance that McNemar's exact test of n pairs shows a true difference of shares, in its direction.

    discordant: share of pairs whose two answers differ, at least the difference itself. Exact (Duffy 1984): D of n pairs differ, which is
    binomial with `discordant`; of these the better ones are binomial with (1 + difference / discordant) / 2.
    """
    from scipy.stats import binom

    difference = abs(difference)
    discordant = max(discordant, difference)
    if not discordant:
        return 0.0
    differ = np.arange(1, n + 1)
    # p < alpha with so many against the direction or fewer: twice their tail lies below alpha
    against = binom.ppf(ALPHA / 2, differ, 0.5) - 1
    shown = binom.sf(differ - against - 1, differ, (1 + difference / discordant) / 2)
    return float(binom.pmf(differ, n, discordant) @ shown)


@lru_cache(maxsize=256)
def least_detectable(n: int, discordant: float) -> float | None:
    """The least true difference of shares that n pairs show with power 0.8, where so many pairs differ; None below six pairs."""
    from scipy.optimize import brentq

    if n < FEWEST:
        return None
    return float(brentq(lambda difference: power(difference, n, discordant) - POWER, 0.0, 1.0, xtol=1e-4))


def least_detectable_mean(n: int, deviation: float) -> float | None:
    """The same for means, in the unit of `deviation`, the standard deviation of the pairs' differences; None where that is 0.

    (z of 1 - alpha / 2 + z of the power) x deviation / sqrt(n x 3 / pi): that of the paired t-test, over the efficiency of
    Wilcoxon's test beside it (Hodges and Lehmann 1956).
    """
    from scipy.stats import norm

    if n < FEWEST or not deviation:
        return None
    return float((norm.ppf(1 - ALPHA / 2) + norm.ppf(POWER)) * deviation / sqrt(n * 3 / pi))


def _mcnemar(change: "NDArray[np.float64]") -> tuple[float, float]:
    """p, and which way more of them turned."""
    from scipy.stats import binomtest

    better, worse = int((change > 0).sum()), int((change < 0).sum())
    return (float(binomtest(better, better + worse).pvalue) if better + worse else 1.0), better - worse


def _wilcoxon(change: "NDArray[np.float64]") -> tuple[float, float]:
    """p, and which way the ranks lean: a few large values can pull the mean the other way."""
    from scipy.stats import rankdata, wilcoxon

    turned = change[change != 0]
    if not len(turned):
        return 1.0, 0.0
    return float(wilcoxon(turned).pvalue), float(rankdata(np.abs(turned)) @ np.sign(turned))


def _resampled(
    sums: "NDArray[np.float64]", sizes: "NDArray[np.int64]", seed: int, resamplings: int
) -> "NDArray[np.float64]":
    """(resamplings, 2): the means of each, drawn by whole clusters; what is asked of one drink goes wrong together."""
    chance = np.random.default_rng(seed)
    at_once = max(1, 1_000_000 // len(sizes))  # 24 MB, however many clusters there are
    means = []
    for start in range(0, resamplings, at_once):
        drawn = chance.integers(len(sizes), size=(min(at_once, resamplings - start), len(sizes)))
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)[:, None])
    return np.concatenate(means)


def _bounds(sampled: "NDArray[np.float64]") -> tuple[float, float]:
    low, high = np.quantile(sampled, (ALPHA / 2, 1 - ALPHA / 2))
    return float(low), float(high)
