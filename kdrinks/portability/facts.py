"""What a file of ours says of an answer, checked field by field: names, types, sizes. Pure."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, get_args

from kdrinks.given import Unfit, shortened
from kdrinks.records import Finish, Mode, Timing
from kdrinks.store.trees import MODEL_COLUMNS
from kdrinks.text.typed import disarmed

GUARDS = ("kept", "repaired", "said", "quoted", "fixed", "quote_first", "no_notes", "off")
CITATIONS_MAX = 20
"""Of one answer; ours rest on a few passages."""
SOURCES_MAX = 50
CITED_MAX_CHARACTERS = 100_000
"""Of all citations of an answer; a passage has some hundred, a list of ours some thousand."""
LIST_MAX = 200
TEXT_MAX_CHARACTERS = 20_000
"""Of one text beside a message; a passage has some hundred."""
NAME_MAX_CHARACTERS = 200
"""Of another program and its model."""
REST_MAX_BYTES = 1024 * 1024
"""Of settings and passages of one answer."""
_MODEL: dict[str, type] = {
    **dict.fromkeys(MODEL_COLUMNS, int),
    **dict.fromkeys(("id", "file", "quantization", "device_requested", "device_used", "adapter", "sha256"), str),
    **dict.fromkeys(("load_s", "adapter_scale"), float),
}
_MODEL_MAY_LACK = {"adapter", "adapter_scale", "sha256", "predicted_memory_bytes", "measured_memory_bytes"}
_TIMING: dict[str, type] = {name: int if name.endswith("_tokens") else float for name in Timing.__dataclass_fields__}
_CITATION: dict[str, type] = {
    "number": int, **dict.fromkeys(("passage_id", "subject_id", "kind", "lang", "title", "text"), str), "score": float,
}  # fmt: skip

_DOCUMENTS = re.compile(r"[^.]+(?:\.[^.]+)*\.document\.[0-9]{1,6}\.(?:ko|en)")
"""Ids of documents' passages, which the page opens by their number."""


def checked(found: object) -> dict[str, Any]:
    """The facts of an answer (store.trees.Node.facts); what has no name there is left out. Raises Unfit with the field."""
    if not isinstance(found, dict):
        raise Unfit(f"{shortened(found)}: no answer's facts")
    facts: dict[str, Any] = {}
    for name, known in (("finish", get_args(Finish)), ("guard", GUARDS)):
        if name in found:
            facts[name] = _one_of(found[name], known, name)
    for name in ("error", "identity"):
        if name in found:
            facts[name] = _typed(found[name], str, name)
    if "cold" in found:
        facts["cold"] = _typed(found["cold"], bool, "cold")
    if "model" in found:
        facts["model"] = _fields(found["model"], _MODEL, "model", may_lack=_MODEL_MAY_LACK)
    if "timing" in found:
        facts["timing"] = _fields(found["timing"], _TIMING, "timing", may_lack=set(_TIMING))
    if "citations" in found:
        cited = [_citation(one) for one in _list(found["citations"], "citations", CITATIONS_MAX)]
        if (characters := len(json.dumps(cited, ensure_ascii=False))) > CITED_MAX_CHARACTERS:
            raise Unfit(f"citations: {characters:,} characters, more than {CITED_MAX_CHARACTERS:,}")
        facts["citations"] = cited
    if "details" in found:
        facts["details"] = _details(found["details"])
    if "rating" in found:
        facts["rating"] = _fields(found["rating"], {"good": bool}, "rating")
    if "from" in found:
        told = _fields(found["from"], {"program": str, "model": str}, "from", may_lack={"model"})
        facts["from"] = {name: text[:NAME_MAX_CHARACTERS] for name, text in told.items()}
    rest = {name: _plain(found[name], name) for name in ("settings", "passages") if name in found}
    if len(json.dumps(rest, ensure_ascii=False)) > REST_MAX_BYTES:
        raise Unfit(f"settings and passages: more than {REST_MAX_BYTES // 1024} KB")
    return facts | rest


def _citation(found: object) -> dict[str, Any]:
    citation = _fields(found, _CITATION, "citations")
    sources = _list(found.get("sources", []) if isinstance(found, dict) else [], "citations.sources", SOURCES_MAX)
    # what is no address of the web opens nothing on any page, and stays
    citation["sources"] = [_typed(one, str, "citations.sources") for one in sources]
    if citation["kind"] == "document" and not _DOCUMENTS.fullmatch(citation["passage_id"]):
        raise Unfit(f"citations.passage_id: {shortened(citation['passage_id'])}, no document's")
    return citation


def _details(found: object) -> dict[str, Any]:
    kept = _fields(
        found, {"intent": str, "mode": str, "template": str, "dropped_turns": int}, "details",
        may_lack={"intent", "mode", "template", "dropped_turns"},
    )  # fmt: skip
    if "mode" in kept:
        _one_of(kept["mode"], get_args(Mode), "details.mode")
    return kept


def _fields(
    found: object, types: Mapping[str, type], where: str, *, may_lack: set[str] | None = None
) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Unfit(f"{where}: {shortened(found)}")
    for name in types.keys() - found.keys() - (may_lack or set()):
        raise Unfit(f"{where}.{name}: missing")
    return {name: _typed(found[name], types[name], f"{where}.{name}") for name in types if name in found}


def _typed(found: object, wanted: type, where: str) -> Any:
    if wanted is str and isinstance(found, str) and len(found) <= TEXT_MAX_CHARACTERS:
        return disarmed(found)
    if wanted is bool and isinstance(found, bool):
        return found
    if wanted in (int, float) and isinstance(found, int | float) and not isinstance(found, bool):
        # 32 bits hold every column but those of memory
        most = 2**63 - 1 if where.endswith("_bytes") else 2**31 - 1
        if wanted is float and math.isfinite(found) and abs(found) <= most:
            return found
        if wanted is int and isinstance(found, int) and abs(found) <= most:
            return found
    raise Unfit(f"{where}: {shortened(found)}")


def _one_of(found: object, known: tuple[str, ...], where: str) -> str:
    if not isinstance(found, str) or found not in known:
        raise Unfit(f"{where}: {shortened(found)}, none of {', '.join(known)}")
    return found


def _list(found: object, where: str, most: int = LIST_MAX) -> list[Any]:
    if not isinstance(found, list) or len(found) > most:
        raise Unfit(f"{where}: {shortened(found)}")
    return found


def _plain(found: object, where: str) -> Any:
    """JSON with its texts disarmed."""
    if isinstance(found, dict):
        return {_typed(name, str, where): _plain(one, where) for name, one in found.items()}
    if isinstance(found, list):
        return [_plain(one, where) for one in _list(found, where)]
    if found is None or isinstance(found, bool):
        return found
    return _typed(found, str if isinstance(found, str) else type(found), f"{where}")
