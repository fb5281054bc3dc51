"""Models and devices: what this machine has, which model answers, where it runs."""

from kdrinks.ui.frame import get_services
from kdrinks.ui.models import view

ORDER = 4

view.draw(get_services())
