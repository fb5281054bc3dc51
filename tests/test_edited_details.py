"""Details as people meet them: on a drink's page, in the form's table, in files; what does not fit is told by line and field."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from kdrinks import i18n, kinds
from kdrinks.drinks import browse, catalog, corrections, detail_rows, form, import_export
from kdrinks.drinks.browse import DrinkFilter
from kdrinks.drinks.catalog import DrinkCatalog
from kdrinks.drinks.import_export import ImportDiff
from kdrinks.drinks.model import Aspect, Drink, Group, Level, Unit
from kdrinks.drinks.read import drink_from, record_of, whole_record_of
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import drinks as store
from kdrinks.store.db import Database
from kdrinks.ui.frame import get_services
from tests.support.app_pages import open_page, shown

PACKAGE = {drink.id: drink for drink in catalog.packaged()}
SIKHYE = PACKAGE["sikhye"]
NOW = DrinkCatalog(catalog.packaged(), frozenset())
GOOD = {
    **dict.fromkeys(detail_rows.TEXTS, ""),
    "aspect": "storage",
    "ko": "냉장고에서 사흘 둡니다.",
    "en": "It keeps three days in the fridge.",
    "figures": "fridge: 3 days",
    "sources": ("https://example.org/a",),
}


# ---- the form's table


@pytest.mark.parametrize("drink", catalog.packaged(), ids=list(PACKAGE))
def test_every_packaged_detail_opens_as_a_row_and_is_the_same_again(drink: Drink) -> None:
    rows = [detail_rows.row_of(detail) for detail in drink.details]
    assert list(detail_rows.problems(rows)) == []
    assert [detail_rows.record_from(row, drink.details) for row in rows] == [record_of(one) for one in drink.details]
    alone = [detail_rows.record_from(row, ()) for row in rows]
    assert [{**one, "confidence": ""} for one in alone] == [
        {**record_of(one), "confidence": ""} for one in drink.details
    ], "figures too are read from the text alone"


@pytest.mark.parametrize(
    ("typed", "figures"),
    [
        ("rice: 5 cup", [("rice", 5, 5, "cup")]),
        ("rice: 5 cup; malt powder: 2~2.5 cup", [("rice", 5, 5, "cup"), ("malt powder", 2, 2.5, "cup")]),
        ("freezer: -20~-18 degC", [("freezer", -20, -18, "degC")]),
        ("at 40 degC: 5–6 hours", [("at 40 degC", 5, 6, "hours")]),
        ("1 flag", [("", 1, 1, "flag")]),
        ("strength:13%\nfirst:1450year", [("strength", 13, 13, "%"), ("first", 1450, 1450, "year")]),
    ],
)
def test_figures_are_read_as_people_type_them(typed: str, figures: list[tuple[Any, ...]]) -> None:
    row = {**GOOD, "figures": typed}
    assert list(detail_rows.problems([row])) == []
    found = detail_rows.record_from(row, ())["figures"]
    assert [tuple(one.values()) for one in found] == figures


@pytest.mark.parametrize(
    ("typed", "field", "key"),
    [
        ({"figures": "fridge: 3"}, "detail_figures", "row_unit_missing"),
        ({"figures": "fridge: 3 bowls"}, "detail_figures", "row_unit_unknown"),
        ({"figures": "fridge: some days"}, "detail_figures", "row_figure"),
        ({"figures": "rice: 5 cup; fridge"}, "detail_figures", "row_figure"),
        ({"figures": "fridge: 7~3 days"}, "detail_figures", "row_range"),
        ({"figures": "fridge: -3 days"}, "detail_figures", "row_range"),
        ({"figures": "strength: 130 %"}, "detail_figures", "row_range"),
        ({"figures": "oven: 900 degC"}, "detail_figures", "row_range"),
        ({"figures": "freezer: -300 degC"}, "detail_figures", "row_range"),
        ({"figures": f"first: {date.today().year + 1} year"}, "detail_figures", "row_range"),
        ({"figures": "made at home: 2 flag"}, "detail_figures", "row_range"),
        ({"figures": "water: 1e9 ml"}, "detail_figures", "row_unit_unknown"),
        ({"figures": "water: 1000000000 ml"}, "detail_figures", "row_range"),
        ({"aspect": ""}, "detail_aspect", "row_choose"),
        ({"aspect": "glow"}, "detail_aspect", "row_unknown"),
        ({"group": "pregnancy"}, "detail_group", "row_only_safety"),
        ({"aspect": "safety", "level": "avoid"}, "detail_group", "row_choose"),
        ({"aspect": "safety", "group": "pregnancy"}, "detail_level", "row_choose"),
        ({"aspect": "safety", "group": "cats", "level": "avoid"}, "detail_group", "row_unknown"),
        ({"aspect": "safety", "group": "minor", "level": "fine"}, "detail_level", "row_unknown"),
        ({"ko": ""}, "detail_ko", "row_missing"),
        ({"en": "three days"}, "detail_en", "row_period"),
        ({"ko": "사흘"}, "detail_ko", "row_polite"),
        ({"ko": "가" * 600 + "다."}, "detail_ko", "row_too_long"),
        ({"aspect": "why", "question_ko": "왜요?"}, "detail_question_en", "row_missing"),
        ({"sources": ("ftp://a.b/c",)}, "detail_sources", "row_address"),
    ],
)
def test_a_wrong_detail_is_named_by_field_and_row(typed: Mapping[str, Any], field: str, key: str) -> None:
    start = form.form_from(SIKHYE)
    found = form.validate(replace(start, details=(GOOD, {**GOOD, **typed})), set(PACKAGE), is_new=False)
    assert [(one.field, one.key, one.values["row"]) for one in found] == [(field, key, 2)]
    for lang in i18n.LANGUAGES:
        assert i18n.text(f"drinks.problems.{key}", lang, **found[0].values)


def test_a_detail_typed_into_the_table_is_one_of_the_drink_and_the_others_keep_what_they_were() -> None:
    start = form.form_from(SIKHYE)
    drink = form.record_from(replace(start, details=(*start.details, GOOD)), SIKHYE)
    assert drink["details"][:-1] == whole_record_of(SIKHYE)["details"]
    assert drink["details"][-1] == {
        "aspect": "storage",
        "ko": GOOD["ko"],
        "en": GOOD["en"],
        "figures": [{"what": "fridge", "min": 3, "max": 3, "unit": "days"}],
        "sources": ["https://example.org/a"],
        "confidence": "medium",
    }
    assert drink["safety"] == whole_record_of(SIKHYE)["safety"]


def test_every_word_of_a_closed_list_is_told_in_both_languages() -> None:
    for lang in i18n.LANGUAGES:
        for name, known in (("aspects", get_args(Aspect)), ("groups", get_args(Group)), ("levels", get_args(Level))):
            assert all(i18n.text(f"drinks.{name}.{one}", lang) for one in known if one)
        assert all(unit in i18n.text("drinks.details_help", lang) for unit in get_args(Unit))


# ---- files


def read(records: Sequence[Mapping[str, Any]], now: DrinkCatalog = NOW) -> ImportDiff:
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return import_export.read(lines.encode(), "drinks.jsonl", now)


def test_a_cell_of_details_is_short_enough_for_a_spreadsheet() -> None:
    cells = [import_export._cells(whole_record_of(drink))["details"] for drink in catalog.packaged()]
    assert max(map(len, cells)) < 32_767, "what Excel keeps of a cell"


def test_a_detail_that_is_edited_in_a_csv_changes_only_that() -> None:
    text = import_export.as_csv(catalog.packaged()).decode("utf-8-sig")
    assert text.count("물 8컵으로 만들면 8명이") == 1
    found = import_export.read(
        text.replace("물 8컵으로 만들면 8명이", "물 8컵이면 8명이").encode("utf-8-sig"), "a.csv", NOW
    )
    assert (list(found.changed), found.new, found.wrong, found.stays) == (["sikhye"], {}, (), ())
    edits = corrections.between(SIKHYE, drink_from(found.changed["sikhye"]))
    assert [(one.field, one.value["aspect"]) for one in edits] == [("details", "yield")]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"figures": [{"what": "a", "min": 3, "max": 3}]}, "details: 1: figures: 1: unit: missing"),
        ({"figures": [{"what": "a", "min": 3, "max": 3, "unit": "bowls"}]}, "details: 1: figures: 1: unit: 'bowls'"),
        ({"figures": [{"what": "a", "min": 9, "max": 3, "unit": "g"}]}, "details: 1: figures: a: 9 to 3 g"),
        ({"figures": [{"what": "a", "min": "3", "max": 3, "unit": "g"}]}, "details: 1: figures: 1: min: not a number"),
        ({"figures": [{"what": "a", "min": 3, "max": 3000, "unit": "degC"}]}, "details: 1: figures: a: 3 to 3000 degC"),
        ({"figures": [{"what": "a", "min": 2999, "max": 2999, "unit": "year"}]}, "details: 1: figures: a: 2999"),
        ({"aspect": "glow"}, "details: 1: aspect: 'glow' is none of amount"),
        ({"group": "cats"}, "details: 1: group: 'cats'"),
        ({"level": "fine"}, "details: 1: level: 'fine'"),
        ({"group": "minor", "level": "avoid"}, "details: 1: group: only and always where aspect is safety"),
        ({"ko": ""}, "details: 1: ko: empty"),
        ({"glow": 1}, "details: 1: glow: unknown field"),
    ],
)
@pytest.mark.parametrize("kind", import_export.FORMATS)
def test_a_wrong_detail_in_a_file_is_told_by_line_and_field_and_nothing_changes(
    changed: Mapping[str, Any], said: str, kind: str
) -> None:
    record = whole_record_of(SIKHYE)
    record["details"][0] = {**record["details"][0], **changed}
    if kind == "jsonl":
        found = read([whole_record_of(PACKAGE["sujeonggwa"]), record])
    else:
        text = import_export.as_csv([PACKAGE["sujeonggwa"], SIKHYE]).decode("utf-8-sig")
        old, new = (
            json.dumps(one, ensure_ascii=False).replace('"', '""')
            for one in (record_of(SIKHYE.details[0]), record["details"][0])
        )
        assert text.count(old) == 1
        found = import_export.read(text.replace(old, new).encode("utf-8-sig"), "a.csv", NOW)
    ((line, drink_id, problem),) = found.wrong
    assert (line, drink_id, problem.key) == (2, "sikhye", "shape")
    assert said in str(problem.values["reason"])
    assert found.changed == {}


def test_a_broken_line_in_a_cell_of_details_is_told_by_its_number() -> None:
    text = import_export.as_csv([SIKHYE]).decode("utf-8-sig")
    first = json.dumps(record_of(SIKHYE.details[0]), ensure_ascii=False).replace('"', '""')
    found = import_export.read(text.replace(first, "{oops").encode("utf-8-sig"), "a.csv", NOW)
    assert "details: 1" in str(found.wrong[0][2].values["reason"])


@pytest.mark.parametrize(
    ("abv", "said"),
    [((-1, 3), "not within"), ((3, 130), "not within"), ((8, 6), "min > max"), (("x", 1), "not a number")],
)
def test_a_strength_out_of_range_is_told(abv: tuple[Any, Any], said: str) -> None:
    record = whole_record_of(PACKAGE["makgeolli"])
    record["abv_percent"] = {**record["abv_percent"], "min": abv[0], "max": abv[1]}
    ((line, drink_id, problem),) = read([record]).wrong
    assert (line, drink_id) == (1, "makgeolli") and said in str(problem.values["reason"])


def test_what_a_file_takes_out_that_protects_people_is_told_and_stays(home: Path) -> None:
    record = whole_record_of(SIKHYE)
    gone = next(detail for detail in SIKHYE.details if detail.aspect == "safety")
    record["details"] = [one for one in record["details"] if one["ko"] != gone.ko]
    record["allergens"] = {lang: texts[1:] for lang, texts in record["allergens"].items()}
    record["hanja"] = "甘酒"
    found = read([record])
    assert found.wrong == () and list(found.changed) == ["sikhye"]
    assert [(line, drink_id, one.field) for line, drink_id, one in found.stays] == [
        (1, "sikhye", "allergens"),
        (1, "sikhye", "details"),
    ]
    assert gone.ko in str(found.stays[1][2].values["found"])
    page = open_page("drinks", desk="1")
    page.file_uploader[0].upload("a.jsonl", json.dumps(record, ensure_ascii=False).encode(), "application/jsonl")
    page.run()
    assert "**1, sikhye, 알레르기 재료**" in page.warning[0].value.replace("\\", "")
    page.button(key="import-save").click().run()
    now = catalog.current(get_services().db)
    drink = now.by_id["sikhye"]
    assert drink.hanja == "甘酒" and gone in drink.details and drink.allergens == SIKHYE.allergens
    text = shown(open_page("drinks", drink="sikhye")).replace("\\", "")
    assert "그대로 보입니다" in text and gone.ko in text


# ---- records of the old form


def of_then(drink_id: str, **changes: Any) -> dict[str, Any]:
    return {**record_of(corrections.package_of_then()[drink_id]), **changes}


def test_a_file_of_the_version_before_changes_only_what_was_edited_in_it() -> None:
    records = [of_then(drink_id) for drink_id in PACKAGE]
    assert read(records) == ImportDiff({}, {}, len(PACKAGE), ())
    records[0] = of_then("sikhye", hanja="甘酒")
    assert read(records).changed == {"sikhye": record_of(replace(SIKHYE, hanja="甘酒"))}


def test_a_caution_taken_out_of_an_old_file_is_told_too() -> None:
    bare = of_then("sujeonggwa", cautions={"ko": ["계피를 많이 먹지 않습니다."], "en": ["Go easy on cinnamon."]})
    found = read([bare])
    assert {(line, drink_id, one.field) for line, drink_id, one in found.stays} == {(1, "sujeonggwa", "cautions")}
    assert set(PACKAGE["sujeonggwa"].cautions.ko) < set(found.changed["sujeonggwa"]["cautions"]["ko"])


def test_a_value_out_of_range_in_an_old_file_is_told() -> None:
    record = of_then("makgeolli")
    record["abv_percent"] = {**record["abv_percent"], "max": 600}
    ((line, drink_id, problem),) = read([record]).wrong
    assert (line, drink_id, problem.key) == (1, "makgeolli", "shape")


def test_a_record_without_details_loses_none(home: Path) -> None:
    record = {name: value for name, value in record_of(SIKHYE).items() if name != "details"}
    assert read([{**record, "hanja": "甘酒"}]).changed["sikhye"] == record_of(replace(SIKHYE, hanja="甘酒"))
    told = next(detail for detail in SIKHYE.details if detail.aspect == "storage")
    kept = {**record, "storage": {"ko": told.ko, "en": told.en}}
    assert read([kept]) == ImportDiff({}, {}, 1, ()), "a detail says it by now"
    other = {**record, "storage": {"ko": "우리 집은 땅에 묻습니다.", "en": "We bury it."}}
    changed = read([other]).changed["sikhye"]["details"]
    assert changed[:-1] == record_of(SIKHYE)["details"] and changed[-1]["ko"] == "우리 집은 땅에 묻습니다."


def test_an_old_csv_without_the_later_columns_loses_nothing() -> None:
    lines = import_export.as_csv([SIKHYE]).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(lines, newline="")))
    for later in ("details", "pronunciation.ko", "pronunciation.en"):
        del rows[0][later]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerow({**rows[0], "hanja": "甘酒"})
    found = import_export.read(out.getvalue().encode(), "a.csv", NOW)
    assert found.wrong == () and found.changed["sikhye"]["details"] == record_of(SIKHYE)["details"]
    assert found.changed["sikhye"]["hanja"] == "甘酒"


# ---- the page


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("drink_id", ["sikhye", "makgeolli", "nokcha"])
def test_a_drinks_page_shows_every_detail_with_its_sources(home: Path, lang: str, drink_id: str) -> None:
    page = open_page("drinks", lang, drink=drink_id)
    assert not page.exception
    text = shown(page).replace("\\", "")
    for detail in PACKAGE[drink_id].details:
        assert getattr(detail, lang) in text
        assert getattr(detail.question, lang) in text
        if detail.aspect == "safety":
            assert i18n.text(f"drinks.groups.{detail.group}", lang) in text
            assert i18n.text(f"drinks.levels.{detail.level}", lang) in text
    labels = "".join(one.label.replace("\\", "") for one in page.expander)
    assert kinds.TABLE["why"].label.of(lang) in labels  # type: ignore[arg-type]


def test_where_both_changed_the_page_shows_both_and_takes_the_packages(
    home: Path,
) -> None:
    db = Database.open(home / "kdrinks.duckdb")
    theirs = "식혜는 어제까지의 소개입니다."
    mine = store.Correction(
        "summary", 0, {"ko": theirs, "en": "Old."}, {"ko": "식혜는 우리 집 것입니다.", "en": "Ours."}
    )
    store.save(db, ADMINISTRATOR, "corrected", {"sikhye": [mine]})
    db.close()
    page = open_page("drinks", drink="sikhye")
    text = shown(page).replace("\\", "")
    assert "식혜는 우리 집 것입니다." in text and f"패키지는 이제 이렇게 말합니다: {SIKHYE.summary.ko}" in text
    page.button(key="take-0").click().run()
    assert not page.exception
    assert "식혜는 우리 집 것입니다." not in shown(page).replace("\\", "")
    now = catalog.current(get_services().db)
    assert now.by_id["sikhye"] == SIKHYE and now.conflicts == {}


def test_a_caution_taken_out_in_the_form_is_told_on_the_page_and_stays_and_all_else_is_saved(home: Path) -> None:
    page = open_page("drinks", edit="sujeonggwa")
    page.text_area(key="field-sujeonggwa-cautions_ko").set_value("계피를 많이 먹지 않습니다.")
    page.text_area(key="field-sujeonggwa-cautions_en").set_value("Go easy on cinnamon.")
    page.text_input(key="field-sujeonggwa-hanja").set_value("甘酒")
    next(button for button in page.button if (button.key or "").startswith("FormSubmitter")).click().run()
    assert not page.exception and not page.error
    drink = catalog.current(get_services().db).by_id["sujeonggwa"]
    assert drink.hanja == "甘酒" and drink.details == PACKAGE["sujeonggwa"].details
    text = shown(open_page("drinks", drink="sujeonggwa")).replace("\\", "")
    for line in (*PACKAGE["sujeonggwa"].cautions.ko, "계피를 많이 먹지 않습니다."):
        assert line in text
    assert "**주의할 점**: 뺀 것이지만" in text


def test_drinks_are_narrowed_by_the_time_they_take(home: Path) -> None:
    quick = browse.filter_drinks(catalog.packaged(), DrinkFilter(time=frozenset({"hour"})))
    slow = browse.filter_drinks(catalog.packaged(), DrinkFilter(time=frozenset({"longer"})))
    assert {"kkulmul", "nokcha"} <= {drink.id for drink in quick} and "sikhye" not in {drink.id for drink in quick}
    assert "andong-soju" in {drink.id for drink in slow} and not set(quick) & set(slow)
    unknown = [drink for drink in catalog.packaged() if browse.time(drink) not in browse.TIMES]
    assert not any(browse.making_times(drink) for drink in unknown) and len(unknown) < 30
    page = open_page("drinks", time=["hour"])
    assert f"**{len(quick)}가지**" in shown(page)
