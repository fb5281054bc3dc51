"""Drinks: browse them, open one, see the whole, add and correct."""

from kdrinks.ui import drinks_view
from kdrinks.ui.frame import services

drinks_view.draw(services())
