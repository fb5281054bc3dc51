"""Corrections fact by fact: what a person wrote stands, what the package says since is there, and what protects people is never hidden."""

import dataclasses
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from kdrinks.drinks import catalog, corrections
from kdrinks.drinks.corrections import between, laid_over
from kdrinks.drinks.model import Bilingual, BilingualList, Detail, Drink, Figure
from kdrinks.drinks.read import drink_from, record_of, whole_record_of
from kdrinks.errors import NotAllowed
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.store import drinks as store
from kdrinks.store.db import Database
from tests.support import store_rows

PACKAGE = {drink.id: drink for drink in catalog.packaged()}
SIKHYE = PACKAGE["sikhye"]
CAUTION = Detail(
    "safety",
    "식혜는 시험 약과 함께 마시지 않습니다.",
    "Do not take sikhye together with the medicine of this test.",
    "high",
    group="other_medicine",
    level="avoid",
)
TIP = Detail("tip", "밥알은 따로 담습니다.", "Keep the grains apart.", "medium")
OWN = Bilingual("식혜는 우리 집 음료입니다.", "Sikhye is a drink of our house.")


@pytest.fixture
def db() -> Iterator[Database]:
    opened = Database.open(None)
    yield opened
    opened.close()


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Drink]]:
    """Makes the package of another day: shipped(drink_id, field=value)."""
    drinks = dict(PACKAGE)

    def ship(drink_id: str, **changes: Any) -> Drink:
        drinks[drink_id] = replace(drinks[drink_id], **changes)
        monkeypatch.setattr(catalog, "packaged", lambda: tuple(drinks.values()))
        return drinks[drink_id]

    yield ship


def correct(db: Database, drink_id: str, **changes: Any) -> str:
    drink = replace(catalog.current(db).by_id[drink_id], **changes)
    return catalog.save(db, ADMINISTRATOR, "corrected", {drink_id: record_of(drink)})


def more(both: BilingualList, ko: str, en: str) -> BilingualList:
    return BilingualList((*both.ko, ko), (*both.en, en))


def less(both: BilingualList, place: int) -> BilingualList:
    return BilingualList(*(tuple(item for at, item in enumerate(items) if at != place) for items in (both.ko, both.en)))


# ---- what is kept


def test_a_correction_is_a_row_for_the_field_that_differs_with_what_the_package_said(db: Database) -> None:
    correct(db, "sikhye", hanja="甘酒")
    (version,) = store.edited(db).values()
    assert [(one.field, one.base, one.value) for one in version.corrections] == [("hanja", "食醯", "甘酒")]
    assert version.record is None


def test_of_a_list_only_the_items_that_differ_are_kept(db: Database) -> None:
    changed = replace(SIKHYE.details[0], ko="우리 집은 적게 만듭니다.", en="We make little.")
    correct(db, "sikhye", aliases=(*SIKHYE.aliases, "감주차"), details=(changed, *SIKHYE.details[1:], TIP))
    found = {(one.field, one.base is None, one.value is None) for one in store.edited(db)["sikhye"].corrections}
    assert found == {("aliases", True, False), ("details", False, False), ("details", True, False)}
    assert len(store.edited(db)["sikhye"].corrections) == 3


def test_a_drink_put_back_to_the_package_by_hand_has_no_correction_left(db: Database) -> None:
    correct(db, "sikhye", hanja="甘酒", summary=OWN)
    correct(db, "sikhye", hanja=SIKHYE.hanja, summary=SIKHYE.summary)
    assert store.edited(db)["sikhye"].corrections == ()
    assert catalog.current(db).edited == frozenset()


