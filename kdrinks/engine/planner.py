"""What the engine asks of a planner, and the simplest one. hub.plan.Planner is the app's; knows no llama.cpp and no files."""

from collections.abc import Sequence
from typing import Protocol

from kdrinks.records import Choice, Device, Plan


class Planner(Protocol):
    """Says how a choice is to be loaded; hub.plan.Planner in the app."""

    def plans(self, choice: Choice, devices: Sequence[Device]) -> Sequence[Plan]:
        """Best first, at least one."""

    def fallbacks(self, choice: Choice, devices: Sequence[Device], plan: Plan) -> tuple[str, ...]:
        """What the plan lowers against the best one."""

    def record_success(self, choice: Choice, plan: Plan, devices: Sequence[Device], *, stepped: bool) -> None:
        """Hears which plan was loaded."""

    def predicted_bytes(self, choice: Choice, plan: Plan) -> int:
        """Peak memory of the plan on the CPU; 0 when the file cannot be read."""

    def fits_beside(self, choice: Choice, devices: Sequence[Device]) -> bool:
        """Whether there is room for the choice beside the models that are in memory."""


class DirectPlanner:
    """One plan a choice: what was asked for, all layers on a GPU where there is one."""

    def plans(self, choice: Choice, devices: Sequence[Device]) -> Sequence[Plan]:
        return [Plan(0 if choice.device == "cpu" else -1, choice.context_tokens)]

    def fallbacks(self, choice: Choice, devices: Sequence[Device], plan: Plan) -> tuple[str, ...]:
        return ()

    def record_success(self, choice: Choice, plan: Plan, devices: Sequence[Device], *, stepped: bool) -> None:
        """Nothing to remember."""

    def fits_beside(self, choice: Choice, devices: Sequence[Device]) -> bool:
        return True

    def predicted_bytes(self, choice: Choice, plan: Plan) -> int:
        return 0
