"""The charts as Vega-Lite: what a reader of each language sees, in which order, with which words."""

import json
import re
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from kdrinks.charts import base
from kdrinks.charts import drinks as chart_drinks
from kdrinks.charts import lab as chart_lab
from kdrinks.charts import speed as chart_speed
from kdrinks.charts import words as chart_words
from kdrinks.store import speed

WORDS = pd.DataFrame(
    {
        "rank": [1, 2, 3, 4],
        "word": ["식혜", "청주", "청주", "rice"],
        "pos": ["drink", "drink", "noun", "english"],
        "count": [40, 30, 20, 10],
        "messages": [9, 8, 7, 6],
        "before": [None] * 4,
    }
)
DAYS = pd.DataFrame(
    {
        "day": [datetime(2026, 3, 1), datetime(2026, 3, 2), datetime(2026, 3, 2)],
        "word": ["식혜", "식혜", "수정과"],
        "drink": ["식혜", "식혜", "수정과"],
        "count": [1, 2, 7],
    }
)
TIMES = pd.DataFrame(
    {
        "device": ["cpu", "cuda", "cpu"],
        "model": ["built-in", "qwen2.5-1.5b", "built-in"],
        "quantization": ["Q8_0", "Q4_K_M", "Q8_0"],
        "cold": [False, False, True],
        "n": [30, 4, 0],
        "first_token_s_median": [0.12, 0.4, None],
        "first_token_s_p95": [0.3, 0.9, None],
        "tokens_per_s_median": [600.0, 45.0, None],
        "tokens_per_s_p05": [500.0, 40.0, None],
        "tokens_per_s_p95": [700.0, 50.0, None],
    }
)
FIGURES = pd.DataFrame(
    {
        "measure": ["좋은 답", "좋은 답", "거절", "거절"],
        "run": ["모델 없음", "기본 모델"] * 2,
        "value": [0.7, 0.75, 1.0, 0.0],
        "low": [0.6, 0.65, 0.9, 0.0],
        "high": [0.78, 0.83, 1.0, 0.1],
        "n": [88, 88, 30, 30],
        "shown": ["70%", "75%", "100%", "0%"],
    }
)
FLIPS = pd.DataFrame(
    {
        "group": ["만들기", "안전", "안전", "안전"],
        "turned": ["better", "better", "worse", "better"],
        "question": ["어떻게 만들어요?", "임신 중에 마셔도 돼요?", "q7", "운전해야 하는데요"],
    }
)


def test_words_stand_in_their_order_with_the_count_at_the_end_of_the_bar() -> None:
    drawn = chart_words.top_words(WORDS, "ko").to_dict()
    bars, ends = drawn["layer"]
    assert bars["encoding"]["y"]["sort"] == ["식혜", "청주 · 음료", "청주 · 명사", "rice"]
    assert ends["mark"]["type"] == "text" and ends["encoding"]["text"]["field"] == "count"
    assert [param["name"] for param in drawn["params"]] == [chart_words.PICKED]
    assert "before" not in json.dumps(drawn["layer"]), "no period before, no line for it"


def test_a_kind_of_word_keeps_its_colour_under_every_filter() -> None:
    whole = chart_words.top_words(WORDS, "ko").to_dict()["layer"][0]["encoding"]["color"]
    filtered = chart_words.top_words(WORDS[WORDS["pos"] != "drink"], "ko").to_dict()["layer"][0]["encoding"]["color"]
    assert whole["scale"]["domain"] == filtered["scale"]["domain"]
    assert whole["legend"]["values"] == ["음료", "명사", "영어"] and filtered["legend"]["values"] == ["명사", "영어"]


def test_days_stay_the_readers_days_in_every_time_zone() -> None:
    table = base.days(DAYS)
    assert str(table["day"].dt.tz) == "UTC" and list(table["date"]) == ["2026-03-01", "2026-03-02", "2026-03-02"]


def test_the_first_day_shows_a_bar_for_each_drink() -> None:
    bars, ends = chart_drinks.over_time(DAYS[1:], "ko").to_dict()["layer"]
    assert bars["encoding"]["y"]["sort"] == ["수정과", "식혜"] and ends["encoding"]["text"]["field"] == "count"


