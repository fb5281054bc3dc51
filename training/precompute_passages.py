"""Analyse the packaged passages once, so that a first start need not: their words and vectors as kdrinks/data/passages.parquet.

    python -m training.precompute_passages

To be run after a change of the drinks, topics, beliefs, word rules or vectors; tests/test_data.py tells when. A start with an old
file is right too, and takes 2 s longer: passages are looked up by a hash of all they were made from.
"""

from pathlib import Path

from kdrinks.drinks.names import packaged_names
from kdrinks.search.knowledge import Knowledge
from kdrinks.store import passages
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer

READY = Path(__file__).resolve().parent.parent / "kdrinks" / "data" / "passages.parquet"


def main() -> None:
    db = Database.open(None)
    Knowledge(db, TextAnalyzer(packaged_names())).fill()
    passages.save_ready(db, READY)
    db.close()
    print(f"{READY.name}: {READY.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
