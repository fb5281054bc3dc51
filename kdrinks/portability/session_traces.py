"""JSONL of sessions (STS-Format), as the Hugging Face Hub shows it and llama.cpp's pages write it: a line for the session, one a message.

Ours is a tree, so each message has id, parent and children, as llama.cpp's have, and the session the message at which it ends. Pure.
Source: https://huggingface.co/docs/hub/session-traces-format
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kdrinks.given import Unfit, shortened
from kdrinks.portability.foreign import Said, Talk, time_of
from kdrinks.portability.open_webui import model_of, ours_of, role_of, said
from kdrinks.store.trees import Tree

HARNESS = "kdrinks"


def as_jsonl(tree: Tree, title: str) -> bytes:
    children: dict[str | None, list[str]] = {}
    for node in tree.nodes:
        children.setdefault(node.parent, []).append(node.id)
    lines: list[dict[str, Any]] = [
        {"type": "session", "harness": HARNESS, "id": tree.id, "name": title, "currNode": tree.leaf}
    ]
    for node in tree.nodes:
        message = {
            "id": node.id,
            "convId": tree.id,
            "parent": node.parent,
            "children": children.get(node.id, []),
            "role": role_of(node),
            "content": node.text,
            "timestamp": _milliseconds(node.at),
            **({"model": model_of(node)} if node.role == "answer" else {}),
            "kdrinks": ours_of(node),
        }
        lines.append({"type": "message", "message": message})
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _milliseconds(at: datetime) -> int:
    return int(at.replace(tzinfo=UTC).timestamp() * 1000)


def is_head(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == "session"


def read(lines: Sequence[Any]) -> Talk:
    """A session and its messages; without parents each follows the one before. Raises Unfit."""
    head, ours = lines[0], lines[0].get("harness") == HARNESS
    if not isinstance(head.get("id"), str):
        raise Unfit("the session has no id")
    found: list[Said] = []
    messages = [one for one in lines[1:] if isinstance(one, dict) and one.get("type") == "message"]
    # ids that llama.cpp's pages write stand in the message, those of others around it, or nowhere
    a_tree = any(
        "parent" in one or "parent" in (one.get("message") or {})
        for one in messages
        if isinstance(one.get("message"), dict)
    )
    for number, envelope in enumerate(messages, 1):
        message = envelope.get("message")
        if not isinstance(message, dict):
            raise Unfit(f"message {number}: {shortened(message)}")
        both = {**envelope, **message}
        key = both["id"] if isinstance(both.get("id"), str) else f"line {number}"
        parent = both.get("parent") if a_tree else (found[-1].id if found else None)
        found.append(said(key, parent if isinstance(parent, str) else None, both, ours=ours, program="sts"))
    leaf = head.get("currNode")
    name = head.get("name")
    at = time_of(head.get("timestamp") or head.get("lastModified"))
    program = "kdrinks" if ours else "sts"
    return Talk(
        program, head["id"], name if isinstance(name, str) else "",
        leaf if isinstance(leaf, str) else (found[-1].id if found else None), tuple(found), at,
    )  # fmt: skip
