"""Tags on temperature and sweetness are what the record says, so that a list of hot or unsweetened drinks is right."""

from dataclasses import replace

import pytest

from kdrinks.drinks.derived_tags import is_sweet, sweetening, temperatures
from kdrinks.drinks.model import Bilingual, BilingualList, Drink
from kdrinks.drinks.read import load_drinks

DRINKS = load_drinks()
BY_ID = {drink.id: drink for drink in DRINKS}
SWEETENING = {"sugar", "honey", "sugar_free"}

each_drink = pytest.mark.parametrize("drink", DRINKS, ids=lambda drink: drink.id)


@each_drink
def test_a_drink_is_tagged_as_warm_as_it_is_served(drink: Drink) -> None:
    assert drink.tags.temperature == temperatures(drink.serve)
    assert set(drink.tags.temperature) == set(temperatures(Bilingual("", drink.serve.en)))


@each_drink
def test_a_drink_is_tagged_with_what_sweetens_it(drink: Drink) -> None:
    assert SWEETENING & set(drink.tags.diet) == sweetening(drink)
    assert ("sweet" in drink.tags.mood) == is_sweet(drink)


def test_what_is_never_warmed_is_not_hot() -> None:
    assert temperatures(Bilingual("차게, 데우지 않고", "")) == ("cold",)
    assert temperatures(Bilingual("", "Cold, never warmed")) == ("cold",)
    assert temperatures(Bilingual("차게, 또는 데우거나 상온에서", "")) == ("cold", "hot", "room")
    assert temperatures(Bilingual("", "")) == ()


def test_a_ferment_or_sap_is_not_sold_as_unsweetened() -> None:
    for drink_id in ("jangsu", "gorosoe", "swindari", "andong-sikhye"):
        assert "sugar_free" not in sweetening(BY_ID[drink_id])
    assert sweetening(BY_ID["boricha"]) == {"sugar_free"}
    assert sweetening(BY_ID["gyemyeongju"]) == frozenset(), "its yeast takes the sugar of the malt"


def test_honey_that_may_be_left_out_is_named_but_does_not_make_a_drink_sweet() -> None:
    assert sweetening(BY_ID["insam-cha"]) == {"sugar", "honey"} and not is_sweet(BY_ID["insam-cha"])
    assert is_sweet(BY_ID["daechu-cha"]), "jujubes are sweet without it"
    assert not is_sweet(BY_ID["gukhwa-cha"]), "next to none is taken"
    without = replace(
        BY_ID["yuja-cha"], ingredients=BilingualList(("유자", "물"), ("yuja", "water")), allergens=BilingualList((), ())
    )
    assert sweetening(without) == {"sugar_free"} and not is_sweet(without)
