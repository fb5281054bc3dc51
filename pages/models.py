"""Models and devices: what this machine has, which model answers, where it runs."""

from kdrinks.ui import models_view
from kdrinks.ui.frame import services

models_view.draw(services())
