"""Drinks: browse them, open one, see the whole, add and correct."""

from kdrinks.ui.drinks import view
from kdrinks.ui.frame import get_services

view.draw(get_services())
