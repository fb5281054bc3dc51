"""Drinks: browse them, open one, see the whole, add and correct."""

from kdrinks.ui.drinks import view
from kdrinks.ui.frame import services

view.draw(services())
