"""The sample data: full charts from one call, marked, and gone after another."""

from kdrinks import sample
from kdrinks.drinks.names import packaged_names
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import analytics, chats, speed, word_stats
from kdrinks.store import sample as stored
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database
from kdrinks.text.analyzer import VERSION, TextAnalyzer
from tests.support.counted_answers import say


def test_a_sample_fills_every_chart_is_marked_and_leaves_nothing_behind(db: Database) -> None:
    words = TextAnalyzer(packaged_names())
    own = say(db, {"내말": 1}, text="내 말입니다.", analyser=VERSION)
    shares: list[float] = []
    assert sample.load(db, ADMINISTRATOR, words, conversations=15, progress=shares.append) == 15
    assert shares == sorted(shares) and len(shares) == 15
    assert stored.count(db) == 15
    assert [one.id for one in chats.conversations(db, ADMINISTRATOR)] == [own], "in no list of a person's own"
    top = word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter(pos=("drink",)))
    assert len(top) == 10 and top["count"].is_monotonic_decreasing  # in both languages by one name
    assert all(name == "built-in" or name.startswith("sample-") for name in analytics.models(db, ADMINISTRATOR))
    assert (
        not speed.distribution(db, ADMINISTRATOR, AnalyticsFilter(), "tokens_per_s").empty
        and speed.memory(db, ADMINISTRATOR, AnalyticsFilter())["predicted_mb"].notna().any()
    )
    counts = analytics.counts(db, ADMINISTRATOR, AnalyticsFilter()).iloc[0]
    assert sample.load(db, ADMINISTRATOR, words, conversations=15) == 15, "loading again replaces it"
    assert (
        analytics.counts(db, ADMINISTRATOR, AnalyticsFilter()).iloc[0]["conversations"] == counts["conversations"] == 16
    )
    assert sample.remove(db, ADMINISTRATOR) == 15
    assert list(word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter())["word"]) == ["내말"]
    assert analytics.models(db, ADMINISTRATOR) == ["built-in"] and stored.count(db) == 0
