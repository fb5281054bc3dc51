"""Whether a question is taken now. At home always; on a hosted site strangers share one machine, and who comes too often, or to a queue that
is too long, hears so at once, with the place and the time, and is never left hanging.

What is written or waits at this moment is this process's own; what was asked in the last minute and day the store counts.
"""

from kdrinks.errors import Busy
from kdrinks.records import Visitor
from kdrinks.services import Services
from kdrinks.store import limits

MOST_OF_ONE = 3
"""Answers of one visitor at a time, in as many tabs."""
MOST_AT_ONCE = 100
"""Answers of all, each of which is a thread with its texts: 300 at once held up a newcomer by 12 s with the model of 6 MB."""
LONGEST_WAIT_S = 60.0
"""Nobody waits longer for a first word; who comes then is told how long it would be, and may come back."""


def admit(services: Services, who: Visitor, address: str) -> None:
    """Count a question of a visitor's. address: of the connection, as limits.take has it. Raises Busy where it cannot be taken, StoreError."""
    if not services.settings.hosted or who.administrator:
        return
    try:
        _check(services, who, address)
    except Busy as error:
        services.metrics.refused(error.key)
        raise


def _check(services: Services, who: Visitor, address: str) -> None:
    running = list(services.answers.values())
    state = services.engine.state
    ahead, left_s = len(running), state.left_s or 0.0
    if sum(other.question.who.id == who.id for other in running) >= MOST_OF_ONE:
        raise Busy("busy_yours", count=MOST_OF_ONE)
    if ahead >= MOST_AT_ONCE or left_s > LONGEST_WAIT_S:
        place = max(ahead, state.waiting) + 1
        raise Busy("busy_all", place=place, seconds=f"{max(left_s, 1.0):.0f}")
    if reached := limits.take(services.db, who.id, address):
        limit = reached.limit
        raise Busy(
            f"limit_{limit.whose}", most=limit.most, within=_spelled(limit.within_s), seconds=_spelled(reached.retry_s)
        )


def _spelled(seconds: float) -> str:
    """45 s, 3 min or 5 h, which both languages read."""
    for unit_s, unit in ((3600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{-(-seconds // unit_s):.0f} {unit}"
    return f"{seconds:.0f} s"
