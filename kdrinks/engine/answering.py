"""One answer of a model in memory: what its worker is asked, and what comes of what it says. local.py has the turn and the model."""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from typing import Any

from kdrinks.engine.process import WorkerProcess
from kdrinks.engine.protocol import Build, Done, Event, Reading, Rethought, Text, Thought
from kdrinks.records import Loaded, Message, Sampling, Sentence, Timing


def answered(
    worker: WorkerProcess,
    loaded: Loaded,
    build: Build,
    sampling: Sampling,
    *,
    conversation: str,
    stop: threading.Event,
    sentences: Callable[[], Sequence[Sentence] | None],
    timing: Timing,
    clock: Callable[[], float],
    called: float,
) -> Generator[Event, None, None]:
    """Reading, Thought, Rethought and Text events as the worker sends them, then Done with the timings.

    timing: of what came before, since `called` by the clock. Raises EngineDied, ContextTooSmall, NotAModel, and whatever build raises.
    """
    started = clock()
    first: float | None = None
    messages = built(worker, loaded, build, sampling, stop)
    values = {**asdict(sampling), "conversation": conversation}
    held = sentences()
    values["sentences"] = None if held is None else [asdict(sentence) for sentence in held]
    values["messages"] = [asdict(message) for message in messages]
    result: dict[str, Any] = {}
    with closing(worker.request("stream", values, stop)) as documents:
        for document in documents:
            event = document.get("event")
            if event == "text":
                first = clock() - started if first is None else first
                yield Text(document["text"])
            elif event == "thought":
                yield Thought(document["text"])
            elif event == "rethought":
                first = None
                yield Rethought()
            elif event == "reading":
                yield Reading(document["done"], document["total"])
            elif "result" in document:
                result = document["result"]
    written, seconds = result["completion_tokens"], result["completion_s"]
    timing = replace(
        timing,
        prompt_tokens=result["prompt_tokens"],
        cached_tokens=result["cached_tokens"],
        prompt_s=result["prompt_s"],
        first_token_s=first,
        thought_s=result["thought_s"],
        thought_tokens=result["thought_tokens"],
        completion_tokens=written,
        completion_s=seconds,
        tokens_per_s=(written - 1) / seconds if written > 1 and seconds > 0 else None,
        total_s=clock() - called,
    )
    loaded = replace(loaded, memory_bytes=result["memory_bytes"], threads=result["threads"])
    yield Done(result["finish"], timing, loaded, result["corrections"], result["prompt_hash"], result["taken_back"])


def built(
    worker: WorkerProcess, loaded: Loaded, build: Build, sampling: Sampling, stop: threading.Event | None = None
) -> list[Message]:
    """The messages of a prompt that leaves room for a thought, counted with the loaded model's tokenizer. Raises what build raises."""

    def count(messages: list[Message]) -> int:
        asked = {"prompts": [[asdict(message) for message in messages]], "thinking": sampling.thinking}
        return int(worker.result("count", asked, stop)[0])

    room = min(sampling.max_thought_tokens, loaded.context_tokens // 4) if _thinks(loaded, sampling) else 0
    return build(count, loaded.context_tokens - room)


def _thinks(loaded: Loaded, sampling: Sampling) -> bool:
    """Whether room must be kept for a thought."""
    return loaded.thinks and (sampling.thinking if sampling.thinking is not None else not loaded.switches_thinking)
