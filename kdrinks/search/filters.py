"""What a drink must be to be suggested, and how well it fits: what a conversation wished for and left out. Pure; knows no passages.

What the words of a question wish for is read by facets.py.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from kdrinks.drinks.model import Drink
from kdrinks.search import concerns

WEIGHTS: Mapping[str, float] = {
    "occasion": 3.0,
    "region": 3.0,
    "alcohol": 3.0,
    "kind": 2.5,
    "season": 2.0,
    "weather": 2.0,
    "diet": 2.0,
    "caffeine": 2.0,
    "temperature": 1.5,
    "mood": 1.5,
    "taste": 2.0,
    "look": 2.0,
    "base": 2.5,
    "kitchen": 2.5,
}
"""What a met wish adds; a missed one takes half of it away."""

MUST_SUIT = frozenset({"vegan", "sugar_free"})
"""Tags of the group diet that a drink must suit where they were asked for: the others are what it may contain."""

CAREFUL = frozenset(
    {
        *("pregnancy", "infant_under_6m", "infant_under_12m", "child", "minor", "driving", "sobriety"),
        *("blood_thinner", "other_medicine", "diabetes", "blood_pressure", "kidney", "liver"),
    }
)
"""Groups of concerns that leave out liquor, and what a drink's own cautions (Drink.safety) keep from them."""

_NO_CAFFEINE = frozenset({"pregnancy", "infant_under_6m", "infant_under_12m", "child", "minor", "caffeine_sensitive"})
"""Groups of concerns that leave out caffeine."""

_WARNED_OF = CAREFUL - {"child", "diabetes", "sobriety"}
"""Of whom a word in a drink's own cautions is enough to leave it out; of the others too many speak in passing."""

_OUT: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(sorted(CAREFUL), frozenset({"avoid", "ask_professional"})),
    **dict.fromkeys(("pregnancy", "child"), frozenset({"avoid", "ask_professional", "not_known"})),
    **dict.fromkeys(("infant_under_6m", "infant_under_12m"), frozenset({"avoid"})),
}
"""What a drink's own sentence of the group may not say of one that is offered; infants are left the few that need asking first."""

STRONG = 20
"""Percent above which a liquor is strong (Tags.alcohol)."""

_SOFT_GROUPS = frozenset({"diet", "caffeine"})
"""A question with one of these groups that says nothing of liquor is mostly about soft drinks."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for, by group of tags."""

    wanted: Mapping[str, frozenset[str]]
    excluded: frozenset[tuple[str, str]]
    liquor: bool | None
    """True for liquor only, False for none, None for either."""
    asks_what_contains: frozenset[str] = frozenset()
    """Tags of the group diet (gluten, nuts) that the question asks which drinks hold."""
    soft_word: bool = False
    """It says 음료, 차 or tea and nothing of liquor."""
    unfit: frozenset[tuple[str, str]] = frozenset()
    """(ingredient, drink id) of drinks with an ingredient that is not wanted and has no tag: ginger, cinnamon."""
    careful: frozenset[str] = frozenset()
    """Groups of concerns: who is to drink it."""
    allergens: frozenset[str] = frozenset()
    """Tags of the group diet that it names, wanted or not, but for what is only sweet."""

    def __bool__(self) -> bool:
        no_caffeine = self.careful & _NO_CAFFEINE
        return bool(self.wanted or self.excluded or self.asks_what_contains or self.unfit or no_caffeine)

    @property
    def no_liquor(self) -> bool:
        return self.liquor is False or not self.careful.isdisjoint(CAREFUL)

    @property
    def left_out(self) -> "Wishes":
        """What must not be suggested, without what would be welcome: it stands for the rest of a conversation."""
        suits = self.wanted.get("diet", frozenset()) & MUST_SUIT
        return Wishes(
            {"diet": suits} if suits else {},
            frozenset((group, tag) for group, tag in self.excluded if group != "season"),
            False if self.liquor is False else None,
            unfit=self.unfit,
            careful=self.careful,
        )

    @property
    def exclusions(self) -> list[str]:
        """What must not be suggested, each in words that are the same whenever it is the same, and by which it can be taken back."""
        held = self.left_out
        suits = (f"only {tag}" for tag in held.wanted.get("diet", ()))
        tags = (f"{group} {tag}" for group, tag in held.excluded)
        made_with = (f"ingredient {name}" for name, _ in held.unfit)
        liquor = ["liquor"] if held.liquor is False else []
        return sorted({*suits, *tags, *made_with, *held.careful, *liquor})

    @property
    def leaves_out(self) -> bool:
        """Whether it says what must not be suggested."""
        held = self.left_out
        return bool(held or held.liquor is False or held.careful)


NOTHING = Wishes({}, frozenset(), None)


