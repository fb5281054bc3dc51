"""Real chat templates beside Transformers' own rendering: `python -m benchmarks.templates PACKAGES TRANSFORMERS [OUT.md]`.

PACKAGES is a folder with the pinned packages that the templates lie in (no template is copied into this project):
    pip download --no-deps -d PACKAGES axolotl==0.19.0 unsloth==2026.10.9
    pip download --no-deps --no-binary llama-cpp-python -d PACKAGES llama-cpp-python==0.3.36
TRANSFORMERS is a folder that only this needs: pip install --target TRANSFORMERS transformers==5.24.0
Each template renders five conversations as the product makes them. Status 1 where one loses the system text or the question without an
error, or differs from what Transformers makes of the same messages. It takes 15 s of processor time.
"""

import ast
import sys
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from kdrinks.engine import chat_template
from kdrinks.engine.chat_template import ChatTemplate, QuestionLost, TemplateBroken
from kdrinks.generation.prompt import build
from kdrinks.records import Message, Passage, Turn

Conversation = Sequence[Mapping[str, Any]]
Reference = Callable[[str, Conversation], str]
BOS, EOS = "<s>", "</s>"
SYSTEM, QUESTION = "당신은 한국 전통 음료 안내자입니다.", "식혜는 어떻게 만들어? <b> {{ 7*7 }} {% raw %}"
KINDS = ("equal", "in another way", "only here", "both refuse", "question lost, an error", "WRONG")


@dataclass
class Outcome:
    name: str
    kinds: Counter[str] = field(default_factory=Counter)
    said: set[str] = field(default_factory=set)
    slowest_s: float = 0.0

    @property
    def kind(self) -> str:
        """The worst of its conversations."""
        return max(self.kinds, key=KINDS.index)


def templates(packages: Path) -> Iterator[tuple[str, str, str]]:
    """(package, name, source) of each different template."""
    seen: set[str] = set()
    for path in sorted(packages.iterdir()):
        package = path.name.removesuffix(".tar.gz").removesuffix("-py3-none-any.whl")
        for name, source in _members(path):
            if source.strip() not in seen:
                seen.add(source.strip())
                yield package, name, source


