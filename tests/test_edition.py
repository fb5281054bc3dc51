"""Drinks as people edit them: what a correction does to answers, how it is taken back, and that files come back the same."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kdrinks import i18n
from kdrinks.charts.drinks import PLACES, by_region, by_season
from kdrinks.drinks import browse, catalog, form, import_export
from kdrinks.drinks.browse import DrinkFilter
from kdrinks.drinks.catalog import DrinkCatalog
from kdrinks.drinks.form import DrinkForm
from kdrinks.drinks.names import packaged_names
from kdrinks.drinks.read import drink_from, record_of
from kdrinks.drinks.sources import describe
from kdrinks.errors import BadInput
from kdrinks.records import ADMINISTRATOR
from kdrinks.search.knowledge import Knowledge
from kdrinks.store import drinks as store
from kdrinks.store.db import Database
from kdrinks.store.drinks import Correction
from kdrinks.text.analyzer import TextAnalyzer
from tests.support import store_rows

NEW = DrinkForm(
    id="heugimja-cha",
    name_ko="흑임자차",
    name_en="Heugimja-cha (black sesame tea)",
    aliases=("검은깨차", "heuk-imja-cha"),
    ko={
        "summary": "흑임자차는 볶은 검은깨를 갈아 뜨거운 물에 탄 고소한 차입니다.",
        "ingredients": ("검은깨", "꿀"),
        "steps": ("검은깨를 볶아 갑니다.", "뜨거운 물에 탑니다."),
        "allergens": ("깨",),
    },
    en={
        "summary": "Heugimja-cha is a nutty tea of roasted black sesame ground into hot water.",
        "ingredients": ("black sesame", "honey"),
        "steps": ("Roast and grind the sesame.", "Stir it into hot water."),
        "allergens": ("sesame",),
    },
    tags={"kind": ("seed_tea",), "season": ("winter",), "diet": ("sesame", "honey")},
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "kdrinks.duckdb")
    yield opened
    opened.close()


def corrected(now: DrinkCatalog, drink_id: str, **changes: Any) -> dict[str, Any]:
    return {**record_of(now.by_id[drink_id]), **changes}


def test_answers_use_a_correction_at_once_and_the_old_text_after_undo(db: Database, words: TextAnalyzer) -> None:
    knowledge = Knowledge(db, words)
    knowledge.fill()
    question = "식혜는 어떤 음료인가요?"
    before = [hit.passage.text for hit in knowledge.find(question).prompt_hits]
    summary = {"ko": "식혜는 이 집에서 유자를 띄우는 음료입니다.", "en": "Sikhye is served here with yuja."}
    change = catalog.save(
        db, ADMINISTRATOR, "corrected", {"sikhye": corrected(catalog.current(db), "sikhye", summary=summary)}
    )
    knowledge.renew()
    assert summary["ko"] in [hit.passage.text for hit in knowledge.find(question).prompt_hits]
    assert summary["en"] in [hit.passage.text for hit in knowledge.find("What is sikhye?").prompt_hits]
    store.undo(db, ADMINISTRATOR, change)
    knowledge.renew()
    assert [hit.passage.text for hit in knowledge.find(question).prompt_hits] == before


def test_a_new_drink_is_found_by_name_and_alias_and_gone_after_undo(db: Database, words: TextAnalyzer) -> None:
    knowledge = Knowledge(db, words)
    knowledge.fill()
    assert form.validate(NEW, catalog.current(db).by_id, is_new=True) == []
    change = catalog.save(db, ADMINISTRATOR, "added", {NEW.id: form.record_from(NEW, None)})
    knowledge.renew()
    for question in ("흑임자차는 어떻게 만드나요?", "검은깨차 재료가 뭐예요?", "How do I make heugimja-cha?"):
        found = knowledge.find(question)
        assert found.subjects[:1] == (NEW.id,), question
        assert {hit.passage.subject_id for hit in found.prompt_hits} == {NEW.id}
    store.undo(db, ADMINISTRATOR, change)
    knowledge.renew()
    assert NEW.id not in {hit.passage.subject_id for hit in knowledge.find("흑임자차는 어떻게 만드나요?").hits}
    assert NEW.id not in catalog.current(db).by_id


def test_a_new_drink_is_a_drink_for_charts_at_once(db: Database) -> None:
    own = TextAnalyzer(packaged_names())
    packaged = dict(own._shown), own._latin_names
    knowledge = Knowledge(db, own)
    knowledge.fill()
    assert (own._shown, own._latin_names) == packaged  # the packaged drinks are known already
    said = "검은깨차랑 흑 임자차를 마셨다. I like Heugimja-cha."
    before = {one.word for one in own.count(said) if one.pos == "drink"}
    catalog.save(db, ADMINISTRATOR, "added", {NEW.id: form.record_from(NEW, None)})
    knowledge.renew()
    assert before == {"흑임자차"}  # one that the packaged list of words has already
    assert {one.word for one in own.count(said) if one.pos == "drink"} == {
        "검은깨차",
        "흑임자차",
    }  # one name for both languages


def test_an_edit_survives_the_end_of_the_program(tmp_path: Path) -> None:
    first = Database.open(tmp_path / "kdrinks.duckdb")
    catalog.save(
        first, ADMINISTRATOR, "corrected", {"sikhye": corrected(catalog.current(first), "sikhye", hanja="甘酒")}
    )
    first.close()
    second = Database.open(tmp_path / "kdrinks.duckdb")
    assert catalog.current(second).by_id["sikhye"].hanja == "甘酒"
    assert catalog.current(second).edited == {"sikhye"}
    second.close()


def test_changes_are_taken_back_newest_first_and_undo_can_be_undone(db: Database) -> None:
    now = catalog.current(db)
    first = catalog.save(db, ADMINISTRATOR, "corrected", {"sikhye": corrected(now, "sikhye", hanja="一")})
    second = catalog.save(
        db, ADMINISTRATOR, "imported", {name: corrected(now, name, hanja="二") for name in ("sikhye", "sujeonggwa")}
    )
    assert [change.can_be_undone for change in store.changes(db)] == [True, False]
    with pytest.raises(BadInput) as refused:
        store.undo(db, ADMINISTRATOR, first)
    assert refused.value.key == "change_not_latest"
    undone = store.undo(db, ADMINISTRATOR, second)
    assert [catalog.current(db).by_id[name].hanja for name in ("sikhye", "sujeonggwa")] == [
        "一",
        now.by_id["sujeonggwa"].hanja,
    ]
    store.undo(db, ADMINISTRATOR, undone)
    assert [catalog.current(db).by_id[name].hanja for name in ("sikhye", "sujeonggwa")] == ["二", "二"]
    assert [change.kind for change in store.changes(db, drink_id="sujeonggwa")] == ["undone", "undone", "imported"]
    assert len(store.changes(db)) == 4
    with pytest.raises(BadInput):
        store.undo(db, ADMINISTRATOR, "00000000-0000-7000-8000-000000000000")


def test_a_version_that_no_longer_fits_leaves_the_packaged_drink(db: Database) -> None:
    store_rows.edited_before(db, {"sikhye": {"id": "sikhye", "name_ko": "식혜"}, "nothing": {}})
    now = catalog.current(db)
    assert now.by_id["sikhye"] in catalog.packaged()
    assert set(now.unfit) == {"sikhye", "nothing"}
    assert len(now.drinks) == len(catalog.packaged())


def test_of_a_version_that_fits_in_part_the_rest_counts(db: Database) -> None:
    unheard = Correction("glow", 0, None, {"ko": "빛납니다.", "en": "It glows."})
    broken = Correction("summary", 0, {"ko": "가", "en": "a"}, "a text")
    hanja = Correction("hanja", 0, "食醯", "甘酒")
    store.save(db, ADMINISTRATOR, "corrected", {"sikhye": [unheard, broken, hanja]})
    now = catalog.current(db)
    packaged = next(drink for drink in catalog.packaged() if drink.id == "sikhye")
    assert now.by_id["sikhye"] == replace(packaged, hanja="甘酒") and now.unfit == ("sikhye",)


def test_every_packaged_drink_opens_in_the_form_and_saves_unchanged() -> None:
    drinks = catalog.packaged()
    known = {drink.id for drink in drinks}
    for drink in drinks:
        typed = form.form_from(drink)
        assert form.validate(typed, known, is_new=False) == [], drink.id
        assert form.record_from(typed, drink) == record_of(drink)


@pytest.mark.parametrize(
    ("typed", "field", "key"),
    [
        (replace(NEW, id="Sik Hye"), "id", "id_shape"),
        (replace(NEW, id="gen-tea"), "id", "id_shape"),
        (replace(NEW, id="sikhye"), "id", "id_taken"),
        (replace(NEW, name_ko=""), "name_ko", "missing"),
        (replace(NEW, name_ko="Heugimja"), "name_ko", "script_ko"),
        (replace(NEW, name_en="흑임자차"), "name_en", "script_en"),
        (replace(NEW, ko={**NEW.ko, "summary": "고소한 차"}), "summary_ko", "polite"),
        (replace(NEW, en={**NEW.en, "summary": "a nutty tea"}), "summary_en", "period"),
        (replace(NEW, ko={**NEW.ko, "summary": "가" * 400 + "다."}), "summary_ko", "too_long"),
        (replace(NEW, ko={**NEW.ko, "steps": ("검은깨를 볶습니다.",)}), "steps", "unequal"),
        (replace(NEW, ko={**NEW.ko, "region": "전국"}), "region_en", "other_language"),
        (replace(NEW, abv_min=9.0, abv_max=4.0), "abv", "abv_order"),
        (replace(NEW, is_alcoholic=True), "abv", "abv_missing"),
        (replace(NEW, tags={}), "kind", "missing"),
        (replace(NEW, similar=("nowhere",)), "similar", "similar_unknown"),
        (replace(NEW, sources=("javascript:alert(1)",)), "sources", "address"),
        (replace(NEW, facts=({"ko": "", "en": "It is old.", "sources": ()},)), "facts_ko", "row_missing"),
        (
            replace(NEW, heritage=({"ko": "옛 차입니다.", "en": "It is old.", "sources": ("here",)},)),
            "heritage_sources",
            "address",
        ),
    ],
)
def test_a_wrong_field_is_named(typed: DrinkForm, field: str, key: str) -> None:
    known = {drink.id for drink in catalog.packaged()}
    found = form.validate(typed, known, is_new=True)
    assert [(problem.field, problem.key) for problem in found] == [(field, key)]
    for lang in i18n.LANGUAGES:
        assert i18n.text(f"drinks.problems.{key}", lang, **found[0].values)


def test_liquor_and_honey_bring_their_cautions_even_when_nobody_typed_them() -> None:
    record = form.record_from(replace(NEW, is_alcoholic=True, abv_min=6.0, abv_max=7.0), None)
    drink = drink_from(record)
    assert drink.alcohol.ko == "흑임자차는 술입니다. 도수는 6~7%입니다."
    assert drink.tags.alcohol == "low"
    assert "임신" in drink.safety.ko and "12개월" in drink.safety.ko
    assert "pregnant" in drink.safety.en and "12 months" in drink.safety.en


@pytest.mark.parametrize("abv_max", [0.0, 1.5])
def test_a_drink_that_may_contain_alcohol_says_so_and_is_never_alcohol_free(abv_max: float) -> None:
    drink = drink_from(form.record_from(replace(NEW, may_contain_alcohol=True, abv_max=abv_max), None))
    assert not drink.is_alcoholic and not drink.alcohol_free and drink.tags.alcohol == "maybe"
    assert (drink.abv_percent is None) == (not abv_max)
    assert "있을 수 있습니다" in drink.alcohol.ko and "may contain" in drink.alcohol.en
    assert "임신" in drink.safety.ko and "pregnant" in drink.safety.en
    free = drink_from(form.record_from(replace(form.form_from(drink), may_contain_alcohol=False, abv_max=0.0), drink))
    assert free.alcohol_free and free.abv_percent and "contains no alcohol" in free.alcohol.en


@pytest.mark.parametrize("kind", import_export.FORMATS)
def test_an_exported_file_comes_back_the_same(db: Database, kind: str) -> None:
    record = form.record_from(
        replace(NEW, hanja="=SUM(A1)", aliases=("-a", "'quoted"), sources=("https://a.kr/?q=1",)), None
    )
    catalog.save(db, ADMINISTRATOR, "added", {NEW.id: record})
    now = catalog.current(db)
    content = (import_export.as_jsonl if kind == "jsonl" else import_export.as_csv)(now.drinks)
    assert import_export.read(content, f"drinks.{kind}", now) == import_export.ImportDiff({}, {}, len(now.drinks), ())
    into_packaged = import_export.read(content, f"drinks.{kind}", DrinkCatalog(catalog.packaged(), frozenset()))
    assert into_packaged.new == {NEW.id: record}
    assert into_packaged.changed == {}


def test_a_spreadsheet_runs_no_cell_of_an_exported_file(db: Database) -> None:
    catalog.save(
        db, ADMINISTRATOR, "added", {NEW.id: form.record_from(replace(NEW, hanja='=HYPERLINK("http://x")'), None)}
    )
    text = import_export.as_csv(catalog.current(db).drinks).decode("utf-8-sig")
    assert "'=HYPERLINK" in text and ',"=HYPERLINK' not in text


def test_an_edited_csv_changes_only_what_was_edited(db: Database) -> None:
    now = catalog.current(db)
    text = import_export.as_csv(now.drinks).decode("utf-8-sig").replace("食醯", "甘酒", 1)
    found = import_export.read(text.encode("utf-8-sig"), "drinks.csv", now)
    assert (found.new, found.same, found.wrong) == ({}, len(now.drinks) - 1, ())
    assert found.changed == {"sikhye": corrected(now, "sikhye", hanja="甘酒")}


@pytest.mark.parametrize(
    ("content", "name", "key"),
    [
        (b"", "a.jsonl", "import_empty"),
        (b"\n\n", "a.csv", "import_columns"),
        (b"{", "a.jsonl", "import_line"),
        (b"[1]", "a.jsonl", "import_line"),
        (b"[" * 100_000, "a.jsonl", "import_line"),
        ("식혜".encode("cp949"), "a.csv", "import_unreadable"),
        (b"id,name\n", "a.csv", "import_columns"),
        (b"x", "a.xlsx", "import_format"),
        (b"x" * (import_export.SIZE_MAX_BYTES + 1), "a.csv", "import_too_large"),
    ],
)
def test_a_broken_file_says_what_is_wrong(content: bytes, name: str, key: str) -> None:
    with pytest.raises(BadInput) as refused:
        import_export.read(content, name, DrinkCatalog(catalog.packaged(), frozenset()))
    assert refused.value.key == key
    assert refused.value.message("ko") and refused.value.hint("en")


def test_a_row_that_does_not_fit_is_named_by_row_drink_and_field() -> None:
    now = DrinkCatalog(catalog.packaged(), frozenset())
    content = import_export.as_jsonl(now.drinks).decode().splitlines()
    content[2] = content[2].replace('"is_alcoholic": false', '"is_alcoholic": "maybe"')
    content.append(content[0])
    found = import_export.read("\n".join(content).encode(), "a.jsonl", now)
    assert [(row, drink_id, problem.key) for row, drink_id, problem in found.wrong] == [
        (3, "gamju", "shape"),
        (len(content), "sikhye", "twice"),
    ]
    assert "is_alcoholic" in str(found.wrong[0][2].values["reason"])


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("막 걸리", "makgeolli"),
        ("SIKHYE", "sikhye"),
        ("shikhye", "sikhye"),
        ("食醯", "sikhye"),
        ("Andong soju", "andong-soju"),
    ],
)
def test_the_shelf_finds_a_drink_however_its_name_is_written(text: str, first: str) -> None:
    assert browse.filter_drinks(catalog.packaged(), DrinkFilter(text=text))[0].id == first


def test_the_filters_narrow_together() -> None:
    drinks = catalog.packaged()
    found = browse.filter_drinks(
        drinks,
        DrinkFilter(family=frozenset({"tea"}), season=frozenset({"winter"}), exclude_allergens=frozenset({"honey"})),
    )
    assert found
    for drink in found:
        assert browse.family(drink) == "tea" and "winter" in drink.tags.season and "honey" not in drink.tags.diet
    assert browse.filter_drinks(drinks, DrinkFilter(text="없는음료이름")) == []
    assert "makgeolli" in [drink.id for drink in browse.nearest(drinks, "makkolli")]


def test_every_drink_stands_in_the_pictures() -> None:
    drinks = catalog.packaged()
    chart = by_season(drinks, "ko", {name: name for name in browse.SEASONS}).to_dict()
    rows = [row for rows in chart["datasets"].values() for row in rows]
    for drink in drinks:
        own = [row for row in rows if row["family"] == browse.family(drink) and row["season"] in drink.tags.season]
        assert len(own) == len(drink.tags.season) > 0 and all(row["count"] > 0 for row in own)
    chart = by_region(drinks, "en", {name: name for name in PLACES}).to_dict()
    counts = {row["region"]: row["count"] for rows in chart["datasets"].values() for row in rows}
    assert counts["jeju"] == sum("jeju" in drink.tags.region for drink in drinks) > 0
    assert len(set(PLACES.values())) == len(PLACES)


def test_a_source_has_a_title_and_a_host_and_a_mirror_says_so() -> None:
    mirror = describe("https://namu.moe/w/%EB%8F%99%EB%8F%99%EC%A3%BC", "ko")
    assert (mirror.title, mirror.host, mirror.mirror) == ("나무위키: 동동주", "namu.moe", True)
    original = describe("https://ko.wikipedia.org/wiki/%EC%8B%9D%ED%98%9C", "en")
    assert (original.title, original.mirror) == ("Korean Wikipedia: 식혜", False)
    assert describe("https://unheard.example/x", "ko").title == "unheard.example"
