"""The drinks as they stand now: those of the package with people's corrections and added drinks over them.

What a person wrote is data: it is checked by the same drink_from as the package, and a correction that does not fit (written by
another kdrinks) is left out rather than losing the page. Knows no form and no page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from kdrinks.drinks import corrections
from kdrinks.drinks.corrections import Conflict, Merged
from kdrinks.drinks.model import Drink
from kdrinks.drinks.read import drink_from, load_drinks
from kdrinks.errors import KnowledgeError
from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.store import drinks as store
from kdrinks.store.db import Database
from kdrinks.store.drinks import Correction, Record


@dataclass(frozen=True, slots=True)
class DrinkCatalog:
    drinks: tuple[Drink, ...]
    """The packaged ones in their order, then the added ones, oldest first."""
    edited: frozenset[str]
    """Ids of drinks that differ from the package."""
    unfit: tuple[str, ...] = ()
    """Ids of which a correction does not fit; there the package stands, where the drink is packaged."""
    conflicts: Mapping[str, tuple[Conflict, ...]] = field(default_factory=dict)
    """By drink id: corrections beside which the package says something else."""

    @property
    def by_id(self) -> Mapping[str, Drink]:
        return {drink.id: drink for drink in self.drinks}


def current(db: Database) -> DrinkCatalog:
    """The catalog that answers and pages use. Raises KnowledgeError when the package itself cannot be read."""
    drinks = {drink.id: drink for drink in packaged()}
    edited, unfit, conflicts = set(), [], {}
    for drink_id, version in store.edited(db).items():
        merged = _merged(drink_id, version)
        if merged.unfit:
            unfit.append(drink_id)
        if merged.conflicts:
            conflicts[drink_id] = merged.conflicts
        if merged.drink is None or merged.drink == drinks.get(drink_id):
            continue
        drinks[drink_id] = merged.drink
        edited.add(drink_id)
    # a drink that was taken back may still be named as similar
    whole = tuple(
        drink if all(other in drinks for other in drink.similar)
        else replace(drink, similar=tuple(other for other in drink.similar if other in drinks))
        for drink in drinks.values()
    )  # fmt: skip
    return DrinkCatalog(whole, frozenset(edited), tuple(unfit), conflicts)


def save(db: Database, who: Visitor, kind: store.ChangeKind, records: Mapping[str, Record]) -> str:
    """Keep what the records of drinks say otherwise than the package, as one change; returns its id.

    Raises NotAllowed, and KnowledgeError for a record that is no drink's: then nothing is kept.
    """
    administrators_only(who)
    before = store.edited(db)
    found = {
        drink_id: corrections.between(
            _packaged().get(drink_id), drink_from(record), _seen(drink_id, before.get(drink_id))
        )
        for drink_id, record in records.items()
    }
    return store.save(db, who, kind, found)


def take_packaged(db: Database, who: Visitor, drink_id: str, dropped: Correction) -> str:
    """Let the package say again what a correction said; returns the change's id. Raises NotAllowed."""
    administrators_only(who)
    own = _seen(drink_id, store.edited(db).get(drink_id))
    return store.save(db, who, "corrected", {drink_id: [one for one in own if one != dropped]})


@cache
def packaged() -> tuple[Drink, ...]:
    """The drinks as shipped, read once in a process."""
    return load_drinks()


def _packaged() -> Mapping[str, Drink]:
    return {drink.id: drink for drink in packaged()}


def _merged(drink_id: str, version: store.Version) -> Merged:
    try:
        own = _corrections(drink_id, version)
    except KnowledgeError:
        return Merged(None, unfit=("record",))
    package = _packaged().get(drink_id)
    merged = corrections.laid_over(package, own) if own else Merged(package)
    if merged.drink is not None and merged.drink.id != drink_id:
        return Merged(None, unfit=("id",))
    return merged


def _corrections(drink_id: str, version: store.Version) -> Sequence[Correction]:
    """Those of a version; raises KnowledgeError for a whole record that is no drink's."""
    return version.corrections if version.record is None else corrections.of_record(drink_id, version.record)


def _seen(drink_id: str, version: store.Version | None) -> Sequence[Correction]:
    """What whoever edits the drink now has before them."""
    try:
        return _corrections(drink_id, version) if version else ()
    except KnowledgeError:
        return ()
