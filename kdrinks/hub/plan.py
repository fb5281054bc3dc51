"""How a model is to be loaded here: layers on the GPU, context and KV type, and what to try next when memory runs out.

Decides from what llama.cpp says of the devices and what the header says of the model; a choice that a person made is
kept and only the rest is fitted. Remembers in a small file what worked after steps down. Knows no llama.cpp.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil

from kdrinks.engine.protocol import local_model
from kdrinks.errors import ModelError
from kdrinks.hub import catalog, fit
from kdrinks.hub.gguf import header_of, read_model
from kdrinks.records import Choice, Device, Plan

SMALLEST_CONTEXT = 1024
REMEMBERED_S = 7 * 86400.0
MORE_MEMORY = 1.25
"""With this many times the memory that was free when steps down were needed, the first plan gets another chance."""


def first_plan(choice: Choice, shape: fit.Shape, weights_bytes: int, devices: Sequence[Device]) -> Plan:
    """The plan that uses the GPUs as far as their free memory goes, less the margin of each; "split" for half of the layers at most.

    "auto" leaves integrated GPUs alone: they share the processor's memory and are often slower. "gpu" takes them too.
    """
    context = choice.context_tokens or min(shape.context_length or fit.DEFAULT_CONTEXT, fit.DEFAULT_CONTEXT)
    kinds = {"cpu": (), "auto": ("gpu",), "gpu": ("gpu", "igpu"), "split": ("gpu", "igpu")}[choice.device]
    free = sum(max(0, one.free_bytes - fit.GPU_MARGIN_BYTES) for one in devices if one.kind in kinds)
    if not free or not shape.layers:
        return Plan(0, context)
    estimated = fit.estimate_gpu(shape, weights_bytes, context_tokens=context)
    most = shape.layers // 2 if choice.device == "split" else shape.layers
    if estimated.total_bytes <= free:
        return Plan(-1 if most == shape.layers else most, context)
    # The output table counts as a layer of its own and goes to the GPU last.
    a_layer = (estimated.weights_bytes + estimated.kv_bytes) / (shape.layers + 1)
    layers = int((free - estimated.compute_bytes) / a_layer)
    return Plan(max(0, min(layers, most)), context)


def steps_down(first: Plan, layers: int) -> list[Plan]:
    """The plan and those to try after it, each needing less of what ran out: KV type, context, layers, CPU."""
    smaller = max(min(SMALLEST_CONTEXT, first.context_tokens), first.context_tokens // 2)
    plans = [first, replace(first, kv_type="q8_0"), replace(first, kv_type="q8_0", context_tokens=smaller)]
    if first.gpu_layers:
        on_gpu = layers if first.gpu_layers < 0 else first.gpu_layers
        plans += [replace(plans[-1], gpu_layers=part) for part in (on_gpu * 3 // 4, on_gpu // 2, on_gpu // 4) if part]
        plans += [replace(first, gpu_layers=0), replace(plans[2], gpu_layers=0)]
    return list(dict.fromkeys(plans))


def fallbacks(first: Plan, used: Plan) -> tuple[str, ...]:
    """What was lowered: `kv q8_0`, `context 2048`, `layers 14` or `cpu`."""
    lowered = []
    if used.kv_type != first.kv_type:
        lowered.append(f"kv {used.kv_type}")
    if used.context_tokens != first.context_tokens:
        lowered.append(f"context {used.context_tokens}")
    if used.gpu_layers != first.gpu_layers:
        lowered.append(f"layers {used.gpu_layers}" if used.gpu_layers else "cpu")
    return tuple(lowered)


class Planner:
    """Plans for the engine; remembers in `file` what worked on this machine."""

    def __init__(
        self,
        file: Path | None = None,
        *,
        now: Callable[[], float] = time.time,
        free_bytes: Callable[[], int] = lambda: int(psutil.virtual_memory().available),
    ) -> None:
        self._file = file
        self._now = now
        self._free_bytes = free_bytes
        self._worked: dict[str, dict[str, Any]] = _read(file) if file else {}

    def plans(self, choice: Choice, devices: Sequence[Device]) -> list[Plan]:
        """Best first; begins with what worked when steps down were needed lately and memory is as short as then."""
        plans = self._all(choice, devices)
        known = self._worked.get(_key(choice))
        if known and self._now() - known["at"] < REMEMBERED_S:
            plan = Plan(**known["plan"])
            if plan in plans and self._free(devices) < known["free_bytes"] * MORE_MEMORY:
                return plans[plans.index(plan) :]
        return plans

    def _all(self, choice: Choice, devices: Sequence[Device]) -> list[Plan]:
        path = local_model(choice.model).path
        try:
            header, model = header_of(path), read_model(path)
        except ModelError:
            # llama.cpp's own words about a broken file are better than none.
            return [Plan(0 if choice.device == "cpu" else -1, choice.context_tokens)]
        shape = replace(fit.shape_of(header), parameters=model.parameters)
        return steps_down(first_plan(choice, shape, model.size_bytes, devices), shape.layers)

    def fallbacks(self, choice: Choice, devices: Sequence[Device], plan: Plan) -> tuple[str, ...]:
        """What the plan lowers against the best one; empty when the file cannot be read."""
        best = self._all(choice, devices)
        return fallbacks(best[0], plan) if len(best) > 1 else ()

    def record_success(self, choice: Choice, plan: Plan, devices: Sequence[Device], *, stepped: bool) -> None:
        """Keeps what worked after steps down; forgets it when the first plan worked."""
        known = self._worked.pop(_key(choice), None)
        if stepped:
            self._worked[_key(choice)] = {"plan": asdict(plan), "at": self._now(), "free_bytes": self._free(devices)}
        if self._file and (stepped or known):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps(self._worked), encoding="utf-8")
            fresh.replace(self._file)

    def predicted_bytes(self, choice: Choice, plan: Plan) -> int:
        """Peak memory of the plan on the CPU; 0 when the file cannot be read."""
        try:
            estimated = catalog.estimate_of(
                read_model(local_model(choice.model).path), context_tokens=plan.context_tokens, kv_type=plan.kv_type
            )
        except ModelError:
            return 0
        return estimated.total_bytes

    def fits_beside(self, choice: Choice, devices: Sequence[Device]) -> bool:
        """Whether there is room for the choice in what is free now, with the models in memory where they are."""
        try:
            estimated = catalog.estimate_of(
                read_model(local_model(choice.model).path), context_tokens=choice.context_tokens
            )
        except ModelError:
            return True
        return fit.verdict(estimated, fit.free_memory(self._free_bytes(), devices)) == "fits"

    def _free(self, devices: Sequence[Device]) -> int:
        return self._free_bytes() + sum(one.free_bytes for one in devices if one.kind == "gpu")


def _key(choice: Choice) -> str:
    return f"{local_model(choice.model).path.name} {choice.device} {choice.context_tokens}"


def _read(file: Path) -> dict[str, dict[str, Any]]:
    """What the file holds; nothing when it is not there or is none of ours any more."""
    try:
        worked = json.loads(file.read_text(encoding="utf-8"))
        for known in worked.values():
            Plan(**known["plan"])
            float(known["at"]), int(known["free_bytes"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
    return dict(worked)
