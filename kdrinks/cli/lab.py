"""The `lab` commands: what measuring found, laid beside each other.

Returns documents and prints for people; exit status and --json are __main__'s.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kdrinks.cli.base import Command
from kdrinks.measure import wording
from kdrinks.measure.good import LESS_IS_BETTER
from kdrinks.measure.pairing import Matched, match, read_run
from kdrinks.measure.statistics import Paired, compare

SHOWN_CHARACTERS = 160
"""Of an answer beside a flip: two lines of a terminal."""


def add(commands: Any, command: Command) -> None:
    """Adds `lab` and its commands; command: makes one, given name, function, text and where it belongs."""
    lab = commands.add_parser("lab", help="compare what evaluations measured")
    within = lab.add_subparsers(required=True, metavar="COMMAND")
    sub = command("compare", _compare, "compare two runs of the same questions, pair by pair", within)
    sub.add_argument("run_a", type=Path, metavar="RUN_A", help="a file of `evaluate --json`")
    sub.add_argument("run_b", type=Path, metavar="RUN_B", help="another of the same questions")
    sub.add_argument("--measure", default="good", help="good by default; or mentions, violates, recall_at_3, wait_s …")


def _compare(options: argparse.Namespace) -> dict[str, Any]:
    matched = match(read_run(options.run_a), read_run(options.run_b), options.measure)
    paired = compare(matched.pairs, less_is_better=options.measure in LESS_IS_BETTER)
    if not options.json:
        _print_flips("better", paired.better, matched)
        _print_flips("worse", paired.worse, matched)
        _print_figures(paired, matched, options.measure)
    return {
        "n": paired.n,
        "flips": {"better": paired.better, "worse": paired.worse},
        "difference": paired.difference,
        "interval": paired.interval,
        "p": paired.p,
        "least_detectable": paired.least_detectable,
        "verdict": paired.verdict,
        "measure": options.measure,
        "test": paired.test,
        "clusters": paired.clusters,
        "a": asdict(paired.a),
        "b": asdict(paired.b),
        "only_a": matched.only_a,
        "only_b": matched.only_b,
    }


def _print_flips(turned: str, ids: tuple[str, ...], matched: Matched) -> None:
    print(f"{turned}: {len(ids)}")
    for id in ids:
        a, b = matched.rows[id]
        print(f"  {id}  {_cut(a.get('question', ''))}".rstrip())
        for side, row in (("A", a), ("B", b)):
            if said := _said(row):
                print(f"    {side}  {said}")


def _said(row: Mapping[str, Any]) -> str:
    """The answer, of a run that only searched what it found, of a sealed set nothing."""
    return _cut(row["answer"]) if "answer" in row else ", ".join(row.get("found", ())[:3])


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}…"


def _print_figures(paired: Paired, matched: Matched, measure: str) -> None:
    a, b = wording.sides(paired, "en")
    print(f"{measure}: {paired.n} questions, {paired.clusters} clusters by drink")
    if matched.only_a or matched.only_b:
        print(f"left out, not in both: {matched.only_a} of A, {matched.only_b} of B")
    print(f"A: {a}", f"B: {b}", f"difference: {wording.difference(paired, 'en')}", sep="\n")
    print(f"p: {paired.p:.2g} ({paired.test})", wording.least(paired, "en"), wording.verdict(paired, "en"), sep="\n")