def test_the_fastest_stands_first_and_few_runs_are_marked() -> None:
    drawn = chart_speed.timings(TIMES, "en", "first_token_s").to_dict()
    (rows,) = drawn["datasets"].values()
    assert [row["runs"] for row in rows] == ["0.12 s · n=30", "0.4 s · n=4"], "a group without a timing is left out"
    assert [row["ranked"] for row in rows] == [True, False]
    fastest = chart_speed.timings(TIMES, "en", "tokens_per_s").to_dict()["layer"][0]["encoding"]["y"]["sort"]
    assert fastest[0].startswith("CPU · built-in Q8_0")


def test_the_first_side_of_a_comparison_lies_to_the_left() -> None:
    typical = pd.DataFrame(
        {
            "side": ["question", "answer"],
            "word": ["추천", "도수"],
            "pos": ["noun"] * 2,
            "z": [3.0, 1.0],
            "count": [4, 2],
            "other": [0, 0],
        }
    )
    spec = chart_words.keyness(typical, "ko").to_dict()
    (rows,) = spec["datasets"].values()
    assert [(row["word"], row["signed"], row["row"]) for row in rows] == [("추천", -3.0, 0), ("도수", 1.0, 0)]


def test_no_layer_of_a_chart_is_without_data() -> None:
    together = pd.DataFrame({"word": ["쌀"], "pos": ["noun"], "messages": [5], "expected": [1.5], "score": [9.0]})
    spec = chart_words.collocations(together, "ko").to_dict()
    assert "data" in spec or all("data" in layer for layer in spec["layer"]), "a layer without data draws nothing"


def test_figures_stand_under_their_measure_with_a_whisker_over_the_interval() -> None:
    drawn = chart_lab.figures(FIGURES, "ko").to_dict()
    (rows,) = drawn["datasets"].values()
    said = [row["head"] or row["label"] or [row["low"], row["value"], row["high"]] for row in rows]
    assert said[:5] == ["좋은 답", "모델 없음 · 70%", [0.6, 0.7, 0.78], "기본 모델 · 75%", [0.65, 0.75, 0.83]]
    assert said[5:] == ["거절", "모델 없음 · 100%", [0.9, 1.0, 1.0], "기본 모델 · 0%", [0.0, 0.0, 0.1]]
    assert [row["line"] for row in rows] == list(range(10)), "none lies over another"
    assert drawn["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, 1]


def test_flips_for_the_worse_lie_to_the_left_and_none_over_another() -> None:
    drawn = chart_lab.flips(FLIPS, "ko").to_dict()
    (rows,) = drawn["datasets"].values()
    assert [(row["group"], row["end"]) for row in rows] == [("만들기", 1), ("안전", 1), ("안전", -1), ("안전", 2)]
    assert all(abs(row["end"]) - 1 < abs(row["start"]) < abs(row["end"]) for row in rows)
    encoding = drawn["layer"][0]["encoding"]
    assert encoding["y"]["sort"] == ["안전", "만들기"]
    assert encoding["color"]["scale"]["domain"] == ["나빠진 질문 1개", "나아진 질문 3개"]
    assert "question" in [one["field"] for one in encoding["tooltip"]]


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize(("draw", "table"), [(chart_lab.figures, FIGURES), (chart_lab.flips, FLIPS)])
def test_charts_of_evaluations_speak_the_readers_language_and_stand_empty(draw: Any, table: Any, lang: str) -> None:
    spec = draw(table, lang).to_dict()
    titles = [one["title"] for layer in spec["layer"] for one in layer["encoding"].get("tooltip", ())]
    assert titles and all(bool(re.search("[가-힣]", title)) == (lang == "ko") for title in titles if title.strip())
    draw(table[:0], lang).to_dict()  # raises SchemaValidationError


def test_charts_and_store_agree_on_how_many_runs_count() -> None:
    assert chart_speed.RUNS_TO_RANK == speed.RUNS_TO_RANK