@pytest.mark.parametrize("seed", range(40))
def test_any_drink_that_somebody_writes_comes_back_as_written(seed: int) -> None:
    """But for what protects people: nothing of that is taken out here."""
    chance = random.Random(seed)
    package, other = chance.sample(list(PACKAGE.values()), 2)
    fields = [
        field.name for field in dataclasses.fields(Drink) if field.name not in ("id", "safety", "details", "tags")
    ]
    alone = {"is_alcoholic", "abv_percent", "alcohol", "caffeine", "allergens", "cautions"}
    picked = {name: getattr(other, name) for name in chance.sample([n for n in fields if n not in alone], 6)}
    details = [*chance.sample(other.details, 3), *package.details]
    details = [one for one in details if one.aspect == "safety" or chance.random() < 0.7]
    mood = tuple(dict.fromkeys((*other.tags.mood, *package.tags.mood[:1])))
    tags = replace(package.tags, season=other.tags.season, mood=mood)
    wanted = replace(package, **picked, tags=tags, details=tuple(dict.fromkeys(details)))
    wanted = replace(wanted, safety=package.safety)
    merged = laid_over(package, between(package, wanted))
    assert merged.drink is not None and merged.unfit == ()
    assert replace(merged.drink, safety=wanted.safety) == wanted


@pytest.mark.parametrize("drink_id", list(PACKAGE))
def test_a_drink_that_was_never_packaged_is_kept_whole(drink_id: str) -> None:
    assert laid_over(None, between(None, PACKAGE[drink_id])).drink == PACKAGE[drink_id]


# ---- the package of a later day


def test_where_the_package_is_what_it_was_the_persons_text_stands_and_what_it_added_appears(
    db: Database, shipped: Callable[..., Drink]
) -> None:
    correct(db, "sikhye", summary=OWN)
    shipped("sikhye", details=(*SIKHYE.details, CAUTION, TIP), pairing=more(SIKHYE.pairing, "떡", "rice cake"))
    now = catalog.current(db)
    assert now.by_id["sikhye"].summary == OWN
    assert {CAUTION, TIP} <= set(now.by_id["sikhye"].details) and "떡" in now.by_id["sikhye"].pairing.ko
    assert now.conflicts == {}


def test_where_both_changed_a_text_the_persons_stands_and_both_are_known(
    db: Database, shipped: Callable[..., Drink]
) -> None:
    correct(db, "sikhye", summary=OWN)
    newer = Bilingual("식혜는 새 소개입니다.", "Sikhye has a new summary.")
    shipped("sikhye", summary=newer)
    now = catalog.current(db)
    (conflict,) = now.conflicts["sikhye"]
    assert now.by_id["sikhye"].summary == OWN and not conflict.package_stands
    assert (conflict.correction.value["ko"], conflict.package["ko"]) == (OWN.ko, newer.ko)
    change = catalog.take_packaged(db, ADMINISTRATOR, "sikhye", conflict.correction)
    now = catalog.current(db)
    assert now.by_id["sikhye"].summary == newer and now.conflicts == {} and now.edited == frozenset()
    store.undo(db, ADMINISTRATOR, change)
    assert catalog.current(db).by_id["sikhye"].summary == OWN


def test_a_conflict_stays_until_it_is_settled_whatever_else_is_edited(
    db: Database, shipped: Callable[..., Drink]
) -> None:
    correct(db, "sikhye", summary=OWN)
    newer = Bilingual("식혜는 새 소개입니다.", "Sikhye has a new summary.")
    shipped("sikhye", summary=newer)
    correct(db, "sikhye", hanja="甘酒")
    assert [one.correction.field for one in catalog.current(db).conflicts["sikhye"]] == ["summary"]
    later = Bilingual("식혜는 우리 집의 새 음료입니다.", "Sikhye is a new drink of our house.")
    correct(db, "sikhye", summary=later)
    now = catalog.current(db)
    assert now.by_id["sikhye"].summary == later and now.conflicts == {}


