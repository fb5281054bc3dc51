"""Questions over many drinks, asked of the table of facts: which, how many, the most or least of something, what can be made.

One request, one statement; exact and complete, in an order that is the same every time. Knows nothing of how a question was worded.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kdrinks.store.db import Database

Operation = Literal[
    "list", "count", "most", "least", "order", "make_from", "within", "pairing", "same_region", "compare"
]
Measure = Literal["abv", "first_record", "total_time", "ingredients", "steps"]
"""What drinks can be set in order by; in percent, years, hours, and by number."""

UNITS: Mapping[Measure, str] = {
    "abv": "%",
    "first_record": "year",
    "total_time": "hours",
    "ingredients": "ingredients",
    "steps": "steps",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrinkQuery:
    """What drinks must be like; what is empty or None asks nothing. Every condition must hold."""

    operation: Operation = "list"
    among: tuple[str, ...] = ()
    """Ids of the drinks that may be answered, in the order in which equal ones stand."""
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By group: one of these tags is enough, of the group diet all are needed."""
    without_tags: frozenset[tuple[str, str]] = frozenset()
    """(group, tag) that it must not have."""
    strengths: frozenset[str] = frozenset()
    """Codes of Tags.alcohol, one of which it must have: none and maybe are no liquor."""
    caffeine: str = ""
    """none or yes."""
    holds: tuple[tuple[frozenset[str], str], ...] = ()
    """(ids of ingredients, a tag of the group diet or ""): it must name one of these, or have the tag; all pairs must hold."""
    lacks: frozenset[str] = frozenset()
    """Ids of ingredients that it must not name."""
    abv: tuple[float | None, float | None] = (None, None)
    """In percent: at least (the strongest kind of it) and at most (every kind of it); what is not known is left out."""
    year: tuple[float | None, float | None] = (None, None)
    """Of its first record: not before, and before."""
    within_hours: float | None = None
    """All of the time that it takes at home."""
    foods: tuple[str, ...] = ()
    """Words, one of which stands among the foods that it goes with."""
    homemade: Literal["", "yes", "no", "perhaps"] = ""
    """perhaps: nothing says that only makers make it."""
    heritage: Literal["", "any", "national"] = ""
    """It is designated as heritage, by anybody or by the state."""
    have: frozenset[str] = frozenset()
    """Ids of the ingredients that there are: with them alone it can be made."""
    named: frozenset[str] = frozenset()
    """Those of `have` one of which it must use: water alone makes nothing."""
    by: Measure | None = None
    descending: bool = True
    most: int = 0
    """How many; 0 is all, with `most` and `least` those that share the first place."""


@dataclass(frozen=True, slots=True)
class Found:
    """A drink that is so, with the figure it was measured by."""

    id: str
    low: float | None = None
    high: float | None = None
    """As low where it is one number; None where nobody knows it, or nothing was measured."""


_HOURS = "CASE unit WHEN 'days' THEN 24 WHEN 'minutes' THEN 1.0 / 60 WHEN 'seconds' THEN 1.0 / 3600 ELSE 1 END"
_TIME = f"SELECT drink_id, min(value * {_HOURS}) AS low, max(coalesce(value_max, value) * {_HOURS}) AS high FROM facts"
_MEASURES: Mapping[Measure, str] = {
    "abv": "SELECT drink_id, min(value) AS low, max(value_max) AS high FROM facts WHERE aspect = 'abv' GROUP BY drink_id",
    "first_record": "SELECT drink_id, min(value) AS low, min(value) AS high FROM facts WHERE aspect = 'first_record' "
    "AND unit = 'year' GROUP BY drink_id",
    "total_time": f"{_TIME} WHERE aspect = 'total_time' AND what = 'total' GROUP BY drink_id",
    "ingredients": "SELECT drink_id, count(DISTINCT code)::DOUBLE AS low, low AS high FROM facts WHERE aspect = 'made_of' AND code <> '' "
    "GROUP BY drink_id",
    "steps": "SELECT drink_id, count(*)::DOUBLE AS low, low AS high FROM facts WHERE aspect = 'steps' GROUP BY drink_id",
}


def find(db: Database, asked: DrinkQuery) -> list[Found]:
    """The drinks that are so: by the measure, else in the order of `among`; those without a figure stand last, and in no first place."""
    conditions, values = _conditions(asked)
    figures = _MEASURES[asked.by] if asked.by else "SELECT NULL AS drink_id, NULL::DOUBLE AS low, NULL::DOUBLE AS high"
    order = "place"
    if asked.by:
        first, second = ("figure.high", "figure.low") if asked.descending else ("figure.low", "figure.high")
        way = "DESC" if asked.descending else "ASC"
        order = f"{first} {way} NULLS LAST, {second} {way} NULLS LAST, place"
    if asked.operation in ("most", "least"):
        conditions.append("figure.low IS NOT NULL")
    with db.cursor() as cursor:
        rows = cursor.execute(
            f"SELECT id, figure.low, figure.high FROM (SELECT unnest($among::VARCHAR[]) AS id, "
            f"generate_subscripts($among::VARCHAR[], 1) AS place) AS drink LEFT JOIN ({figures}) AS figure ON figure.drink_id = id "
            f"WHERE {' AND '.join(conditions) or 'true'} ORDER BY {order}",
            {"among": list(asked.among), **values},
        ).fetchall()
    found = [Found(*row) for row in rows]
    if asked.most:
        return found[: asked.most]
    if asked.operation in ("most", "least") and found:
        best = _shown(found[0], descending=asked.descending)
        return [one for one in found if _shown(one, descending=asked.descending) == best]
    return found


