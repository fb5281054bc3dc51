"""LoRA adapters over one loaded model, through the low-level calls: read once, laid over a context for each request, freed.

With native.py, library.py, sampler.py and vocabulary.py the only importer of llama_cpp. The model's file stays mapped and its weights as they are: to
change the adapter takes 0.1 ms, where an adapter that is given with the model means to load the model again for each.
"""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as llama
import numpy as np
import numpy.typing as npt

from kdrinks.engine.library import Log
from kdrinks.files import regular

KEPT = 8
"""Adapters in memory beside the model, a few MB each; those that were not used for longest leave first."""
REASONS = (
    ("general.type", "adapter_is_model"),
    ("mismatch", "adapter_other_model"),
    ("wrong base model", "adapter_other_model"),
    ("not exist in base", "adapter_other_model"),
)
"""What llama.cpp complains of (llama-adapter.cpp), and the error that says it to a person; anything else is a broken file."""

Key = tuple[str, int, int]
"""Path, bytes and time of change (ns): another of these is another adapter."""


class AdapterProblem(Exception):
    """The file cannot be laid over this model. key: of an error in i18n."""

    def __init__(self, key: str, reason: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.reason = reason


def key_of(path: str) -> Key:
    """Raises OSError when there is no regular file."""
    status = regular(Path(path))
    return path, status.st_size, status.st_mtime_ns


class Adapters:
    """Those that were read for one model."""

    def __init__(self, model: Any, log: Log) -> None:
        self._model = model
        self._log = log
        self._read: dict[Key, Any] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._read

    def lay(self, context: Any, key: Key | None, scale: float = 1.0) -> None:
        """Over the context, for what it reads from now on; None leaves the model alone."""
        if key is None:
            llama.llama_set_adapters_lora(context, None, 0, None)
        else:
            adapters = (llama.llama_adapter_lora_p_ctypes * 1)(self._read[key])
            llama.llama_set_adapters_lora(context, adapters, 1, (ctypes.c_float * 1)(scale))

    def read(self, context: Any, key: Key, logits: Callable[[], npt.NDArray[np.float32]]) -> None:
        """Reads the file and proves that it does something; nothing when it was read before. The context has none laid over it.

        logits: of a fixed short prompt, with what is laid over the context.
        Raises AdapterProblem.
        """
        if key in self._read:
            self._read[key] = self._read.pop(key)  # used last
            return
        unwanted = [old for old in self._read if old[0] == key[0]]
        for old in unwanted or list(self._read)[: max(0, len(self._read) - KEPT + 1)]:
            self._free(old)
        self._log.clear()
        adapter = llama.llama_adapter_lora_init(self._model, key[0].encode())
        if not adapter:
            complaint = self._log.complaint()
            raise AdapterProblem(
                next((key for words, key in REASONS if words in complaint), "adapter_broken"), complaint
            )
        self._read[key] = adapter
        try:
            self._prove(context, key, logits)
        except BaseException:
            self.lay(context, None)
            self._free(key)
            raise

    def _prove(self, context: Any, key: Key, logits: Callable[[], npt.NDArray[np.float32]]) -> None:
        alone = logits()
        self.lay(context, key)
        with_adapter = logits()
        self.lay(context, None)
        if np.array_equal(alone, with_adapter):
            raise AdapterProblem("adapter_no_effect")
        if not np.isfinite(with_adapter[np.isfinite(alone)]).all():
            raise AdapterProblem("adapter_broken", "its weights are no numbers")

    def _free(self, key: Key) -> None:
        llama.llama_adapter_lora_free(self._read.pop(key))

    def close(self) -> None:
        """Frees all; after their contexts, before their model."""
        for key in list(self._read):
            self._free(key)
