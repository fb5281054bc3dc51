"""Drinks: browse them, open one, see the whole, add and correct."""

from kdrinks.ui.drinks import view
from kdrinks.ui.frame import get_services

ORDER = 2
WIDE = True

view.draw(get_services())
