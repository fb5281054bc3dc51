"""The section of drinks: which were named, over the days and in all."""

from dataclasses import replace

from kdrinks.charts import drinks as chart_drinks
from kdrinks.charts import speed as chart_speed
from kdrinks.charts import words as chart_words
from kdrinks.store import analytics, word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.ui.analytics.panels import Own, Panel
from kdrinks.ui.analytics.view import panel, read
from kdrinks.ui.frame import lang, t


def _named(view: AnalyticsFilter) -> None:
    """In all; the kinds of words that are chosen for the others do not matter here."""
    top = read(word_stats.top_words, replace(view, pos=("drink",)), limit=15)
    note = t("analytics.before_mark") if len(top) and top["before"].notna().any() else ""
    panel("drinks_named", top, lambda: chart_words.top_words(top, lang(), view.word), note=note)


DRINKS: tuple[Panel | Own, ...] = (
    Panel(name="drinks", table=word_stats.drinks_over_time, chart=chart_drinks.over_time, wide=True),
    Own(charts=("drinks_named",), draw=_named),
    Panel(name="activity", table=analytics.activity, chart=chart_speed.activity),
)
