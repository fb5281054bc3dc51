"""Damaged files cost nobody more than that file: the lists, the page and the engine go on.

benchmarks/malformed.py takes many more through the same steps.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kdrinks.config import BUILT_IN_FILE, Settings
from kdrinks.engine.local import LocalEngine
from kdrinks.hub import catalog, fit
from tests.support import malformed
from tests.support.mutations import Mutations
from tests.support.real_shapes import Shape, write_shape
from tests.support.tiny_models import write_byte_model

SMALL: Shape = {
    "layers": 2,
    "embedding": 256,
    "feed_forward": 512,
    "vocabulary": 600,
    "heads": 4,
    "kv_heads": 2,
    "head_size": 64,
}
Damaged = Callable[[int], tuple[str, bytes]]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    """(kind, bytes) of the number-th file, out of two whole ones."""
    folder = tmp_path_factory.mktemp("whole")
    plain = write_byte_model(folder / "plain.gguf", template="{{ messages[0].content }}").read_bytes()
    small = write_shape(folder / "small.gguf", "Q4_K_M", **SMALL).read_bytes()
    sources = (Mutations(plain), Mutations(small))
    return lambda number: sources[number % 2](number)


def test_six_hundred_damaged_files_are_whole_or_say_what_is_wrong(damaged: Damaged, tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for number in range(600):
        path = tmp_path / f"{number}.gguf"
        path.write_bytes(damaged(number)[1])
        seen[malformed.inspect(path)] += 1
    assert set(seen) <= {"whole", "model_broken", "model_not_gguf", "model_writes_no_text"}
    assert seen["whole"] > 100 and seen["model_broken"] > 100
    settings = Settings(home=tmp_path / "home", models=tmp_path)
    assert len(catalog.local_models(settings)) == seen["whole"] + 1
    assert len(catalog.broken_files(settings)) == 600 - seen["whole"]
    rows = catalog.describe(settings, fit.Free(8 << 30))
    assert sum(row["installed"] for row in rows) == seen["whole"] + 1


def test_damaged_files_load_or_say_why_and_the_engine_goes_on(damaged: Damaged, tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    with closing(LocalEngine()) as engine:
        for number in range(0, 220, 5):
            path = tmp_path / f"{number}.gguf"
            path.write_bytes(damaged(number)[1])
            seen[malformed.load(engine, path)] += 1
        assert malformed.load(engine, BUILT_IN_FILE) == "writes"
    assert seen["writes"] > 5 and seen["model_load_failed"] > 5 and not seen["hangs"]