def test_what_was_taken_out_stays_away_only_while_it_is_word_for_word_the_same(
    db: Database, shipped: Callable[..., Drink]
) -> None:
    first = next(detail for detail in SIKHYE.details if detail.aspect == "amount")
    rest = [detail for detail in SIKHYE.details if detail != first]
    correct(db, "sikhye", details=tuple(rest), aliases=SIKHYE.aliases[1:])
    shipped("sikhye", details=(replace(first, sources=("https://new.example",)), *rest))
    now = catalog.current(db).by_id["sikhye"]
    assert first.ko not in [detail.ko for detail in now.details] and SIKHYE.aliases[0] not in now.aliases
    reworded = replace(first, ko="식혜 15인분에는 쌀 6컵을 씁니다.")
    shipped("sikhye", details=(reworded, *rest))
    assert reworded in catalog.current(db).by_id["sikhye"].details


def test_an_item_that_the_package_took_over_from_a_person_stands_there_once(
    db: Database, shipped: Callable[..., Drink]
) -> None:
    correct(db, "sikhye", aliases=(*SIKHYE.aliases, "감주차"), details=(*SIKHYE.details, TIP))
    shipped("sikhye", aliases=("감주차", *SIKHYE.aliases), details=(TIP, *SIKHYE.details))
    now = catalog.current(db).by_id["sikhye"]
    assert now.aliases.count("감주차") == 1 and now.details.count(TIP) == 1


def test_a_sentence_that_both_rewrote_is_there_in_both_wordings_and_said_so(
    db: Database, shipped: Callable[..., Drink]
) -> None:
    first, *rest = SIKHYE.details
    mine = replace(first, ko="우리 집은 쌀 두 컵으로 만듭니다.", confidence="medium")
    correct(db, "sikhye", details=(mine, *rest))
    theirs = replace(first, ko="식혜 15인분에는 쌀 6컵을 씁니다.")
    shipped("sikhye", details=(theirs, *rest))
    now = catalog.current(db)
    assert {mine, theirs} <= set(now.by_id["sikhye"].details)
    (conflict,) = now.conflicts["sikhye"]
    assert conflict.package is None and conflict.correction.base["ko"] == first.ko


def test_steps_are_one_recipe(db: Database, shipped: Callable[..., Drink]) -> None:
    mine = BilingualList(("우리 집 법대로 만듭니다.",), ("Make it our way.",))
    correct(db, "sikhye", steps=mine)
    shipped("sikhye", steps=more(SIKHYE.steps, "맛을 봅니다.", "Taste it."))
    now = catalog.current(db)
    assert now.by_id["sikhye"].steps == mine
    assert [one.correction.field for one in now.conflicts["sikhye"]] == ["steps"]


# ---- what protects people


@pytest.mark.parametrize("drink_id", ["sikhye", "nokcha", "makgeolli", "kkulmul", "moju", "hyeonmi-cha"])
def test_a_new_caution_or_allergen_is_never_hidden_by_an_older_correction(
    db: Database, shipped: Callable[..., Drink], drink_id: str
) -> None:
    drink = PACKAGE[drink_id]
    correct(
        db,
        drink_id,
        allergens=more(drink.allergens, "시험콩", "test beans"),
        cautions=more(drink.cautions, "우리 집에서는 조심합니다.", "We are careful at home."),
        details=tuple(reversed(drink.details)),
    )
    shipped(
        drink_id,
        allergens=more(drink.allergens, "메밀", "buckwheat"),
        cautions=more(drink.cautions, "새로 알려진 주의입니다.", "This is a new caution."),
        details=(CAUTION, *drink.details),
        tags=replace(drink.tags, diet=(*drink.tags.diet, "buckwheat")),
    )
    now = catalog.current(db).by_id[drink_id]
    assert {"메밀", "시험콩"} <= set(now.allergens.ko) and "buckwheat" in now.tags.diet
    assert CAUTION in now.details
    for text in ("메밀", "시험콩", "새로 알려진 주의입니다.", "우리 집에서는 조심합니다."):
        assert text in now.safety.ko
    for text in ("buckwheat", "test beans", "This is a new caution.", "We are careful at home."):
        assert text in now.safety.en


