"""From messages to the text a model was trained on, by the chat template inside its own GGUF file, as Transformers renders it.

This is the one adaptation point per model: a general model's template reads `content`, the built-in model's reads
`question` and `passages`. Knows nothing about tokens. A template is foreign code: it runs in jinja's sandbox and within bounds
(render_limits), and what it makes of the system text and the question is tried out before it is believed.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any, NoReturn

from jinja2 import TemplateError, meta, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kdrinks.engine.render_limits import LimitReached, within

PLAIN = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}\n\n"
    "{% elif m['role'] == 'user' %}User: {{ m['content'] }}\n{% else %}Assistant: {{ m['content'] }}\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""For a file without a template: the system text, then `User:` and `Assistant:` lines."""
LONGEST_CHARACTERS = 2_000_000
"""Of a prompt; the largest window of the catalogue's models, 131,072 tokens, holds about 600,000."""
RENDER_S = 2.0
"""Processor time for one prompt. Of 128 real templates the slowest takes 0.008 s, trials included (benchmarks/templates.md)."""
RENDER_BYTES = 256 * 1024 * 1024
"""Memory for one prompt."""
_THOUGHT_END = "</think>"
_SYSTEM_MARK, _QUESTION_MARK = "kdrinks1system", "kdrinks2question"
"""What is looked for in a trial's prompt; a template may trim, cut or write it in capitals."""
_OFF: Mapping[str, object] = {
    "enable_thinking": False,  # Qwen3, GLM, SmolLM3, EXAONE 4, Nemotron
    "thinking": False,  # Granite, DeepSeek V3.1
    "reasoning": False,  # Command A
    "thinking_mode": "disabled",  # MiniMax
    "thinking_budget": 0,  # Seed-OSS
    "skip_reasoning": True,  # HyperCLOVA X
}
"""By which variables templates are told not to think; each is handed only to a template that reads it."""
_ON: Mapping[str, object] = {"enable_thinking": True, "thinking": True, "reasoning": True, "thinking_mode": "enabled"}
_MOST_VALUES = 100_000
"""In one list that is written out: 28 lists of two within each other are 2**28 texts, written in a single step."""
_INT_BITS = 4096
"""Larger whole numbers are nobody's template: one power of them takes minutes in a single step, which no watch can end."""

Messages = Sequence[Mapping[str, Any]]


class TemplateBroken(Exception):
    """The file's template cannot be compiled, refuses the messages, or goes beyond its bounds."""


class QuestionLost(TemplateBroken):
    """The template makes a prompt that does not hold the question."""


@dataclass(frozen=True, slots=True)
class Way:
    """How messages are handed to a template."""

    tools: bool
    """`tools` and `documents` are there, as None: a template may ask `tools is not none`, and another counts what is there."""
    parts: bool
    """Content as a list of parts, for one that goes through it."""
    folded: bool
    """The system text opens the first user message, for one that refuses it or leaves it out."""

    def handed(self, messages: Messages) -> list[Mapping[str, Any]]:
        """The messages in this way."""
        if self.folded:
            messages = without_system(messages)
        if self.parts:
            messages = [{**one, "content": [{"type": "text", "text": one["content"]}]} for one in messages]
        return list(messages)


_WAYS = tuple(
    Way(tools, parts, folded) for tools, parts, folded in product((True, False), (False, True), (False, True))
)


