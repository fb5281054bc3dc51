"""How many questions a hosted site takes: of a visitor, from an address, of all, counted in the store, so that a restart or a second process forgets none.

A row holds hashes and a time, no text, and goes after a day.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

from kdrinks.store.db import Cursor, Database, new_id, now

Whose = Literal["visitor", "address", "everybody"]
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` questions in `within_s` seconds."""

    whose: Whose
    most: int
    within_s: int


@dataclass(frozen=True, slots=True)
class Reached:
    """The limit that a question met, and when the next one is taken."""

    limit: Limit
    retry_s: float


LIMITS = (
    # one in five seconds: nobody reads answers faster
    Limit("visitor", 12, 60),
    # a whole day of talking; what a program asks, it asks elsewhere
    Limit("visitor", 400, DAY_S),
    # a cookie is thrown away at no cost, an address is not: a class of thirty behind one, each asking twice a minute
    Limit("address", 60, 60),
    Limit("address", 4_000, DAY_S),
    # twice what 50 visitors ask who ask every 20 to 40 s; at 0.3 s of processor time each (benchmarks/load.json) 1.2 of 2 cores
    Limit("everybody", 240, 60),
)


def take(db: Database, visitor: str, address: str, limits: tuple[Limit, ...] = LIMITS) -> Reached | None:
    """Count a question, or say which limit it would pass; then nothing is counted.

    visitor: Visitor.id. address: of the connection, "" where there is none to know. Look and count are one transaction: of two
    questions at once that share the last place one is refused.
    """
    at, place = now(), network_of(address)
    mine = {
        "visitor": ("visitor = ?", [visitor]),
        "address": ("address = ?", [_hash(place)]),
        "everybody": ("true", []),
    }
    with db.write() as cursor:
        forget_old(cursor)
        for limit in limits:
            if limit.whose == "address" and not place:
                continue
            condition, values = mine[limit.whose]
            since = at - timedelta(seconds=limit.within_s)
            row = cursor.execute(
                f"SELECT count(*), min(created_at) FROM asked WHERE created_at > ? AND {condition}", [since, *values]
            ).fetchone()
            if row and row[0] >= limit.most:
                return Reached(limit, _until(row[1], at, limit.within_s))
        cursor.execute(
            "INSERT INTO asked (id, visitor, address, created_at) VALUES (?, ?, ?, ?)",
            [new_id(), visitor, _hash(place), at],
        )
    return None


def forget_old(cursor: Cursor) -> None:
    """Delete what is older than a day, inside the caller's transaction."""
    cursor.execute("DELETE FROM asked WHERE created_at <= ?", [now() - timedelta(seconds=DAY_S)])


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the /64, for every household has that many; "" for what is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
    return str(found)


def _until(oldest: datetime, at: datetime, within_s: int) -> float:
    return max(1.0, within_s - (at - oldest).total_seconds())


def _hash(place: str) -> str:
    return hashlib.sha256(place.encode()).hexdigest()[:32] if place else ""
