"""What kdrinks writes as CSV: no spreadsheet runs a cell or a column name, and the text comes back as it was."""

import csv
import io
import itertools
import random
from dataclasses import replace

import pandas as pd
import pytest

from kdrinks.drinks import catalog, import_export
from kdrinks.drinks.catalog import DrinkCatalog
from kdrinks.store.export import as_csv
from kdrinks.store.spreadsheet import cell, text_of
from kdrinks.text.typed import clean

SIGNS = "=+-@＝＋－＠−"
BEFORE = (
    "",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\r",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\ufeff",
    "\x00",
    "\u2028",
    "\n \u00a0",
)
FORMULAS = [f"{before}{sign}1+1" for before, sign in itertools.product(BEFORE, SIGNS)]
PLAIN = ["식혜", "", "-5", "-0.5", "- 12 %", "-1e-5", "1=1", "5%", "a@b.kr", "'인용'", "'", "[=1]", "2026-01-01"]


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    "text", [*FORMULAS, "-", "-x", "--5", "-5+cmd|' /C calc'!A0", "\tx", "\rx", "\nx", "'=1", "''\n＠SUM(1)"]
)
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(text: str) -> None:
    assert cell(text) == "'" + text and text_of(cell(text)) == text


@pytest.mark.parametrize("text", PLAIN)
def test_what_it_would_not_run_stays_as_it_is(text: str) -> None:
    assert cell(text) == text == text_of(text)


def test_every_text_comes_back() -> None:
    drawn = random.Random(26)
    for _ in range(20_000):
        text = "".join(drawn.choices("'=+-@＝\t\r\n 05.%x\u200b식", k=drawn.randint(0, 7)))
        assert text_of(cell(text)) == text


def test_cells_and_column_names_of_a_table_are_guarded_and_numbers_stay_numbers() -> None:
    names = ["=cmd()", "\n@x", "n", "n", "kind", "mixed"]
    values = [["=1", None], ["a", "\u200b+1"], [-5, 3], [-0.5, float("nan")], pd.Categorical(["@c", "d"]), [-7, "=2"]]
    table = pd.concat([pd.Series(one) for one in values], axis=1)
    table.columns = pd.Index(names)
    head, first, second = rows(as_csv(table))
    assert head == ["'=cmd()", "'\n@x", "n", "n", "kind", "mixed"]
    assert first == ["'=1", "a", "-5", "-0.5", "'@c", "-7"]
    assert second == ["", "'\u200b+1", "3", "", "d", "'=2"]
    assert list(table.columns) == names, "the table itself is not changed"


def test_a_drink_named_like_a_formula_comes_back_with_its_name() -> None:
    packaged = catalog.packaged()
    now = DrinkCatalog(packaged, frozenset())
    odd = ["=1+1", "\n=1", "-식혜", "＝SUM(1)", "'=x", "'plain", "@a"]
    changed = [replace(drink, hanja=text) for drink, text in zip(packaged, odd, strict=False)]
    content = import_export.as_csv([*changed, *packaged[len(odd) :]])
    column = rows(content)[0].index("hanja")
    assert [row[column] for row in rows(content)[1 : len(odd) + 1]] == [cell(text) for text in odd]
    found = import_export.read(content, "drinks.csv", now)
    assert not found.new and not found.wrong and found.same == len(packaged) - len(odd)
    # full-width signs are read as plain ones, as in everything that is typed
    assert [record["hanja"] for record in found.changed.values()] == [clean(text) for text in odd]
