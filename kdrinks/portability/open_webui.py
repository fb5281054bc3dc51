"""JSON: what Open WebUI exports and imports, with all that we know of each message under the key `kdrinks` beside its own.

An array of chats, each with history.messages by id, their parentId and childrenIds, and currentId. Pure.
Source: https://docs.openwebui.com/features/chat-conversations/data-controls/import-export/
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kdrinks.given import Unfit, shortened
from kdrinks.portability.facts import checked
from kdrinks.portability.foreign import NO_QUESTION, Said, Talk, time_of
from kdrinks.records import Language
from kdrinks.store.trees import Node, Tree

FORMAT = 1
"""Of what stands under `kdrinks`."""
_ROLES = {"user": "question", "assistant": "answer"}


def as_json(tree: Tree, title: str) -> bytes:
    children: dict[str | None, list[str]] = {}
    for node in tree.nodes:
        children.setdefault(node.parent, []).append(node.id)
    models = list(dict.fromkeys(name for node in tree.nodes if (name := model_of(node))))
    first, last = tree.nodes[0].at, max(node.at for node in tree.nodes)
    chat = {
        "title": title,
        "models": models,
        "history": {
            "currentId": tree.leaf,
            "messages": {node.id: _message(node, children.get(node.id, [])) for node in tree.nodes},
        },
    }
    whole = {
        "id": tree.id,
        "title": title,
        "chat": chat,
        "meta": {"tags": []},
        "pinned": False,
        "archived": False,
        "folder_id": None,
        "created_at": seconds(first),
        "updated_at": seconds(last),
        "kdrinks": {"format": FORMAT},
    }
    return (json.dumps([whole], ensure_ascii=False, indent=1) + "\n").encode()


def _message(node: Node, children: list[str]) -> dict[str, Any]:
    model = model_of(node)
    return {
        "id": node.id,
        "parentId": node.parent,
        "childrenIds": children,
        "role": role_of(node),
        "content": node.text,
        "timestamp": seconds(node.at),
        **({"model": model, "modelName": model, "done": True} if node.role == "answer" else {}),
        "kdrinks": ours_of(node),
    }


def ours_of(node: Node) -> dict[str, Any]:
    """What other programs have no key for."""
    return {"lang": node.lang, "created_at": f"{node.at.isoformat(timespec='microseconds')}Z", **node.facts}


def role_of(node: Node) -> str:
    return "user" if node.role == "question" else "assistant"


def model_of(node: Node) -> str:
    facts = node.facts
    return str((facts.get("model") or {}).get("id") or (facts.get("from") or {}).get("model") or "")


def seconds(at: datetime) -> int:
    return int(at.replace(tzinfo=UTC).timestamp())


def is_one(item: object) -> bool:
    return isinstance(item, dict) and isinstance(_chat(item).get("history"), dict)


def read(item: dict[str, Any]) -> Talk:
    """One chat of the array, also in the older form without `chat`. Raises Unfit."""
    chat = _chat(item)
    ours = isinstance(item.get("kdrinks"), dict)
    history = chat["history"]
    messages = history.get("messages")
    if not isinstance(messages, dict):
        raise Unfit("history.messages is missing")
    said = tuple(_said(key, one, ours=ours) for key, one in messages.items())
    # every child names its parent; where only the parent's list knows it, that counts
    by_child = {child: key for key, one in messages.items() for child in _children(one)}
    said = tuple(one if one.parent else replace(one, parent=by_child.get(one.id)) for one in said)
    leaf = history.get("currentId")
    chat_id = item.get("id") or chat.get("id") or (said[0].id if said else "")
    title = item.get("title") or chat.get("title") or ""
    return Talk(
        "kdrinks" if ours else "open-webui", str(chat_id), str(title), leaf if isinstance(leaf, str) else None, said,
        time_of(item.get("created_at") or chat.get("timestamp")),
    )  # fmt: skip


def _chat(item: dict[str, Any]) -> dict[str, Any]:
    chat = item.get("chat")
    return chat if isinstance(chat, dict) else item


def _children(found: object) -> list[str]:
    children = found.get("childrenIds") if isinstance(found, dict) else None
    return [child for child in children if isinstance(child, str)] if isinstance(children, list) else []


def _said(key: str, found: object, *, ours: bool) -> Said:
    if not isinstance(found, dict):
        raise Unfit(f"message {shortened(key)}: {shortened(found)}")
    parent = found.get("parentId")
    return said(key, parent if isinstance(parent, str) else None, found, ours=ours, program="open-webui")


def said(key: str, parent: str | None, found: dict[str, Any], *, ours: bool, program: str) -> Said:
    """A message with `role`, `content`, `timestamp`, `model` and what we write under `kdrinks`. Raises Unfit."""
    role = _ROLES.get(str(found.get("role")), "")
    text, at = _text(found.get("content")), time_of(found.get("timestamp"))
    if role == "question" and not text.strip() and (found.get("files") or found.get("content")):
        text = NO_QUESTION
    own = found.get("kdrinks")
    try:
        if ours and isinstance(own, dict) and role:
            lang: Language | None = {"ko": "ko", "en": "en"}.get(str(own.get("lang")))  # type: ignore[assignment]
            facts = checked(own) if role == "answer" else {}
            return Said(key, parent, role, text, time_of(own.get("created_at")) or at, lang, facts)  # type: ignore[arg-type]
    except Unfit as exc:
        raise Unfit(f"message {shortened(key)}: {exc}") from exc
    named = found.get("model") or found.get("modelName")
    facts = from_program(program, named) if role == "answer" else {}
    return Said(key, parent, role, text, at, None, facts if text.strip() else {})  # type: ignore[arg-type]


def from_program(program: str, model: object) -> dict[str, Any]:
    """The facts of an answer from another program; as long as what is ours may be."""
    named = {"model": model[:200]} if isinstance(model, str) and model else {}
    return checked({"from": {"program": program, **named}})


def _text(content: object) -> str:
    """Of a text, or of a list of parts, of which the pictures are left out."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return "\n\n".join(part for part in parts if isinstance(part, str) and part)
    return ""
