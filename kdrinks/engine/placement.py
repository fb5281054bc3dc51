"""Where a model runs, from the loader's own log lines: what it reports, never what was asked for. Pure."""

import re
from collections.abc import Iterable


def placement(lines: Iterable[str], layers: int) -> tuple[str, int]:
    """Device used and GPU layers from `offloaded 17/29 layers to GPU` and the model buffers' names.

    The loader counts the output layer too, so 29/29 is a model of 28 layers that is wholly on the GPU.
    """
    offloaded = total = 0
    backend = ""
    for line in lines:
        if match := re.search(r"offloaded (\d+)/(\d+) layers to GPU", line):
            offloaded, total = int(match[1]), int(match[2])
        elif match := re.search(r"\b(CUDA|MTL|Metal|Vulkan|ROCm|SYCL)\w* model buffer size", line):
            backend = {"MTL": "metal"}.get(match[1], match[1].lower())
    if not offloaded:
        return "cpu", 0
    return (backend or "gpu") if offloaded >= total else "split", min(offloaded, layers)
