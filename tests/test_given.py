"""Files that people give: what cannot be kept as it stands is refused with the row and the reason, and nothing is lost in silence."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kdrinks.drinks import catalog, import_export
from kdrinks.drinks.catalog import DrinkCatalog
from kdrinks.errors import BadInput
from kdrinks.measure import question_set
from kdrinks.measure.pairing import read_run
from tests.support.command_line import kdrinks

NOW = DrinkCatalog(catalog.packaged(), frozenset())
TWO = NOW.drinks[:2]
LINE = import_export.as_jsonl(TWO).decode().splitlines()[0]
SHEET = import_export.as_csv(TWO).decode("utf-8-sig")
HEAD, BODY = SHEET.split("\r\n", 1)
SERVER = "/srv/secret/upload"


def with_value(json_text: str) -> str:
    """A drink whose hanja is this text of JSON."""
    return LINE.replace('"hanja": "食醯"', f'"hanja": {json_text}')


# (JSON of a value, what the message says of it)
VALUES = [
    ("9" * 5_000, "5,000 digits"),
    ("-" + "9" * 19, "19 digits"),
    ("1" + "0" * 400, "401 digits"),
    ("1e400", "1e400"),
    ("-1e999", "too large"),
    ("NaN", "NaN"),
    ("Infinity", "Infinity"),
    ("-Infinity", "-Infinity"),
    ("[" * 90_000 + "]" * 90_000, "nested"),
    ('{"a":' * 33 + "1" + "}" * 33, "nested"),
    ('"\\ud800"', "surrogates (\\ud800)"),
    ('"식\\udfff혜"', "surrogates (\\udfff)"),
    ('{"\\ud83c": 1}', "surrogates"),
    ('"식\\u0000혜"', "zero byte"),
    ('"食醯", "hanja": "甘酒"', "hanja: twice"),
    ('{"a": 1, "a": 1}', "a: twice"),
    (f'"{"x" * 200_000}"', "200,000 characters"),
    ("'食醯'", "character"),
]


@pytest.mark.parametrize(("value", "reason"), VALUES, ids=lambda text: text[:20])
def test_a_value_that_cannot_be_kept_is_refused_by_its_line(value: str, reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        import_export.read(f"{LINE}\n\n{with_value(value)}".encode(), f"{SERVER}/drinks.jsonl", NOW)
    told = refused.value.message("en")
    assert told.startswith("Line 3 of drinks.jsonl") and reason in told and len(told) < 200
    with pytest.raises(BadInput) as refused:
        question_set.parse(Path(f"{SERVER}/mine.jsonl"), f'{{"question": "a?"}}\n{{"question": {value}}}'.encode())
    told = refused.value.message("en")
    assert told.startswith("mine.jsonl, line 2:") and len(told) < 200


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (f"{'x' * 140_000},{SHEET}", "a.csv", "Line 1 of a.csv cannot be read: a cell of more than 131,072"),
        (
            SHEET.replace("sikhye", "x" * 140_000, 1),
            "a.csv",
            "Line 2 of a.csv cannot be read: a cell of more than 131,072",
        ),
        (f"{HEAD},id\r\n{BODY}", "a.csv", "Line 1 of a.csv cannot be read: id: twice"),
        (f"memo,{HEAD}\r\n맛있음,{BODY}", "a.csv", "맛있음: no column memo"),
        (f"{SHEET.rstrip()},lost\r\n", "a.csv", "lost: no column"),
        (f"{HEAD}\r\nsikhye,식혜\r\n", "a.csv", "Line 2 of a.csv cannot be read: 2 cells, 69 columns"),
        (f'{HEAD}\r\n"sikhye,', "a.csv", "Line 2 of a.csv"),
        (SHEET.replace("sikhye", "sik\0hye", 1), "a.csv", "line 2: a zero byte"),
        (SHEET.encode("utf-16"), "a.csv", "line 1: byte 0xff"),
        (f"{LINE}\n".encode() + "식혜".encode("cp949"), "a.jsonl", "line 2: byte"),
        (b'{"id": "\xed\xa0\x80"}', "a.jsonl", "line 1: byte 0xed"),
        ("{}\n" * 6_000, "a.jsonl", "6000"),
        ("\n" * 500_000, "a.jsonl", "500,000 ends of lines"),
        (HEAD + "\r\n" + "x\r\n" * 3, "a.csv", "1 cells"),
        (LINE, "../../etc/a\ud800.txt", "a?.txt is neither"),
        (LINE, "C:\\Users\\me\\drinks.txt", "drinks.txt is neither"),
    ],
)
def test_a_file_that_cannot_be_kept_is_refused_without_any_folder(content: str | bytes, name: str, reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        import_export.read(content if isinstance(content, bytes) else content.encode(), name, NOW)
    for lang in ("en", "ko"):
        told = refused.value.message(lang) + refused.value.hint(lang)
        assert "Traceback" not in told and SERVER not in told and "etc" not in told and "Users" not in told
    assert reason in refused.value.message("en") and len(refused.value.message("en")) < 200


@pytest.mark.parametrize(
    "damage",
    [
        {"sources": ["http://[::1"]},
        {"sources": ["https://["]},
        {"abv_percent": {"min": 10**17, "max": 10**17, "note": None, "confidence": "high"}},
        {"hanja": "x" * 5_000},
        {"aliases": ["y" * 100_000]},
        {"confidence": "z" * 100_000},
        {"z" * 100_000: 1},
        {"details": None, "storage": {"ko": "가", "en": "a", "sources": []}},
        {"id": ["sikhye"]},
        {"id": "i" * 100_000},
        {"tags": {}},
    ],
    ids=lambda damage: next(iter(damage))[:9],
)
def test_a_record_that_does_not_fit_is_told_by_row_in_a_line(damage: dict[str, Any]) -> None:
    found = import_export.read(
        f"{LINE}\n{json.dumps(json.loads(LINE) | {'id': 'other'} | damage)}".encode(), "a.jsonl", NOW
    )
    assert found.wrong and {row for row, _, _ in found.wrong} == {2}
    for _, drink_id, problem in found.wrong:
        assert len(drink_id) <= 60 and len(str(problem.values)) < 300


@pytest.mark.parametrize("number", ["nan", "inf", "Infinity", "1e400", "9" * 3_000, "1_000", "٣", "0x1", "1e5", "5%"])
def test_a_cell_that_is_no_plain_number_is_named(number: str) -> None:
    rows = list(csv.DictReader(io.StringIO(SHEET, newline="")))
    rows[0] |= {"abv_percent.min": number, "abv_percent.max": "5", "abv_percent.confidence": "high"}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    found = import_export.read(out.getvalue().encode(), "a.csv", NOW)
    assert "abv_percent: min: not a number" in str([problem.values for _, _, problem in found.wrong])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff\ufeff" + text,
        lambda text: text.replace("\r\n", "\n"),
        lambda text: text.replace("\r\n", "\r"),
        lambda text: text + "," * 64 + "\r\n",  # what a spreadsheet leaves of a row that was emptied
    ],
)
def test_what_programs_do_to_a_file_on_the_way_loses_nothing(change: Callable[[str], str]) -> None:
    found = import_export.read(change(SHEET).encode(), "drinks.csv", NOW)
    assert (found.same, found.new, found.changed, found.wrong) == (2, {}, {}, ())


def test_a_line_separator_inside_a_text_ends_no_line() -> None:
    line = LINE.replace("食醯", "食\u2028醯\u0085\\u001c")
    found = import_export.read(f"\ufeff{line}\r\n\ufeff{line.replace('sikhye', 'other', 1)}".encode(), "a.jsonl", NOW)
    assert found.changed["sikhye"]["hanja"].startswith("食\n醯\n")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x1f\x8b\x08" + bytes(50), "decompressing"),
        (b"\x1f\x8b", "ended"),
        (gzip.compress(b"\r\n" * 900_000), "1,800,000 ends of lines"),
        ('{"question": "a?"}'.encode("utf-16"), "line 1: byte 0xff"),
        (b'{"question": "a?"}\n{"question": "\0"}', "line 2: a zero byte"),
        (b'{"question": "a?", "' + b"k" * 90_000 + b'": 1}', "unknown field kkk"),
        (b'{"question": "a?", "id": "' + b"k" * 90_000 + b'"}\n' * 2, "line 2"),
    ],
)
def test_a_question_set_that_cannot_be_read_says_why_in_a_line_without_its_folder(data: bytes, reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        question_set.parse(Path(f"{SERVER}/mine.jsonl"), data)
    told = refused.value.message("en")
    assert reason in told and "mine.jsonl" in told and SERVER not in told and len(told) < 250


@pytest.mark.parametrize(("value", "reason"), VALUES[:14], ids=lambda text: text[:20])
def test_a_kept_run_that_cannot_be_read_says_why(tmp_path: Path, value: str, reason: str) -> None:
    file = tmp_path / "run.json"
    file.write_text(f'{{"questions": [{{"id": "1", "good": {value}}}]}}', encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        read_run(file)
    assert reason in refused.value.message("en")


@pytest.mark.parametrize("line", ['{"role": "user", "content": 5}', '{"role": "user", "content": null}', "[" * 90_000])
def test_a_history_that_is_no_conversation_is_refused_by_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(f'{{"role": "user", "content": "식혜?"}}\n{line}\n', encoding="utf-8")
    done = kdrinks("ask", "식혜?", "--history", str(file), home=tmp_path)
    assert done.returncode != 0 and "Line 2" in done.stderr and "Traceback" not in done.stderr
