"""The conversations of ChatGPT's export: `mapping` holds nodes by id, each with its parent; lists of children are not always there. Pure."""

from typing import Any

from kdrinks.given import Unfit, shortened
from kdrinks.portability.foreign import NO_QUESTION, Said, Talk, time_of
from kdrinks.portability.open_webui import from_program

_SAID = ("text", "multimodal_text")
"""Types of content that a person saw; the others are thoughts, code for tools and what those gave back."""
_ROLES = {"user": "question", "assistant": "answer"}


def is_one(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("mapping"), dict)


def read(item: dict[str, Any]) -> Talk:
    """One conversation. Raises Unfit."""
    mapping: dict[str, Any] = item["mapping"]
    talk_id = item.get("conversation_id") or item.get("id")
    if not isinstance(talk_id, str):
        raise Unfit("conversation_id is missing")
    title, leaf = item.get("title"), item.get("current_node")
    return Talk(
        "chatgpt", talk_id, title if isinstance(title, str) else "", leaf if isinstance(leaf, str) else None,
        tuple(_said(key, node) for key, node in mapping.items()), time_of(item.get("create_time")),
    )  # fmt: skip


def _said(key: str, node: object) -> Said:
    if not isinstance(node, dict):
        raise Unfit(f"node {shortened(key)}: {shortened(node)}")
    parent = node.get("parent") if isinstance(node.get("parent"), str) else None
    message = node.get("message")
    if not isinstance(message, dict):  # the root
        return Said(key, parent, "", "")
    author, content = _mapping(message.get("author")), _mapping(message.get("content"))
    metadata = _mapping(message.get("metadata"))
    text, at = _text(content), time_of(message.get("create_time"))
    role = _ROLES.get(str(author.get("role")), "")
    if role == "question" and not text.strip() and content.get("parts"):
        text = NO_QUESTION  # a picture without a word: what answers it is an answer of its own
    for_a_tool = message.get("recipient") not in (None, "all")
    hidden = metadata.get("is_visually_hidden_from_conversation") is True
    if not role or hidden or for_a_tool or content.get("content_type", "text") not in _SAID or not text.strip():
        return Said(key, parent, "", text, at)
    facts = from_program("chatgpt", metadata.get("model_slug")) if role == "answer" else {}
    return Said(key, parent, role, text, at, None, facts)  # type: ignore[arg-type]


def _mapping(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _text(content: dict[str, Any]) -> str:
    """Its parts that are text; a picture or a recording is a mapping, whose file the export may hold, and its words where it has some."""
    parts = content.get("parts")
    if not isinstance(parts, list):
        text = content.get("text")
        return text if isinstance(text, str) else ""
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return "\n\n".join(text for text in texts if isinstance(text, str) and text)
