"""Chat: ask about a drink, watch the answer being written, open what it rests on."""

from kdrinks.ui import chat_view
from kdrinks.ui.frame import services

chat_view.draw(services())
