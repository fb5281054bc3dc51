"""Every message of a conversation as a row of a CSV that spreadsheets open as it is: a byte order mark for Hangul, no cell a formula. Pure."""

import csv
import io
from typing import Any

from kdrinks.portability.open_webui import model_of
from kdrinks.store.spreadsheet import cell
from kdrinks.store.trees import Node, Tree

COLUMNS = (
    *("message", "parent", "shown", "role", "language", "created_at_utc", "text", "finish", "model", "quantization", "device"),
    *("prompt_tokens", "completion_tokens", "first_token_s", "tokens_per_s", "total_s", "sources"),
)  # fmt: skip


def as_csv(tree: Tree) -> bytes:
    """shown: on the branch that is shown. sources: the passages an answer cites, a line for each."""
    shown = {node.id for node in tree.shown()}
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for node in tree.nodes:
        writer.writerow({name: cell(one) if isinstance(one, str) else one for name, one in _row(node, shown).items()})
    return out.getvalue().encode("utf-8-sig")


def _row(node: Node, shown: set[str]) -> dict[str, Any]:
    facts = node.facts
    model, timing = facts.get("model") or {}, facts.get("timing") or {}
    measured = ("prompt_tokens", "completion_tokens", "first_token_s", "tokens_per_s", "total_s")
    cited = (f"[{one['number']}] {one['title']}: {' '.join(one['text'].split())}" for one in facts.get("citations", ()))
    return {
        "message": node.id,
        "parent": node.parent or "",
        "shown": "yes" if node.id in shown else "no",
        "role": node.role,
        "language": node.lang,
        "created_at_utc": f"{node.at:%Y-%m-%d %H:%M:%S}",
        "text": node.text,
        "finish": facts.get("finish", ""),
        "model": model_of(node),
        "quantization": model.get("quantization", ""),
        "device": model.get("device_used", ""),
        **{name: timing.get(name, "") for name in measured},
        "sources": "\n".join(cited),
    }