class ChatTemplate:
    """A compiled template. Raises TemplateBroken when the source cannot be compiled."""

    def __init__(self, source: str | None, *, bos_token: str, eos_token: str) -> None:
        environment = _Environment(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", _Generation],
            optimized=False,
            finalize=_weighed,
        )
        # The helpers that Hugging Face's templates may call:
        # https://huggingface.co/docs/transformers/chat_templating_writing
        environment.globals["raise_exception"] = _raise_exception
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
        environment.filters["tojson"] = _to_json
        self.plain = source is None
        self.source = PLAIN if source is None else source
        self._tokens = {"bos_token": bos_token, "eos_token": eos_token}
        self._tried: Way | None = None
        self._broken: TemplateBroken | None = None

        def compiled() -> Any:
            known = meta.find_undeclared_variables(environment.parse(self.source))
            return environment.from_string(self.source), known

        self._template, known = _bounded(compiled)
        self._switches = frozenset(known & {*_OFF})

    def without_thoughts(self, messages: Messages) -> list[Mapping[str, Any]]:
        """Messages as a thinking model's template would cut them: of earlier answers only what follows the thought.

        Done before it renders, because what is handed to it holds no control text any more that it could find.
        """
        if _THOUGHT_END not in self.source:
            return list(messages)
        return [
            {**message, "content": message["content"].rpartition(_THOUGHT_END)[2].lstrip("\n")}
            if message["role"] == "assistant"
            else message
            for message in messages
        ]

    def render(self, messages: Messages, *, thinking: bool | None = None) -> str:
        """The prompt, ending where the assistant's answer begins.

        thinking: what a template that can switch it is told; None tells it nothing.
        What a template refuses or leaves out is handed to it in another way (Gemma and early Mistral know no system text, others go
        through content in parts). Raises TemplateBroken where no way helps, QuestionLost where the question is in no prompt.
        """
        if self._broken:  # what took seconds once is not tried again for each question
            raise self._broken
        way = self.way
        try:
            return self._rendered(messages, way, thinking)
        except TemplateBroken:
            if way.folded or self._broken:
                raise
            return self._rendered(messages, Way(way.tools, way.parts, folded=True), thinking)

    @property
    def way(self) -> Way:
        """How messages are handed to it, found out by the first rendering. Raises TemplateBroken where there is no way."""
        self._tried = self._tried or self._found_way()
        return self._tried

    def switches_thinking(self) -> bool:
        """Whether the template writes another prompt when it is told to think or not to."""
        if not self._switches:
            return False
        asked = [{"role": "user", "content": _QUESTION_MARK}]
        try:
            return self.render(asked, thinking=True) != self.render(asked, thinking=False)
        except TemplateBroken:
            return False

    def _found_way(self) -> Way:
        """The first way by which nothing is lost, else one by which the question is not."""
        system = {"role": "system", "content": _SYSTEM_MARK}
        asked = {"role": "user", "content": _QUESTION_MARK, "question": _QUESTION_MARK, "passages": ()}
        before = {"role": "user", "content": "A", "question": "A", "passages": ()}
        trials: tuple[Messages, ...] = ([system, asked], [system, before, {"role": "assistant", "content": "B"}, asked])
        refused: TemplateBroken | None = None
        lost, began_s = False, time.process_time()
        best: tuple[int, Way] | None = None
        for way in _WAYS:
            if time.process_time() - began_s > RENDER_S:
                break
            score = 0
            for number, trial in enumerate(trials):
                try:
                    prompt = self._rendered(trial, way, None).casefold()
                except TemplateBroken as exc:
                    refused = refused or exc
                    if self._broken:
                        raise
                    break  # what is refused in a conversation is of no use
                if _QUESTION_MARK not in prompt:
                    lost = True
                    break
                score += 2 + (_SYSTEM_MARK in prompt) if number else 4 + (_SYSTEM_MARK in prompt)
            if score == 8:
                return way
            if score and (best is None or score > best[0]):
                best = score, way
        if best:
            return best[1]
        self._broken = QuestionLost() if lost or refused is None else refused
        raise self._broken

    def _rendered(self, messages: Messages, way: Way, thinking: bool | None) -> str:
        messages = way.handed(messages)
        told = {} if thinking is None else _ON if thinking else _OFF
        values: dict[str, object] = {name: value for name, value in told.items() if name in self._switches}
        if way.tools:
            values |= {"tools": None, "documents": None}
        try:
            text = _bounded(
                lambda: self._template.render(messages=messages, add_generation_prompt=True, **values, **self._tokens)
            )
        except _BeyondBounds as exc:
            self._broken = exc
            raise
        if len(text) > LONGEST_CHARACTERS:
            self._broken = _BeyondBounds(f"a prompt of {len(text):,} characters")
            raise self._broken
        return str(text)


class _BeyondBounds(TemplateBroken):
    pass


def _bounded(work: Callable[[], Any]) -> Any:
    """What work returns. Raises TemplateBroken."""
    try:
        return within(work, cpu_s=RENDER_S, memory_bytes=RENDER_BYTES)
    except (LimitReached, MemoryError, OverflowError) as exc:
        reason = f"it takes more than {RENDER_S:.0f} s or {RENDER_BYTES // 1024**2} MB"
        raise _BeyondBounds(str(exc) if isinstance(exc, OverflowError) else reason) from None
    except TemplateError as exc:
        raise TemplateBroken(str(exc)) from exc
    # A template is a program of its own: besides jinja's errors it can divide by zero, call itself for ever or nest too deeply.
    except Exception as exc:
        raise TemplateBroken(f"{type(exc).__name__}: {exc}") from exc


class _Environment(ImmutableSandboxedEnvironment):
    """Refuses what takes minutes in one single step."""

    intercepted_binops = frozenset(("**", "*"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
            if bits > _INT_BITS:
                raise OverflowError("a number of more than 4,096 bits")
        return super().call_binop(context, operator, left, right)


class _Generation(Extension):
    """`{% generation %}` marks what the assistant said, for training; to a prompt it is nothing.

    As Transformers has it, what is set within it is not known outside.
    """

    tags = {"generation"}  # noqa: RUF012  jinja declares it so

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


def without_system(messages: Messages) -> list[Mapping[str, Any]]:
    """The messages with the system text put before the first user's content."""
    system = "\n\n".join(str(message["content"]) for message in messages if message["role"] == "system")
    others = [message for message in messages if message["role"] != "system"]
    for index, message in enumerate(others):
        if system and message["role"] == "user":
            others[index] = {**message, "content": f"{system}\n\n{message['content']}"}
            break
    return others


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """As Transformers' own. Marks of control_text stay single characters, or nobody could find them again."""
    text = json.dumps(_weighed(value), ensure_ascii=False, indent=indent, separators=separators, sort_keys=sort_keys)
    if not ensure_ascii:
        return text
    return re.sub("[^\x00-\x7f\udc00-\udfff]", lambda found: json.dumps(found[0])[1:-1], text)


def _weighed(value: Any) -> Any:
    """The value. Raises OverflowError for a list or mapping of too much."""
    waiting, seen = [value], 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, list | tuple | dict):
            seen += len(one)
            if seen > _MOST_VALUES:
                raise OverflowError(f"a list of more than {_MOST_VALUES:,} values is written out")
            waiting.extend(one.values() if isinstance(one, dict) else one)
    return value


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)
