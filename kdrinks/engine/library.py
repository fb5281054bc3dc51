"""llama.cpp as a library: its log, the devices of its backend registry, its quantizer. With native.py, adapters.py, sampler.py and vocabulary.py the only importer of llama_cpp.

Only the child processes import this module, worker.py and quantizer.py. Knows no model that is loaded.
"""

import contextlib
import ctypes
import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as llama
import psutil
from llama_cpp._ctypes_extensions import load_shared_library

from kdrinks.engine.placement import placement
from kdrinks.engine.processors import physical_cores

QUANTIZATIONS = {
    value: name.removeprefix("LLAMA_FTYPE_").removeprefix("MOSTLY_").removeprefix("ALL_")
    for name, value in vars(llama).items()
    if name.startswith("LLAMA_FTYPE_") and isinstance(value, int)
}
DEVICE_KINDS = ("cpu", "gpu", "igpu", "accel")

_log_callbacks: list[Any] = []
"""llama.cpp calls the last one for as long as the process lives; a freed one crashes it at the next line."""


class Log:
    """The loader's log lines: what it complained about and where it put the layers.

    echo: told the lines that are errors (GGML_LOG_LEVEL_ERROR is 4), so that they outlive the process.
    """

    def __init__(self, echo: Callable[[str], None]) -> None:
        self.lines: deque[str] = deque(maxlen=400)
        self._errors: deque[str] = deque(maxlen=40)
        self._partial = ""
        self._echo = echo
        callback = llama.llama_log_callback(self._take)
        _log_callbacks.append(callback)
        llama.llama_log_set(callback, ctypes.c_void_p(0))

    def _take(self, level: int, text: bytes, _data: object) -> None:
        self._partial += text.decode("utf-8", errors="replace")
        while "\n" in self._partial:
            line, self._partial = self._partial.split("\n", 1)
            self.lines.append(line)
            if level == 4:
                self._errors.append(line)
            if level == 4 or "failed" in line.lower():
                self._echo(line)

    def clear(self) -> None:
        self.lines.clear()
        self._errors.clear()

    def complaint(self) -> str:
        """The most telling line since the last clear: the first error, which names the cause of those after it."""
        # Lines of plain information say "unknown" and "failed" too: they count only where nothing is marked as an error.
        for line in self._errors or self.lines:
            if re.search(r"error|failed|unable|invalid|unknown|missing|corrupt", line, re.IGNORECASE):
                return re.sub(r"^\w+: ", "", line).strip()
        return self.lines[-1].strip() if self.lines else "llama.cpp gave no reason"

    def placement(self, layers: int) -> tuple[str, int]:
        """(cpu, cuda, metal, vulkan or split; layers on the GPU) as the loader's lines say."""
        return placement(self.lines, layers)


def forget_peak() -> None:
    """Begins a new peak for the next model; Linux keeps one for the process, others none.

    Source: /proc/PID/clear_refs in https://docs.kernel.org/filesystems/proc.html
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_bytes() -> int:
    """Highest resident memory of this process since forget_peak; what is resident now where the system tells no peak."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.split("VmHWM:", 1)[1].split(maxsplit=1)[0]) * 1024
    except (OSError, IndexError):
        return int(psutil.Process().memory_info().rss)


def start() -> None:
    """Loads llama.cpp's backends; once per process."""
    llama.llama_backend_init()


def quantize(source: str, out: str, name: str, *, threads: int = 0) -> int:
    """Writes source in another quantization; returns llama.cpp's code, 0 when it worked. name: a value of QUANTIZATIONS.

    threads: 0 takes the physical cores. Progress is in the log: one line `[ 3/ 60] blk.0...` a tensor.
    """
    parameters = llama.llama_model_quantize_default_params()
    parameters.nthread = threads or physical_cores()
    parameters.ftype = next(value for value, known in QUANTIZATIONS.items() if known == name)
    parameters.allow_requantize = True  # asked before: hub/quantize.py
    return int(llama.llama_model_quantize(source.encode(), out.encode(), ctypes.byref(parameters)))


def devices() -> list[dict[str, Any]]:
    """What llama.cpp's backend registry can use; the bindings have no names for it, so a few ctypes lines.

    Source: ggml/include/ggml-backend.h
    """
    ggml, base = (load_shared_library(name, llama._base_path) for name in ("ggml", "ggml-base"))
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    for name in ("ggml_backend_dev_name", "ggml_backend_dev_description"):
        getattr(base, name).restype = ctypes.c_char_p
        getattr(base, name).argtypes = [ctypes.c_void_p]
    base.ggml_backend_dev_backend_reg.restype = ctypes.c_void_p
    base.ggml_backend_dev_backend_reg.argtypes = [ctypes.c_void_p]
    base.ggml_backend_reg_name.restype = ctypes.c_char_p
    base.ggml_backend_reg_name.argtypes = [ctypes.c_void_p]
    base.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    base.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p] + [ctypes.POINTER(ctypes.c_size_t)] * 2
    base.ggml_backend_dev_memory.restype = None
    found = []
    for index in range(ggml.ggml_backend_dev_count()):
        device = ggml.ggml_backend_dev_get(index)
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        base.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        kind = base.ggml_backend_dev_type(device)
        found.append(
            {
                "id": base.ggml_backend_dev_name(device).decode(),
                "kind": DEVICE_KINDS[kind] if kind < len(DEVICE_KINDS) else "accel",
                "name": base.ggml_backend_dev_description(device).decode(errors="replace"),
                "backend": base.ggml_backend_reg_name(base.ggml_backend_dev_backend_reg(device)).decode(),
                "memory_bytes": total.value,
                "free_bytes": free.value,
            }
        )
    return found
