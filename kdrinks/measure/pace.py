"""How long a setting takes for a question, from the times at which its answers were stored."""

from itertools import pairwise
from statistics import median

from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.services import Services
from kdrinks.store import evaluations as store
from kdrinks.store.evaluations import Setting

FEWEST = 5
"""Answers of a run from which it tells: the first one loads the model."""


def seconds_a_question(services: Services, who: Visitor, setting: Setting) -> float | None:
    """The median of the latest run of the same model and adapter; None where nothing was measured. Raises NotAllowed.

    The median: of a run that was paused over night one question took eight hours.
    """
    administrators_only(who)
    for run in store.runs(services.db, who):
        same = (run.setting.model, run.setting.adapter) == (setting.model, setting.adapter)
        if same and run.answered >= FEWEST:
            stored = sorted(one.created_at for one in store.answers(services.db, who, run.id))
            return median((after - before).total_seconds() for before, after in pairwise(stored))
    return None
