"""Chat: ask about a drink, watch the answer being written, open what it rests on."""

from kdrinks.ui.chat import view
from kdrinks.ui.frame import get_services

ORDER = 1

view.draw(get_services())
