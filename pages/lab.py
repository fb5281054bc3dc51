"""Evaluation: ask whole sets of questions, read and judge every answer, lay two runs beside each other."""

from kdrinks.ui.frame import get_services
from kdrinks.ui.lab import view

ORDER = 5
WIDE = True
ADMINISTRATORS = True

view.draw(get_services())
