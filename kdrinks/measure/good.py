"""What makes an answer good: everything that its question expects of it holds. Whatever judges rows says it by this one function."""

from collections.abc import Collection, Mapping
from typing import Any

HOLDS = (
    *("mentions", "declines", "cautioned", "exact", "figure", "operation", "aspect", "belongs", "short", "stable"),
    "recall_at_3",
)
"""Booleans of a measured row that are true of a good answer; a row has those that its question expects something of. What was found counts
for a run that only searched: an answer is judged by what it says."""
AVOIDS = ("violates", "false_alarm")
"""Those that are false of one."""
ALWAYS = ("polite", "pure")
"""Those that are true of every good answer, whatever its question expects."""
LESS_IS_BETTER = frozenset({*AVOIDS, "replaced", "repaired", "length_characters", "wait_s"})
"""Measures whose rise is a turn for the worse."""


def expectations(row: Mapping[str, Any]) -> set[str]:
    """The measures of a row that an answer is called good by; none where its question expects nothing."""
    names = {name for name in (*HOLDS, *AVOIDS) if isinstance(row.get(name), bool)}
    if "answer" in row or "length_characters" in row:
        names -= {"recall_at_3"}
    return names | {name for name in ALWAYS if isinstance(row.get(name), bool)} if names else names


def good(row: Mapping[str, Any], among: Collection[str] | None = None) -> bool | None:
    """Whether all of a row's expectations hold, or of those `among` them; None where there is none."""
    names = expectations(row) if among is None else expectations(row) & set(among)
    return all(row[name] != (name in AVOIDS) for name in names) if names else None
