"""Every chart that a section of the analytics page lists, drawn from the sample data: there, full, and in the reader's words.

What the sample data cannot fill, the fixture stores a row for. A chart that nothing fills fails here: an empty panel draws nothing,
and nobody would see that its chart was never drawn.
"""

import ast
import json
import re
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import altair as alt
import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df

from kdrinks import i18n, sample
from kdrinks.config import ROOT, Settings
from kdrinks.drinks.names import packaged_names
from kdrinks.jobs import Jobs
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import compare, word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.ui import frame, job_progress
from kdrinks.ui.analytics import data, speed, view, words
from kdrinks.ui.analytics.sections import SECTIONS
from tests.support.app_pages import app_test_session, open_page
from tests.support.contrast import contrast

HANGUL = re.compile("[가-힣]")
LISTED = [(section, name) for section, parts in SECTIONS.items() for part in parts for name in part.charts]
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
Draw = Callable[[str, str], dict[str, Any]]
SETTING = compare.Setting(0, "tea-Q8_0", "tea-Q8_0.gguf", "Q8_0", 1_000_000, "cpu", 0, 0)


@pytest.fixture(scope="module")
def db() -> Iterator[Database]:
    with app_test_session(), closing(Database.open(None)) as db, pytest.MonkeyPatch.context() as patches:
        analyser = TextAnalyzer(packaged_names())
        sample.load(db, ADMINISTRATOR, analyser)
        # nobody has compared anything in the sample data
        comparison_id = "00000000-0000-7000-8000-000000000000"
        for number in range(compare.RUNS_TO_SHOW):
            for cold in (True, False):
                run = compare.Run("ko", cold, device_used="cpu", prompt_tokens=9, prompt_s=1.0, first_token_s=1.0,
                                  completion_tokens=3, completion_s=1.0, memory_bytes=10**6)  # fmt: skip
                compare.record_run(db, comparison_id, SETTING, number, run)
        for lang in i18n.LANGUAGES:
            compare.record_perplexity(
                db, comparison_id, SETTING, lang=lang, text_hash="0", scored_tokens=9, perplexity=8.0
            )
        services = SimpleNamespace(
            db=db, jobs=Jobs(db), words=analyser, page_drawn=threading.Event(), settings=Settings(ROOT, ROOT)
        )
        for room in (frame, view, words, data, speed, job_progress):
            patches.setattr(room, "get_services", lambda: services)
        yield db


@pytest.fixture(scope="module")
def drawn(db: Database) -> Draw:
    """What a section sends to the browser in a language: title -> the message with spec and data."""
    word = word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter(pos=("drink",)))["word"][0]

    @cache
    def draw(section: str, lang: str) -> dict[str, Any]:
        address = {"section": section, "period": "all"} | ({"word": word} if section == "words" else {})
        page = open_page("analytics", lang, **address)
        return {chart.proto.alt: chart.proto for chart in page.get("vega_lite_chart")}

    return draw


def title_key(name: str) -> str:
    return f"models.{name}" if name.startswith("compare.") else f"charts.titles.{name}"


def labels(spec: dict[str, Any], layered: bool = False) -> Iterator[str]:
    """What stands at axes, in legends and in tooltips; a field of data without a title stands there by its own name."""
    for channel, given in spec.get("encoding", {}).items():
        for one in given if isinstance(given, list) else [given]:
            if channel not in ("x", "y", "color", "tooltip") or "field" not in one:
                continue
            if "title" in one:
                yield one["title"] or ""
            elif channel == "tooltip" or (not layered and one.get("axis", one.get("legend", "")) is not None):
                yield one["field"]
    for layer in spec.get("layer", []):
        yield from labels(layer, layered=True)


def test_no_chart_is_listed_twice_and_each_has_its_title() -> None:
    names = [name for _, name in LISTED]
    assert sorted(set(names)) == sorted(names)
    assert [key for key in map(title_key, names) if key not in i18n.strings()] == [], "strings in kdrinks/i18n"
    for lang in i18n.LANGUAGES:
        titles = [i18n.text(title_key(name), lang) for name in names]
        assert sorted(set(titles)) == sorted(titles), "two charts under one title"


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize(("section", "name"), LISTED)
def test_every_listed_chart_is_drawn_and_full_and_speaks_the_readers_language(
    drawn: Draw, section: str, name: str, lang: str
) -> None:
    title = i18n.text(title_key(name), lang)
    charts = drawn(section, lang)
    assert title in charts, f"{name}: the section lists it, but neither sample data nor this test fills it"
    message = charts[title]
    assert message.datasets and all(len(convert_arrow_bytes_to_pandas_df(one.data.data)) for one in message.datasets), (
        name
    )
    spec = json.loads(message.spec)
    alt.Chart.from_dict(spec)  # raises SchemaValidationError
    shown = [title, *(label for label in labels(spec) if label.strip())]
    assert len(shown) > 1, f"{name}: neither axis nor tooltip says what is drawn"
    wrong = [label for label in shown if bool(HANGUL.search(label)) != (lang == "ko")]
    assert wrong == [], f"{name}: words of another language"


@pytest.mark.parametrize(("section", "name"), LISTED)
def test_the_own_colours_of_a_chart_are_seen_on_the_light_and_the_dark_ground(
    drawn: Draw, section: str, name: str
) -> None:
    """All other colours come from the theme, which test_pages.py measures."""
    message = drawn(section, "en")[i18n.text(title_key(name), "en")]
    assert message.theme == "streamlit"
    for colour in re.findall(r"#[0-9a-fA-F]{6}\b", message.spec):
        for mode in ("light", "dark"):
            assert contrast(colour, THEME[mode]["backgroundColor"]) >= 2.8, (name, colour, mode)


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("section", SECTIONS)
def test_what_a_section_draws_is_listed(drawn: Draw, section: str, lang: str) -> None:
    known = {i18n.text(title_key(name), lang) for where, name in LISTED if where == section}
    assert set(drawn(section, lang)) - known == set()


def uses(path: Path) -> Iterator[str]:
    """The dotted names of what a module takes from others: `from a import b` and b.c make a.b and a.b.c."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    yield from names.values()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield f"{names[node.value.id]}.{node.attr}"


@pytest.mark.parametrize(
    ("module", "returns"),
    [
        *((f"charts/{path.name}", "Chart") for path in sorted((ROOT / "kdrinks" / "charts").glob("*.py"))),
        *((f"store/{name}.py", "DataFrame") for name in ("analytics", "word_stats", "speed")),
    ],
)
def test_no_chart_and_no_query_of_the_page_is_forgotten(module: str, returns: str) -> None:
    path = ROOT / "kdrinks" / module
    others = [other for folder in ("kdrinks", "pages") for other in (ROOT / folder).rglob("*.py") if other != path]
    used = {name for other in others for name in uses(other)}
    prefix = f"kdrinks.{module.removesuffix('.py').replace('/', '.')}"
    unused = [
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and node.returns
        and returns in ast.unparse(node.returns)
        and f"{prefix}.{node.name}" not in used
    ]
    assert unused == [], f"kdrinks/{module}: in no section of kdrinks/ui/analytics and on no page"
