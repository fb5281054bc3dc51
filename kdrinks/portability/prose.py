"""The branch of a conversation that is shown, for people to read: as Markdown, and as one page of HTML that prints well. Pure.

The page fetches nothing: no script, no picture, no font, and a policy in it that forbids them. What people typed stands as they typed it.
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kdrinks import i18n
from kdrinks.records import Language
from kdrinks.store.trees import Node, Tree
from kdrinks.text.markdown_reader import reader

_SPECIAL = re.compile(r"[\\`*_<>{}\[\]()#+!|~$&-]")
_WEB = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_STYLE = """
body { max-width: 42rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 Pretendard, "Malgun Gothic", "Apple SD Gothic Neo", sans-serif;
  color: #24211c; background: #fff; word-break: keep-all; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1rem; margin: 2rem 0 0.3rem; } .asked { white-space: pre-wrap; font-weight: 600; }
.under { color: #595349; font-size: 0.85rem; } table { border-collapse: collapse; } th, td { border: 1px solid #b8b0a2; padding: 0.2rem 0.5rem; }
pre { white-space: pre-wrap; } blockquote { border-left: 3px solid #b8b0a2; margin-left: 0; padding-left: 0.8rem; }
@media print { body { margin: 0; max-width: none; } h2, .asked { break-after: avoid; } li, tr, pre { break-inside: avoid; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def as_markdown(tree: Tree, title: str, lang: Language) -> bytes:
    parts = [f"# {_typed(title)}"]
    for node in tree.shown():
        if node.role == "question":
            parts += [f"## {_said(lang, 'question')}", "\n".join(f"> {_typed(line)}" for line in node.text.split("\n"))]
            continue
        parts += [f"## {_said(lang, 'answer')}", node.text or _said(lang, "no_text")]
        parts += [f"{number}. {_typed(cited['title'])}: {_typed(' '.join(cited['text'].split()))}{_after(cited)}"
                  for number, cited in _cited(node)]  # fmt: skip
        if line := under(node):
            parts.append(f"_{_typed(line)}_")
    return ("\n\n".join(parts) + "\n").encode()


def as_html(tree: Tree, title: str, lang: Language) -> bytes:
    render = reader(lambda address: bool(_WEB.fullmatch(address)))
    render.disable("image").options["breaks"] = True
    body = []
    for node in tree.shown():
        at = f"{node.at:%Y-%m-%d %H:%M} UTC"
        if node.role == "question":
            body.append(f'<h2>{_said(lang, "question")} <span class="under">{at}</span></h2>')
            body.append(f'<p class="asked">{html.escape(node.text)}</p>')
            continue
        body.append(f"<h2>{_said(lang, 'answer')}</h2>")
        body.append(render.render(node.text) if node.text else f"<p>{_said(lang, 'no_text')}</p>")
        if cited := _cited(node):
            body.append(f'<div class="under"><p>{_said(lang, "sources")}</p><ol>')
            body += [f'<li value="{number}">{_source(one)}</li>' for number, one in cited]
            body.append("</ol></div>")
        if line := under(node):
            body.append(f'<p class="under">{html.escape(line)}</p>')
    head = (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>\n<h1>{html.escape(title)}</h1>"
    )
    return "\n".join([head, *body, "</body></html>\n"]).encode()


def under(node: Node) -> str:
    """Which model wrote an answer, on what, how fast; empty where nobody knows."""
    model: Mapping[str, Any] = node.facts.get("model") or {}
    timing: Mapping[str, Any] = node.facts.get("timing") or {}
    named = model.get("id") or (node.facts.get("from") or {}).get("model")
    speed = timing.get("tokens_per_s")
    parts = [
        named and " ".join(filter(None, (named, model.get("quantization")))),
        model.get("device_used", "").upper(),
        f"{timing['total_s']:.1f} s" if timing.get("total_s") else "",
        f"{speed:,.0f} tok/s" if speed else "",
    ]
    return " · ".join(part for part in parts if part)


def _cited(node: Node) -> Sequence[tuple[int, Mapping[str, Any]]]:
    return [(one["number"], one) for one in node.facts.get("citations", ())]


def _after(cited: Mapping[str, Any]) -> str:
    return "".join(f" <{address}>" for address in cited["sources"] if _WEB.fullmatch(address))


def _source(cited: Mapping[str, Any]) -> str:
    links = [
        f' <a href="{html.escape(one)}" rel="noreferrer noopener">{html.escape(one)}</a>' if _WEB.fullmatch(one) else f" {html.escape(one)}"
        for one in cited["sources"]
    ]  # fmt: skip
    return f"{html.escape(cited['title'])}: {html.escape(cited['text'])}{''.join(links)}"


def _said(lang: Language, key: str) -> str:
    return i18n.text(f"portability.{key}", lang)


def _typed(text: str) -> str:
    """A text in Markdown, every character as it was typed."""
    return _SPECIAL.sub(r"\\\g<0>", text)
