"""Models and devices: what this machine has, which model answers, where it runs."""

from kdrinks.ui.frame import services
from kdrinks.ui.models import view

view.draw(services())
