"""What each file of pages/ says of itself, read from its source without running it.

    ORDER = 3     its place in the navigation; without it, after all that have one
    WIDE = True   over the whole width of the window
    ADMINISTRATORS = True   for administrators: visitors of a hosted site do not find it in the navigation
    HOSTED = True   for a hosted site: at home it is not in the navigation

Its name in the navigation is the string NAME.page, and what stands at its head NAME.title (kdrinks/i18n/NAME.toml).
"""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kdrinks.config import ROOT

LAST = 1000


@dataclass(frozen=True, slots=True)
class DeclaredPage:
    path: Path
    order: int = LAST
    wide: bool = False
    administrators: bool = False
    hosted: bool = False

    @property
    def name(self) -> str:
        """Its address, too."""
        return self.path.stem


@cache
def declared_pages() -> tuple[DeclaredPage, ...]:
    """The pages in the order of the navigation."""
    found = [_read(path) for path in (ROOT / "pages").glob("*.py")]
    return tuple(sorted(found, key=lambda page: (page.order, page.name)))


def _read(path: Path) -> DeclaredPage:
    """Raises ValueError for one that is no literal."""
    said = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("ORDER", "WIDE", "ADMINISTRATORS", "HOSTED")
    }
    return DeclaredPage(
        path,
        said.get("ORDER", LAST),
        said.get("WIDE", False),
        said.get("ADMINISTRATORS", False),
        said.get("HOSTED", False),
    )
