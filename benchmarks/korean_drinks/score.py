"""Scores the answers of any chatbot to the questions of this folder; README.md says what the figures mean.

    python -m benchmarks.korean_drinks.score ANSWERS.jsonl [--set open|sealed]

ANSWERS.jsonl holds a line {"id": ..., "answer": ...} for each question; one that is missing counts as wrong. Which failed is printed for
the open half alone: of the sealed half no question, id or answer is shown.
"""

import argparse
import gzip
import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kdrinks.measure.statistics import proportion

HERE = Path(__file__).resolve().parent
FILES = {"open": HERE / "open.jsonl", "sealed": HERE / "sealed.jsonl.gz"}

Question = Mapping[str, Any]


class BadAnswers(Exception):
    """The file of answers cannot be used; the message says which line and why."""


class Share(NamedTuple):
    """How many of n are right, and between what the share lies with 95 % confidence."""

    right: int
    n: int
    low: float
    high: float


def questions_of(name: str) -> list[Question]:
    """The questions of a half, "open" or "sealed"."""
    return _lines(name)[1:]


def header_of(name: str) -> Mapping[str, Any]:
    """What a half says of itself: set, title, sealed, license and opened (who has opened it, when and why)."""
    return _lines(name)[0]


def _lines(name: str) -> list[Mapping[str, Any]]:
    data = FILES[name].read_bytes()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def answers_of(path: Path) -> dict[str, str]:
    """Answer by id. Raises BadAnswers."""
    answers: dict[str, str] = {}
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise BadAnswers(f"{path}: {exc}") from exc
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, answer = row["id"], row["answer"]
        except (ValueError, TypeError, KeyError) as exc:
            raise BadAnswers(f"{path}, line {number}: {{id, answer}} expected, {exc!r}") from exc
        if not isinstance(name, str) or not isinstance(answer, str):
            raise BadAnswers(f"{path}, line {number}: id and answer are strings")
        if name in answers:
            raise BadAnswers(f"{path}, line {number}: {name} stands twice")
        answers[name] = answer
    return answers


def failings(question: Question, answer: str) -> list[str]:
    """What an answer falls short of, [] where it is right."""
    found = [f"lacks {' | '.join(group[:4])}" for group in question["must_mention"] if not says_any(answer, group)]
    found += [f"says {one}" for one in question.get("must_not_mention", ()) if says_any(answer, [one])]
    most = question.get("most_characters")
    if most and len(answer.strip()) > most:
        found.append(f"longer than {most} characters")
    return found


def says_any(answer: str, strings: Sequence[str]) -> bool:
    """Whether one of the strings stands in the answer.

    Capitals, full-width forms, Markdown's stars and curly apostrophes do not count. A string with Hangul is looked for without spaces, for
    people space as they like. A Latin word begins a word (rice is not in licorice) and one of three letters at most is a whole word; a
    number is whole (8 is not in 18).
    """
    text = plain(answer)
    unspaced = text.replace(" ", "")
    for string in map(plain, strings):
        if re.search(r"[가-힣]", string):
            if string.replace(" ", "") in unspaced:
                return True
        elif _pattern(string).search(text):
            return True
    return False


def plain(text: str) -> str:
    """The text as strings are compared: full-width forms, capitals, Markdown's marks, kinds of dashes and runs of spaces made one."""
    text = unicodedata.normalize("NFKC", text).lower().translate(_SAME)
    return re.sub(r"\s+", " ", text).strip()


_SAME = str.maketrans("’‘–—‐‑−∼", "''-----~", "*`_")


def _pattern(string: str) -> re.Pattern[str]:
    before = r"(?<![a-z0-9])" if re.match(r"[a-z]", string) else r"(?<![0-9.])" if re.match(r"[0-9]", string) else ""
    behind = r"(?![0-9])" if re.search(r"[0-9]$", string) else ""
    if re.fullmatch(r"[a-z]{1,3}", string):
        behind = r"(?![a-z])"
    return re.compile(before + re.escape(string) + behind)


def share(right: int, n: int) -> Share:
    """Raises ValueError where n is 0."""
    estimate = proportion(right, n)
    return Share(right, n, estimate.low, estimate.high)


def score(questions: Sequence[Question], answers: Mapping[str, str]) -> dict[str, Any]:
    """Shares over all, by language, by kind and by both, and what each wrong answer falls short of, by id."""
    wrong = {one["id"]: found for one in questions if (found := failings(one, answers.get(one["id"], "")))}
    counted: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    for one in questions:
        for group in ((one["kind"], one["lang"]), (one["kind"], ""), ("", one["lang"]), ("", "")):
            counted[group] += 1
            right[group] += one["id"] not in wrong
    return {"shares": {group: share(right[group], n) for group, n in sorted(counted.items())}, "wrong": wrong}


def table(shares: Mapping[tuple[str, str], Share]) -> str:
    """A row for each kind, the total first: all, Korean, English."""
    kinds = dict.fromkeys(kind for kind, _ in shares)
    rows = [f"{'kind':<10}" + "".join(f"{head:<24}" for head in ("all", "Korean", "English"))]
    for kind in kinds:
        cells = (shares.get((kind, lang)) for lang in ("", "ko", "en"))
        rows.append(f"{kind or 'all':<10}" + "".join(f"{_cell(one) if one else '':<24}" for one in cells))
    return "\n".join(row.rstrip() for row in rows)


def _cell(one: Share) -> str:
    return f"{one.right}/{one.n} {one.right / one.n:.2f} [{one.low:.2f}, {one.high:.2f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.korean_drinks.score")
    parser.add_argument("answers", type=Path, metavar="ANSWERS.jsonl")
    parser.add_argument("--set", choices=FILES, default="open", dest="half")
    asked = parser.parse_args(arguments)
    questions = questions_of(asked.half)
    try:
        answers = answers_of(asked.answers)
    except BadAnswers as problem:
        print(problem, file=sys.stderr)
        return 2
    result = score(questions, answers)
    print(table(result["shares"]))
    missing = sum(one["id"] not in answers for one in questions)
    strangers = len(answers.keys() - {one["id"] for one in questions})
    print(f"\n{missing} without an answer; {strangers} answers to no question of this half")
    if asked.half == "open":
        for name, found in result["wrong"].items():
            print(f"{name}: {'; '.join(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
