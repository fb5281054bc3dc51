"""My data: what this site keeps of a visitor, to look at, to take away and to delete."""

from kdrinks.ui import mine
from kdrinks.ui.frame import get_services

ORDER = 6
HOSTED = True

mine.draw(get_services())
