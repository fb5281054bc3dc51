"""The figures of kdrinks.measure.statistics as a person reads them, in either language: page and terminal say them alike."""

from math import ceil

from kdrinks import i18n
from kdrinks.measure.statistics import FEWEST, Estimate, Paired


def share(found: Estimate, lang: str) -> str:
    """`69 % (59 to 78 %), 61 of 88`; of all or none only what can be ruled out: `30 of 30: fails under 10 %`."""
    good = round(found.value * found.n)
    if good in (0, found.n):
        bound = _bound(1 - found.low if good else found.high)
        return _text("all_good" if good else "none_good", lang, n=found.n, bound=bound)
    percents = {"share": found.value, "low": found.low, "high": found.high}
    return _text("share", lang, n=found.n, good=good, **{name: _percent(value) for name, value in percents.items()})


def mean(found: Estimate, lang: str) -> str:
    """`1.24 (1.1 to 1.4), mean of 88`."""
    numbers = {"value": found.value, "low": found.low, "high": found.high}
    return _text("mean", lang, n=found.n, **{name: f"{value:.3g}" for name, value in numbers.items()})


def sides(paired: Paired, lang: str) -> tuple[str, str]:
    """Both runs' own figures."""
    say = share if paired.test == "McNemar" else mean
    return say(paired.a, lang), say(paired.b, lang)


def difference(paired: Paired, lang: str) -> str:
    """`+6.0 points (-2.3 to +14.0)`; of means without the points. An interval that one cluster cannot give is `?`."""
    of_shares = paired.test == "McNemar"
    low, high = paired.interval or (None, None)

    def signed(value: float | None) -> str:
        return "?" if value is None else f"{100 * value:+.1f}" if of_shares else f"{value:+.3g}"

    key = "points" if of_shares else "change"
    return _text(key, lang, difference=signed(paired.difference), low=signed(low), high=signed(high))


def least(paired: Paired, lang: str) -> str:
    """`the least that 88 could show: 12.1 points (power 80 %)`."""
    if paired.least_detectable is None:
        return _text("too_few" if paired.n < FEWEST else "least_unknown", lang, n=paired.n)
    if paired.test == "McNemar":
        return _text("least_points", lang, n=paired.n, least=f"{100 * paired.least_detectable:.1f}")
    return _text("least_change", lang, n=paired.n, least=f"{paired.least_detectable:.3g}")


def verdict(paired: Paired, lang: str) -> str:
    return _text(f"verdicts.{paired.verdict.replace(' ', '_')}", lang)


def _text(key: str, lang: str, **values: object) -> str:
    return i18n.text(f"statistics.{key}", lang, **values)


def _percent(value: float) -> str:
    return f"{100 * value:.0f}"


def _bound(value: float) -> str:
    """Per cent, rounded up: `under 10` of 9.5, and below one by tenths."""
    percent = 100 * value
    return f"{ceil(percent)}" if percent > 1 else f"{ceil(10 * percent) / 10:.1f}"
