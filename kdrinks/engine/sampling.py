"""How tokens are chosen: what may be asked for, and what a model's own file asks for. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kdrinks.errors import BadInput
from kdrinks.records import Sampling

RANGES: Mapping[str, tuple[float, float]] = {
    "max_tokens": (1, 1_000_000),
    "max_thought_tokens": (1, 1_000_000),
    "temperature": (0, 5),
    "top_p": (0.01, 1),
    "top_k": (0, 1_000_000),
    "min_p": (0, 0.99),
    "repeat_penalty": (0.5, 2),
    # llama.cpp takes 2^32 - 1 for a seed of its own choosing
    "seed": (0, 2**32 - 2),
}
"""Field of Sampling -> least and most."""
_HEADER = {
    "temperature": "temp",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "repeat_penalty": "penalty_repeat",
}
"""Field of Sampling -> what follows `general.sampling.` in a GGUF header. Source: llama.cpp, src/llama-arch.cpp"""


def checked(sampling: Sampling) -> Sampling:
    """The same. Raises BadInput for the first value that is out of its range, and for an empty stop text."""
    for name, (least, most) in RANGES.items():
        found = getattr(sampling, name)
        if not least <= found <= most:
            option = f"--{name.replace('_', '-')}"
            raise BadInput("sampling_out_of_range", option=option, found=found, least=least, most=most)
    if not all(sampling.stop):
        raise BadInput("stop_empty")
    return sampling


def of_header(values: Mapping[str, Any]) -> Sampling | None:
    """What the makers of a file wrote into its header; None when they wrote nothing that can be used.

    A header may hold anything: what is no number in its range is left out.
    """
    found: dict[str, Any] = {}
    for name, key in _HEADER.items():
        value = values.get(f"general.sampling.{key}")
        least, most = RANGES[name]
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            # a header's numbers have 32 bits: 0.7 is read as 0.699999988079071
            found[name] = int(value) if name == "top_k" else round(float(value), 6)
    return replace(Sampling(), **found) if found else None
