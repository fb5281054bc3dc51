"""Who may do what. A permission is one line in the function that is the door; pages only explain.

Refusing where a page is drawn protects nothing: the next page forgets to ask, or what it calls is called from elsewhere.
"""

from kdrinks.errors import NotAllowed
from kdrinks.records import Visitor


def administrators_only(who: Visitor) -> None:
    """Raises NotAllowed for anybody else."""
    if not who.administrator:
        raise NotAllowed("administrators_only")


def owner_of(who: Visitor) -> str | None:
    """The owner to store with what a visitor makes; None belongs to administrators in common."""
    return who.id or None


def is_theirs(owner: str | None, who: Visitor) -> bool:
    """Whether a visitor may open, write to and delete what has this owner; administrators may everything."""
    return who.administrator or (owner is not None and owner == who.id)