def foods(db: Database) -> list[tuple[str, str]]:
    """What drinks go with, as the records say it: (Korean, English)."""
    with db.cursor() as cursor:
        return cursor.execute("SELECT DISTINCT ko, en FROM facts WHERE aspect = 'pairing' ORDER BY ko, en").fetchall()


def sources(db: Database, ids: Sequence[str], by: Measure | None) -> list[str]:
    """The pages that say so: of the figures, or what the drinks' own records rest on; one for each drink at most."""
    aspect = by if by in ("abv", "first_record", "total_time") else "name"
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT arg_min(sources[1], number) FROM facts WHERE aspect = $aspect AND list_contains($ids::VARCHAR[], drink_id) "
            "AND len(sources) > 0 GROUP BY drink_id ORDER BY list_position($ids::VARCHAR[], drink_id)",
            {"ids": list(ids), "aspect": aspect},
        ).fetchall()
    return list(dict.fromkeys(address for (address,) in rows))


def value(found: Found, *, descending: bool) -> float | None:
    """The figure that decided: the highest of a range where the most was asked for."""
    return _shown(found, descending=descending)


def _shown(found: Found, *, descending: bool) -> float | None:
    return found.high if descending else found.low


def _conditions(asked: DrinkQuery) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    values: dict[str, Any] = {}

    def need(test: str, *, no: bool = False, **named: Any) -> None:
        """A row of the drink's facts is (or is not) so; $name in the test stands for a value."""
        place = len(conditions)
        test = re.sub(r"\$(\w+)", rf"$\1_{place}", test)
        values.update({f"{name}_{place}": one for name, one in named.items()})
        conditions.append(f"{'NOT ' if no else ''}EXISTS (SELECT 1 FROM facts WHERE drink_id = id AND {test})")

    for group, tags in sorted(asked.tags.items()):
        for wanted in [[tag] for tag in sorted(tags)] if group == "diet" else [sorted(tags)]:
            need("aspect = 'tag' AND what = $group AND list_contains($tags::VARCHAR[], code)", group=group, tags=wanted)
    for group, tag in sorted(asked.without_tags):
        if group == "caffeine":
            need("aspect = 'caffeine' AND code = $tag", no=True, tag=tag)
        else:
            need("aspect = 'tag' AND what = $group AND code = $tag", no=True, group=group, tag=tag)
    if asked.strengths:
        need("aspect = 'abv' AND list_contains($codes::VARCHAR[], code)", codes=sorted(asked.strengths))
    if asked.caffeine:
        need("aspect = 'caffeine' AND code = $code", code=asked.caffeine)
    for codes, tag in asked.holds:
        need(
            "((aspect = 'made_of' AND list_contains($codes::VARCHAR[], code)) OR (aspect = 'tag' AND what = 'diet' AND code = $tag))",
            codes=sorted(codes),
            tag=tag,
        )
    if asked.lacks:
        need("aspect = 'made_of' AND list_contains($codes::VARCHAR[], code)", no=True, codes=sorted(asked.lacks))
    if asked.abv[0] is not None:
        need("aspect = 'abv' AND value_max >= $least", least=asked.abv[0])
    if asked.abv[1] is not None:
        need("aspect = 'abv' AND value_max <= $greatest", greatest=asked.abv[1])
    if asked.year[0] is not None:
        need("aspect = 'first_record' AND unit = 'year' AND value >= $since", since=asked.year[0])
        need("aspect = 'first_record' AND unit = 'year' AND value < $since", no=True, since=asked.year[0])
    if asked.year[1] is not None:
        need("aspect = 'first_record' AND unit = 'year' AND value < $before", before=asked.year[1])
    if asked.within_hours is not None:
        test = f"aspect = 'total_time' AND what = 'total' AND coalesce(value_max, value) * {_HOURS}"
        need(f"{test} <= $hours", hours=asked.within_hours)
        need(f"{test} > $hours", no=True, hours=asked.within_hours)
    if asked.foods:
        need(
            "aspect = 'pairing' AND len(list_filter($foods::VARCHAR[], lambda food: contains(ko, food) OR contains(lower(en), food))) > 0",
            foods=list(asked.foods),
        )
    if asked.homemade:
        flag = 1.0 if asked.homemade == "yes" else 0.0
        test = "aspect = 'homemade' AND what = 'made at home' AND value = $flag"
        need(test, no=asked.homemade == "perhaps", flag=flag)
    if asked.heritage:
        # a sentence may say that it is another one which was designated
        need("aspect = 'heritage' AND regexp_matches(ko, '무형(문화재|유산)') AND NOT contains(ko, '아니라')")
    if asked.heritage == "national":
        need("aspect = 'heritage' AND contains(ko, '국가무형')")
    if asked.have:
        need(
            "aspect = 'made_of' AND what = 'needed' AND list_contains($named::VARCHAR[], code)",
            named=sorted(asked.named),
        )
        need(
            "aspect = 'made_of' AND what = 'needed' GROUP BY number HAVING NOT bool_or(list_contains($have::VARCHAR[], code))",
            no=True,
            have=sorted(asked.have),
        )
    return conditions, values