def merged(earlier: Wishes, later: Wishes) -> Wishes:
    """What a conversation wants so far: the later wish stands where both say something of one group.

    Liquor may be asked for again, but not by who is pregnant, a child, driving or on medicine.
    """
    if not later and later.liquor is None and not later.careful:
        return earlier
    wanted = {**earlier.wanted, **later.wanted}
    careful = earlier.careful | later.careful
    liquor = earlier.liquor if later.liquor is None or not careful.isdisjoint(CAREFUL) else later.liquor
    if liquor is False or not careful.isdisjoint(CAREFUL):
        wanted.pop("alcohol", None)
    asked_for = {(group, tag) for group, tags in later.wanted.items() for tag in tags}
    asked_for |= {("diet", tag) for tag in later.asks_what_contains}
    return Wishes(
        wanted,
        (earlier.excluded - asked_for) | later.excluded,
        liquor,
        later.asks_what_contains,
        liquor is None and (earlier.soft_word or later.soft_word),
        earlier.unfit | later.unfit,
        careful,
    )


def without(wishes: Wishes, lifted: Collection[str]) -> Wishes:
    """The wishes less what was taken back: members of Wishes.exclusions."""
    if not lifted:
        return wishes
    suits = frozenset(tag for tag in wishes.wanted.get("diet", ()) if f"only {tag}" not in lifted)
    return replace(
        wishes,
        wanted={**wishes.wanted, "diet": suits} if "diet" in wishes.wanted else wishes.wanted,
        excluded=frozenset((group, tag) for group, tag in wishes.excluded if f"{group} {tag}" not in lifted),
        liquor=None if wishes.liquor is False and "liquor" in lifted else wishes.liquor,
        unfit=frozenset((name, drink) for name, drink in wishes.unfit if f"ingredient {name}" not in lifted),
        careful=wishes.careful - set(lifted),
    )


def may_be_suggested(drink: Drink, wishes: Wishes) -> bool:
    """Whether a drink has nothing of what was said to be left out; what may hold alcohol counts as if it did."""
    if wishes.no_liquor and (not drink.alcohol_free or "fermented" in drink.tags.kind):
        return False
    if wishes.liquor and not wishes.no_liquor and not drink.is_alcoholic:
        return False
    if wishes.careful & _NO_CAFFEINE and drink.tags.caffeine == "yes":
        return False
    if any(drink.id == unfit for _, unfit in wishes.unfit) or any(
        tag in _values(drink, group) for group, tag in wishes.excluded
    ):
        return False
    if not (wishes.wanted.get("diet", frozenset()) & MUST_SUIT) <= set(drink.tags.diet):
        return False
    if any(concerns.speaks_of(group, drink.safety.ko, "ko") for group in wishes.careful & _WARNED_OF):
        return False
    return not any(
        detail.level in _OUT[detail.group] for detail in drink.details if detail.group in wishes.careful & CAREFUL
    )


def fits(drink: Drink, wishes: Wishes) -> float | None:
    """How well a drink meets the wishes, 0 for no wish met or missed; None where it must not be recommended."""
    tags = drink.tags
    if not may_be_suggested(drink, wishes):
        return None
    if "low" in wishes.wanted.get("alcohol", ()) and tags.alcohol != "low":
        return None  # who asks for a weak one relies on it
    feasts, own_feasts = wishes.wanted.get("occasion", frozenset()) & FEASTS, FEASTS & set(tags.occasion)
    if feasts and own_feasts and not feasts & own_feasts:
        return None
    score = 0.0
    if drink.is_alcoholic and wishes.liquor is None:
        score = -3.0 if wishes.wanted.keys() & _SOFT_GROUPS else -1.5 if wishes.soft_word else 0.0
    for tag in wishes.asks_what_contains:
        score += 3.0 if tag in tags.diet else -3.0
    for group, wanted in wishes.wanted.items():
        own = _values(drink, group)
        if group == "alcohol" and "high" in wanted & own and drink.abv_percent and drink.abv_percent.min <= STRONG:
            continue  # only its strongest kinds are: neither met nor missed
        if wanted & own:
            score += WEIGHTS[group] * len(wanted & own) ** 0.5
        elif group == "season" and "all" in own:
            score += 0.25 * WEIGHTS[group]
        else:
            score -= 0.5 * WEIGHTS[group]
    return score


FEASTS = frozenset({"seollal", "daeboreum", "samjinnal", "hansik", "dano", "yudu", "chuseok", "jungyang", "dongji"})
"""Days of the year: what is drunk on one of them is no second choice for another."""


def _values(drink: Drink, group: str) -> frozenset[str]:
    value = getattr(drink.tags, group)
    return frozenset((value,)) if isinstance(value, str) else frozenset(value)


PLACES = frozenset({"region", "kind", "look", "base", "kitchen", "temperature", "alcohol"})
"""Groups of which a drink that has none of what is wished for is no second choice: one from elsewhere, a tea for a liquor, a white one for a red."""


def fitting(ids: Sequence[str], drinks: Mapping[str, Drink], wishes: Wishes) -> list[str]:
    """The drinks that meet the wishes of PLACES and FEASTS as well as the best does; all where there are none, or no drink meets them."""
    wanted = {group: tags for group, tags in wishes.wanted.items() if group in PLACES}
    occasions = wishes.wanted.get("occasion", frozenset())
    if occasions and occasions <= FEASTS:  # a gift at a feast is a gift
        wanted["occasion"] = occasions
    fit = {one: sum(bool(tags & _values(drinks[one], group)) for group, tags in wanted.items()) for one in ids}
    best = max(fit.values(), default=0)
    return [one for one in ids if fit[one] == best]
