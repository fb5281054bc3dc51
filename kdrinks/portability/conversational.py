"""Lines of JSON with `messages`, as programs for fine-tuning read them and My data writes them (store.mine.export). Pure."""

import hashlib
import json
from typing import Any

from kdrinks.given import Unfit, shortened
from kdrinks.portability.foreign import Said, Talk
from kdrinks.portability.open_webui import said


def is_one(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("messages"), list)


def read(item: dict[str, Any]) -> Talk:
    """One conversation; without parents each message follows the one before. Raises Unfit."""
    messages: list[Any] = item["messages"]
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict):
            raise Unfit(f"message {number}: {shortened(message)}")
    ours = bool(messages) and all({"id", "parent", "lang", "created_at"} <= message.keys() for message in messages)
    a_tree = any("parent" in message for message in messages)
    found: list[Said] = []
    for number, message in enumerate(messages, 1):
        key = message["id"] if isinstance(message.get("id"), str) else f"message {number}"
        parent = message.get("parent") if a_tree else (found[-1].id if found else None)
        told = {**message, "timestamp": message.get("created_at"), "kdrinks": _ours(message)}
        one = said(key, parent if isinstance(parent, str) else None, told, ours=ours, program="jsonl")
        found.append(one)
    # without an id it is what it holds, so that a second import finds it again
    named = (
        item.get("id")
        if isinstance(item.get("id"), str)
        else hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
    )
    return Talk("kdrinks" if ours else "jsonl", str(named), "", found[-1].id if found else None, tuple(found))


def _ours(message: dict[str, Any]) -> dict[str, Any]:
    """What My data says of an answer, of which each thing has its place elsewhere."""
    told = {name: message[name] for name in ("lang", "created_at", "finish") if message.get(name) is not None}
    if isinstance(message.get("model"), str):
        told["from"] = {"program": "kdrinks", "model": message["model"]}
    return told
