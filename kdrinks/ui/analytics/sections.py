"""The sections of the analytics page in the order of its tabs, each with its parts from top to bottom."""

from collections.abc import Sequence

from kdrinks.ui.analytics.data import data
from kdrinks.ui.analytics.drinks import DRINKS
from kdrinks.ui.analytics.panels import Own, Panel
from kdrinks.ui.analytics.speed import SPEED
from kdrinks.ui.analytics.words import WORDS

SECTIONS: dict[str, Sequence[Panel | Own]] = {
    "words": WORDS,
    "drinks": DRINKS,
    "speed": SPEED,
    "data": (Own(charts=(), draw=data, wide=True),),
}