def _members(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for name in sorted(wheel.namelist()):
                yield from _in_file(name, lambda: wheel.read(name))  # noqa: B023
    elif path.name.endswith(".tar.gz"):
        with tarfile.open(path) as sdist:
            for member in sorted(sdist.getmembers(), key=lambda member: member.name):
                yield from _in_file(member.name, lambda: sdist.extractfile(member).read())  # type: ignore[union-attr]  # noqa: B023


def _in_file(name: str, read: Callable[[], bytes]) -> Iterator[tuple[str, str]]:
    short = name.rpartition("/")[2]
    if name.endswith(".jinja"):
        yield short.removesuffix(".jinja"), read().decode()
    elif name.endswith("unsloth/chat_templates.py"):
        yield from _in_python(read().decode())


def _in_python(source: str) -> Iterator[tuple[str, str]]:
    """Texts that are assigned to names and are templates."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                continue
            if isinstance(value, str) and "{%" in value and "messages" in value:
                yield node.targets[0].id.removesuffix("_template"), value


def conversations() -> dict[str, Conversation]:
    """As the product makes them."""
    passage = Passage("sikhye.making.ko", "sikhye", "making", "ko", "식혜", "밥을 엿기름물로 삭혀 만듭니다.")

    def built(question: str, passages: Sequence[Passage], turns: Sequence[Turn]) -> Conversation:
        prompt = build(question, passages, turns, count=lambda messages: len(messages), budget_tokens=4096, lang="ko")
        return [as_plain(message) for message in prompt.messages]

    turns = [Turn("막걸리가 뭐야?", "쌀로 빚은 술입니다. [1]", (passage,)), Turn("몇 도야?", "6도쯤입니다.")]
    return {
        "system and question": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}],
        "a question with notes": built(QUESTION, [passage, passage], []),
        "without notes": built(QUESTION, [], []),
        "a second question": built(QUESTION, [passage], turns[:1]),
        "a third question": built(QUESTION, [], turns),
    }


def as_plain(message: Message) -> Mapping[str, Any]:
    return {"role": message.role, "content": message.content}


def reference(folder: Path) -> tuple[str, Reference]:
    """(version, Transformers' rendering)"""
    sys.path.append(str(folder))
    from transformers import __version__
    from transformers.utils.chat_template_utils import render_jinja_template

    def render(source: str, messages: Conversation, **values: object) -> str:
        rendered, _ = render_jinja_template(
            [[dict(message) for message in messages]],
            chat_template=source,
            add_generation_prompt=True,
            bos_token=BOS,
            eos_token=EOS,
            **values,
        )
        return str(rendered[0])

    return __version__, render


def compared(name: str, source: str, render: Reference) -> Outcome:
    outcome = Outcome(name)
    try:
        template = ChatTemplate(source, bos_token=BOS, eos_token=EOS)
    except TemplateBroken as exc:
        outcome.kinds["WRONG"] += 1
        outcome.said.add(str(exc)[:100])
        return outcome
    for messages in conversations().values():
        began = time.process_time()
        try:
            ours = template.render(messages)
        except QuestionLost:
            outcome.kinds["question lost, an error"] += 1
            continue
        except TemplateBroken as exc:
            try:
                render(source, messages)
                outcome.kinds["WRONG"] += 1
            except Exception:
                outcome.kinds["both refuse"] += 1
            outcome.said.add(str(exc)[:100])
            continue
        outcome.slowest_s = max(outcome.slowest_s, time.process_time() - began)
        kind, said = _kind(template, source, messages, ours, render)
        outcome.kinds[kind] += 1
        outcome.said |= {said} - {""}
    return outcome


def _kind(template: ChatTemplate, source: str, messages: Conversation, ours: str, render: Reference) -> tuple[str, str]:
    lost = [
        which
        for which, text in (("system text", messages[0]["content"]), ("question", QUESTION))
        if not _holds(ours, text)
    ]
    if lost:
        return "WRONG", f"{' and '.join(lost)} lost"
    try:
        theirs = render(source, messages)
        if theirs == ours:
            return "equal", ""
        refused = ""
    except Exception as exc:
        refused = f"Transformers: {type(exc).__name__}: {exc}"[:100]
    way = template.way
    said = ", ".join(name for name in ("folded", "parts") if getattr(way, name)) or "as it is"
    said += "" if way.tools else ", without tools"
    handed = way.handed(messages)
    try:
        if render(source, handed) == ours:
            return "in another way", said
    except Exception as exc:
        refused = refused or f"Transformers: {type(exc).__name__}: {exc}"[:100]
    return ("only here", f"{said}; {refused}") if refused else ("WRONG", f"{said}; differs")


def _holds(prompt: str, text: str) -> bool:
    """Blanks and capitals aside; JSON may have escaped it."""
    plain = "".join(prompt.casefold().split())
    return "".join(text.casefold().split()) in plain


def report(outcomes: Mapping[str, Sequence[Outcome]], version: str) -> str:
    every = [outcome for several in outcomes.values() for outcome in several]
    counts = Counter(outcome.kind for outcome in every)
    lines = [
        "# Chat templates beside Transformers",
        "",
        f"`python -m benchmarks.templates` on {datetime.now(UTC):%Y-%m-%d}: {len(every)} different templates, "
        f"{len(conversations())} conversations each; Transformers {version}, jinja2 {metadata.version('jinja2')}.",
        f"Slowest rendering {max(outcome.slowest_s for outcome in every):.3f} s "
        f"of processor time, trials of the first one included; "
        f"the bound is {chat_template.RENDER_S:g} s.",
        "",
        "| package | templates | " + " | ".join(KINDS) + " |",
        "|---|---:|" + "---:|" * len(KINDS),
    ]
    for package, several in outcomes.items():
        by = Counter(outcome.kind for outcome in several)
        lines.append(f"| {package} | {len(several)} | " + " | ".join(str(by[kind]) for kind in KINDS) + " |")
    lines += [
        f"| in all | {len(every)} | " + " | ".join(str(counts[kind]) for kind in KINDS) + " |",
        "",
        "equal: to the byte in all conversations. in another way: the system text folded into the first question, or content in parts, "
        "and equal to what Transformers makes of that. only here: Transformers raises. WRONG: differs, or loses system text or question "
        "in silence.",
        "",
        "## All that are not equal",
        "",
    ]
    for package, several in outcomes.items():
        lines += [
            f"- {package}, {outcome.name}: {outcome.kind}; {'; '.join(sorted(outcome.said)).replace('|', '/')}"
            for outcome in several
            if outcome.kind != "equal"
        ]
    return "\n".join(lines) + "\n"


def main(packages: Path, transformers: Path, out: Path) -> int:
    version, render = reference(transformers)
    outcomes: dict[str, list[Outcome]] = {}
    for package, name, source in templates(packages):
        outcomes.setdefault(package, []).append(compared(name, source, render))
    text = report(outcomes, version)
    out.write_text(text, encoding="utf-8")
    print(text)
    return int(any(outcome.kind == "WRONG" for several in outcomes.values() for outcome in several))


if __name__ == "__main__":
    folders = [Path(name) for name in sys.argv[1:]]
    sys.exit(main(folders[0], folders[1], folders[2] if len(folders) > 2 else Path("benchmarks/templates.md")))
