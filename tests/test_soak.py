"""Chats that write while analysts query, for a few seconds; benchmarks/soak.py does it for ten minutes."""

from pathlib import Path

from benchmarks.soak import soak


def test_four_chats_and_three_analysts_at_once_lose_no_row_and_count_exactly(tmp_path: Path) -> None:
    done = soak(tmp_path, seconds=4)
    assert done["answers"] > 0 and done["charts"] > 0