@pytest.mark.parametrize("drink_id", list(PACKAGE))
def test_a_caution_that_somebody_takes_out_stays_and_they_are_told(db: Database, drink_id: str) -> None:
    drink = PACKAGE[drink_id]
    nothing = BilingualList((), ())
    harmless = Bilingual("누구나 마음껏 마셔도 됩니다.", "Anybody may have as much as they like.")
    bare = replace(
        drink,
        allergens=nothing,
        cautions=nothing,
        details=tuple(detail for detail in drink.details if detail.aspect != "safety"),
        tags=replace(drink.tags, diet=()),
        safety=harmless,
    )
    told = corrections.taken_out(drink, bare)
    catalog.save(db, ADMINISTRATOR, "corrected", {drink_id: record_of(bare)})
    now = catalog.current(db)
    kept = now.by_id[drink_id]
    assert (kept.allergens, kept.cautions) == (drink.allergens, drink.cautions)
    assert [one for one in kept.details if one.aspect == "safety"] == [
        one for one in drink.details if one.aspect == "safety"
    ]
    assert drink.safety.ko in kept.safety.ko and drink.safety.en in kept.safety.en
    stays = [one for one in now.conflicts.get(drink_id, ()) if one.package_stands]
    assert len(stays) == len(told) > 0


def test_a_caution_rewritten_stands_beside_the_packages(db: Database) -> None:
    drink = PACKAGE["sujeonggwa"]
    mine = BilingualList(("계피를 많이 먹지 않습니다.",), ("Go easy on cinnamon.",))
    correct(db, "sujeonggwa", cautions=mine)
    now = catalog.current(db).by_id["sujeonggwa"]
    assert set(now.cautions.ko) == {*drink.cautions.ko, *mine.ko}
    assert all(line in now.safety.ko for line in (*drink.cautions.ko, *mine.ko))
    assert not any(one.value is None and one.base is None for one in store.edited(db)["sujeonggwa"].corrections)


def test_a_level_of_safety_cannot_be_talked_down_but_its_source_be_mended(db: Database) -> None:
    place, warning = next((place, detail) for place, detail in enumerate(SIKHYE.details) if detail.level == "avoid")
    softer = replace(warning, level="fine_in_usual_amounts")
    sourced = replace(warning, sources=("https://example.org/study",))
    for mine in (softer, sourced):
        correct(db, "sikhye", details=(*SIKHYE.details[:place], mine, *SIKHYE.details[place + 1 :]))
        details = catalog.current(db).by_id["sikhye"].details
        assert (warning in details) == (mine is softer) and mine in details


@pytest.mark.parametrize(("now_said", "stands"), [("maybe", "package"), ("none", "person")])
def test_of_two_strengths_the_one_that_warns_more_stands_where_the_package_changed(
    db: Database, shipped: Callable[..., Drink], now_said: str, stands: str
) -> None:
    mine = Bilingual("식혜에는 알코올이 전혀 없습니다.", "Sikhye has no alcohol at all.")
    correct(db, "sikhye", alcohol=mine)
    theirs = Bilingual("식혜의 알코올을 다시 살폈습니다.", "The alcohol of sikhye was looked at again.")
    none = None if now_said == "maybe" else SIKHYE.abv_percent
    shipped("sikhye", alcohol=theirs, abv_percent=none, tags=replace(SIKHYE.tags, alcohol=now_said))
    now = catalog.current(db)
    drink = now.by_id["sikhye"]
    assert drink.alcohol == (theirs if stands == "package" else mine)
    assert drink.alcohol_free == (now_said == "none")
    assert [one.package_stands for one in now.conflicts["sikhye"]] == [stands == "package"]


def test_caffeine_that_the_package_found_since_is_said(db: Database, shipped: Callable[..., Drink]) -> None:
    correct(db, "sikhye", caffeine=Bilingual("카페인은 없습니다.", "It has none."))
    found = Bilingual("식혜에는 카페인이 있습니다.", "Sikhye contains caffeine.")
    shipped("sikhye", caffeine=found, tags=replace(SIKHYE.tags, caffeine="yes"))
    now = catalog.current(db).by_id["sikhye"]
    assert now.caffeine == found and now.tags.caffeine == "yes"


