"""The drinks as they stand now: those of the package with people's corrections and ingest_jobs over them.

What a person wrote is data: it is checked by the same drink_from as the package, and a version that no longer fits (written by
another kdrinks) is left out rather than losing the page. Knows no form and no page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from kdrinks.drinks.model import Drink
from kdrinks.drinks.read import drink_from, load_drinks
from kdrinks.errors import KnowledgeError
from kdrinks.store import drinks as store
from kdrinks.store.db import Database


@dataclass(frozen=True, slots=True)
class DrinkCatalog:
    drinks: tuple[Drink, ...]
    """The packaged ones in their order, then the added ones, oldest first."""
    edited: frozenset[str]
    """Ids of drinks that differ from the package."""
    unfit: tuple[str, ...] = ()
    """Ids whose latest version does not fit; the packaged drink stands in, where there is one."""

    @property
    def by_id(self) -> Mapping[str, Drink]:
        return {drink.id: drink for drink in self.drinks}


def current(db: Database) -> DrinkCatalog:
    """The catalog that answers and pages use. Raises KnowledgeError when the package itself cannot be read."""
    drinks = {drink.id: drink for drink in packaged()}
    edited, unfit = set(), []
    for drink_id, record in store.edited(db).items():
        if record is None:
            continue
        try:
            drinks[drink_id] = drink_from(record)
            edited.add(drink_id)
        except KnowledgeError:
            unfit.append(drink_id)
    # a drink that was taken back may still be named as similar
    whole = tuple(
        drink if all(other in drinks for other in drink.similar)
        else replace(drink, similar=tuple(other for other in drink.similar if other in drinks))
        for drink in drinks.values()
    )  # fmt: skip
    return DrinkCatalog(whole, frozenset(edited), tuple(unfit))


@cache
def packaged() -> tuple[Drink, ...]:
    """The drinks as shipped, read once in a process."""
    return load_drinks()
