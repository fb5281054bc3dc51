"""How fast the model in a worker writes: the whole path beside a bare loop over llama.cpp, alternating in one run."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from kdrinks.engine.process import WorkerProcess
from kdrinks.records import Loaded, Sampling


def bench(
    worker: WorkerProcess, loaded: Loaded, clock: Callable[[], float], *, tokens: int, prompt_tokens: int, rounds: int
) -> dict[str, Any]:
    """Medians of `rounds` rounds; the worker must hold `loaded`.

    tokens_per_s: as a page gets it, on this side of the pipe. raw_tokens_per_s: llama_decode and a greedy
    llama_sampler_sample, nothing else, same file and settings. prompt_ratio: the same of reading.
    Raises EngineDied, ContextTooSmall.
    """
    tokens = max(2, min(tokens, loaded.context_tokens - prompt_tokens))
    values = {**asdict(Sampling(max_tokens=tokens)), "bench_prompt": prompt_tokens}
    ours, raws, firsts, reads, raw_reads = [], [], [], [], []
    worker.result("raw", {**values, "max_tokens": min(tokens, 16)})
    for _ in range(rounds):
        raw = worker.result("raw", values)
        raws.append((raw["completion_tokens"] - 1) / raw["completion_s"])
        raw_reads.append(prompt_tokens / raw["prompt_s"])
        started = clock()
        times = []
        for document in worker.request("stream", values):
            if document.get("event") == "text":
                times.append(clock())
            elif "result" in document:
                result = document["result"]
        ended = clock()
        # tokens that no text can show (control tokens, half a syllable) bring no event: then the whole time counts
        first = times[0] if times else started
        ours.append((result["completion_tokens"] - 1) / (ended - first))
        firsts.append(first - started)
        reads.append(result["prompt_tokens"] / result["prompt_s"])
    whole, bare = _median(ours), _median(raws)
    return {
        "tokens_per_s": whole,
        "raw_tokens_per_s": bare,
        "ratio": whole / bare,
        "first_token_s": _median(firsts),
        "prompt_tokens_per_s": _median(reads),
        "raw_prompt_tokens_per_s": _median(raw_reads),
        "prompt_ratio": _median(reads) / _median(raw_reads),
        "prompt_tokens": prompt_tokens,
        "completion_tokens": tokens,
        "rounds": rounds,
        "model": {
            "id": loaded.model_id,
            "file": loaded.file,
            "quantization": loaded.quantization,
            "adapter": loaded.adapter,
            "scale": loaded.adapter_scale,
        },
        "device": {"requested": loaded.requested, "used": loaded.used, "gpu_layers": loaded.gpu_layers},
        "threads": loaded.threads,
        "load_s": loaded.load_s,
        "memory_bytes": loaded.memory_bytes,
    }


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