def test_nobody_else_corrects_or_takes_back(db: Database) -> None:
    with pytest.raises(NotAllowed):
        catalog.save(db, Visitor("somebody"), "corrected", {})
    with pytest.raises(NotAllowed):
        catalog.take_packaged(db, Visitor("somebody"), "sikhye", store.Correction("hanja", 0, "a", "b"))


# ---- edits of the kdrinks before


def then(drink_id: str, **changes: Any) -> dict[str, Any]:
    """The whole record of commit b7ffbff with something edited, as it was kept then: it knew no pronunciation and no details."""
    record = record_of(corrections.package_of_then()[drink_id])
    assert not {"details", "pronunciation"} & record.keys()
    return {**record, "confidence": "medium", **changes}


def test_an_old_correction_of_a_summary_gets_all_that_the_package_has_learned_since(
    db: Database, shipped: Callable[..., Drink]
) -> None:
    store_rows.edited_before(db, {"sikhye": then("sikhye", summary={"ko": OWN.ko, "en": OWN.en})})
    frozen = Detail(
        "freezing", "식혜는 얼릴 수 있습니다.", "Sikhye can be frozen.", "high", (Figure("", 1, 2, "days"),)
    )
    package = shipped("sikhye", details=(*SIKHYE.details, frozen))
    now = catalog.current(db)
    assert now.by_id["sikhye"] == replace(package, summary=OWN, confidence="medium")
    assert frozen in now.by_id["sikhye"].details and now.by_id["sikhye"].pronunciation == SIKHYE.pronunciation
    assert now.conflicts == {} and now.unfit == ()


@pytest.mark.parametrize("drink_id", list(PACKAGE))
def test_an_old_correction_of_any_drink_hides_nothing_of_today(db: Database, drink_id: str) -> None:
    package = PACKAGE[drink_id]
    store_rows.edited_before(db, {drink_id: then(drink_id, occasion={"ko": "잔칫날", "en": "at feasts"})})
    now = catalog.current(db)
    assert now.unfit == () and now.conflicts == {}
    expected = replace(package, occasion=Bilingual("잔칫날", "at feasts"))
    assert replace(now.by_id[drink_id], confidence=package.confidence) == expected


@pytest.mark.parametrize("drink_id", ["swindari", "gamju", "yeonyeop-sikhye"])
def test_an_old_edit_of_the_strength_does_not_make_a_drink_safe_that_may_hold_alcohol(
    db: Database, drink_id: str
) -> None:
    text = {"ko": "우리 집 것은 알코올이 없습니다.", "en": "Ours has no alcohol."}
    store_rows.edited_before(db, {drink_id: then(drink_id, alcohol=text)})
    now = catalog.current(db)
    assert not now.by_id[drink_id].alcohol_free
    assert any(one.correction.field == "alcohol" for one in now.conflicts[drink_id])


def test_old_and_new_changes_are_taken_back_in_their_order(db: Database) -> None:
    first = store_rows.edited_before(db, {"sikhye": then("sikhye", hanja="一")})
    second = store_rows.edited_before(db, {"sikhye": then("sikhye", hanja="二", summary={"ko": OWN.ko, "en": OWN.en})})
    third = correct(db, "sikhye", hanja="三")
    fields = {one.field for one in store.edited(db)["sikhye"].corrections}
    assert fields == {"hanja", "summary", "confidence"}
    now = catalog.current(db).by_id["sikhye"]
    assert (now.hanja, now.summary, now.details) == ("三", OWN, SIKHYE.details)
    undone = store.undo(db, ADMINISTRATOR, third)
    now = catalog.current(db).by_id["sikhye"]
    assert (now.hanja, now.summary, now.details) == ("二", OWN, SIKHYE.details)
    store.undo(db, ADMINISTRATOR, undone)
    assert catalog.current(db).by_id["sikhye"].hanja == "三"
    assert [change.can_be_undone for change in store.changes(db)] == [True, False, False, False, False]
    assert [change.id for change in store.changes(db)][-2:] == [second, first]


