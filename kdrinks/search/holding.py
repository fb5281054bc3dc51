"""Whether a drink holds an ingredient, answered from the facts: yes, no, or only in some of it.

`Is there ginseng in samhaeju?` names a drink and an ingredient; the drink's list says it, in whatever words it is asked.
"""

from collections.abc import Sequence
from dataclasses import replace

from kdrinks.drinks.ingredients import kinds_of, named, parts_of, root_of
from kdrinks.drinks.model import Drink
from kdrinks.findings import Findings, Hit, Understood
from kdrinks.generation import listing, templates
from kdrinks.generation.listing import Held
from kdrinks.kinds import QUOTED
from kdrinks.search.entities import masked
from kdrinks.search.index import Index
from kdrinks.search.query import SENSITIVE_INTENTS, Query
from kdrinks.store import passages

ASKED, WANTS_YES_OR_NO = 0.4, 0.5
"""Probabilities from which a question asks whether something is in a drink, and wants a yes or a no."""


def told(index: Index, query: Query, found: Findings) -> Findings | None:
    """The findings with the answer; None where something else is asked, or somebody must not have it, or nobody knows what is in the drink."""
    # `소주에는 생강도 넣어요?` is read as anything; where the notes say nothing nearer, the list says it
    whether = found.intent == "nearest" and query.reading.polar >= WANTS_YES_OR_NO
    if not (whether or query.reading.share("has_ingredient") >= ASKED):
        return None
    of_somebody = query.concerns or query.intent in SENSITIVE_INTENTS - QUOTED  # nuts are asked after for an allergy
    if len(query.subjects) != 1 or query.suggests or of_somebody:
        return None
    things = [code for _, _, code in named(masked(query.text, query.mentions, " "), query.lang)]
    if not things:
        return None
    drink = query.subjects[0]
    own = passages.of_subjects(index.db, [drink], lang=query.lang)
    listed = next((one for one in own if one.kind == "ingredients"), None)
    if listed is None:
        return None
    made_with = " ".join(templates.sentences(listed))
    text = listing.holds(listed.title, held(index.drinks[drink], list(dict.fromkeys(things))), made_with, query.lang)
    said = replace(listed, id=f"{drink}.listing.{query.lang}", kind="listing", text=text, said=())
    return replace(
        found,
        prompt_hits=(Hit(said, 1.0, None),),
        intent="listing",
        sensitive=False,
        listed=text,
        subjects=(drink,),
        understood=Understood(aspects=("has_ingredient",), subjects=(drink,)),
    )


def held(drink: Drink, things: Sequence[str]) -> list[tuple[str, Held]]:
    """Of each thing whether the drink's list names it, or a kind of it, for certain, perhaps, or not at all."""
    parts = parts_of(drink)
    found: list[tuple[str, Held]] = []
    for thing in things:
        among = kinds_of(thing)
        naming = [part for part in parts if among & set(part.codes)]
        certain = any(part.role != "optional" and set(part.codes) <= among for part in naming)
        found.append((root_of(among), "yes" if certain else "perhaps" if naming else "no"))
    return found
