"""Rows of generations and citations as the records that they were stored from."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from kdrinks.records import Citation, Loaded, Passage, Timing


def in_public(loaded: Loaded | None) -> Loaded | None:
    """What others than administrators get of it: no folder and no memory of the server's."""
    return replace(loaded, file=PurePath(loaded.file).name, memory_bytes=0, predicted_bytes=0) if loaded else None


def timing(row: Mapping[str, Any]) -> Timing:
    """Of a row of generations; one from before thoughts were timed has none."""
    thought = {"thought_s": row["thought_s"] or 0.0, "thought_tokens": row["thought_tokens"] or 0}
    return Timing(**{name: row[name] for name in Timing.__dataclass_fields__} | thought)


def loaded(row: Mapping[str, Any]) -> Loaded | None:
    """Of a row of generations; None where no model ran."""
    if row["model_id"] is None:
        return None
    return Loaded(
        model_id=row["model_id"],
        file=row["file"],
        quantization=row["quantization"],
        context_tokens=row["context_tokens"],
        requested=row["device_requested"],
        used=row["device_used"],
        gpu_layers=row["gpu_layers"],
        layers=row["layers"],
        load_s=row["model_load_s"],
        threads=row["threads"],
        memory_bytes=row["measured_memory_bytes"],
        adapter=row["adapter"],
        adapter_scale=row["adapter_scale"],
    )


def citation(row: Mapping[str, Any]) -> Citation:
    """Of a row of citations."""
    passage = Passage(
        row["passage_id"], row["subject_id"], row["kind"], row["lang"], row["title"], row["text"], tuple(row["sources"])
    )
    return Citation(row["number"], passage, row["score"])