def test_an_old_added_drink_keeps_everything_and_can_be_corrected_and_taken_back(db: Database) -> None:
    added = {**then("sikhye"), "id": "uri-sikhye", "name_ko": "우리식혜", "title_ko": "우리식혜"}
    change = store_rows.edited_before(db, {"uri-sikhye": added}, kind="added")
    assert record_of(catalog.current(db).by_id["uri-sikhye"]) == added
    correct(db, "uri-sikhye", cautions=BilingualList((), ()), safety=Bilingual("", ""), details=(TIP,))
    mine = catalog.current(db).by_id["uri-sikhye"]
    assert mine.cautions.ko == () and mine.details == (TIP,), "nothing of it is the package's"
    store.undo(db, ADMINISTRATOR, store.changes(db)[0].id)
    assert record_of(catalog.current(db).by_id["uri-sikhye"]) == added
    assert not store.changes(db)[-1].can_be_undone and store.changes(db)[-1].id == change


def test_a_drink_that_somebody_added_and_the_package_has_since_is_theirs_with_the_packages_cautions(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = drink_from({**then("sikhye", summary={"ko": OWN.ko, "en": OWN.en}), "id": "new-tea"})
    catalog.save(db, ADMINISTRATOR, "added", {"new-tea": record_of(own)})
    monkeypatch.setattr(catalog, "packaged", lambda: (*PACKAGE.values(), replace(PACKAGE["nokcha"], id="new-tea")))
    now = catalog.current(db).by_id["new-tea"]
    assert now.summary == OWN and set(PACKAGE["nokcha"].cautions.ko) <= set(now.cautions.ko)
    assert now.tags.caffeine == "yes", "the package warns of it"


# ---- what does not fit


@pytest.mark.parametrize("seed", range(60))
def test_whatever_an_edit_holds_the_catalog_opens_and_the_package_stands(db: Database, seed: int) -> None:
    chance = random.Random(seed)
    odd: list[Any] = [None, 0, -1.5, "", "가", [], {}, [None], {"ko": 1}, {"ko": ["가"], "en": []}, True, [[["x"]]]]
    record = then("sikhye") if seed % 2 else whole_record_of(SIKHYE)
    record[chance.choice(list(record))] = chance.choice(odd)
    store_rows.edited_before(db, {"sikhye": record, "sujeonggwa": {**then("nokcha"), chance.choice("abc"): 1}})
    fields = [*corrections._parts(SIKHYE), "glow"]
    strange = [
        store.Correction(chance.choice(fields), chance.choice((-3, 0, 99)), chance.choice(odd), chance.choice(odd))
        for _ in range(4)
    ]
    store.save(db, ADMINISTRATOR, "corrected", {"makgeolli": strange, "nowhere": strange})
    now = catalog.current(db)
    assert {drink.id for drink in now.drinks} - {"nowhere"} == set(PACKAGE)
    for drink_id in ("sikhye", "makgeolli"):
        assert set(PACKAGE[drink_id].cautions.ko) <= set(now.by_id[drink_id].cautions.ko)
        safety = {detail for detail in PACKAGE[drink_id].details if detail.aspect == "safety"}
        assert safety <= set(now.by_id[drink_id].details)
    assert "sujeonggwa" in now.unfit
    for change in store.changes(db):
        store.undo(db, ADMINISTRATOR, change.id)
    assert catalog.current(db).drinks == catalog.packaged()


def test_a_list_of_unequal_languages_in_an_old_edit_leaves_the_package(db: Database) -> None:
    record = then("sikhye", ingredients={"ko": ["쌀", "물"], "en": ["rice"]})
    store_rows.edited_before(db, {"sikhye": record})
    now = catalog.current(db)
    assert now.by_id["sikhye"] == SIKHYE and now.unfit == ("sikhye",)
