"""From messages to the text a model was trained on, by the chat template inside its own GGUF file.

This is the one adaptation point per model: a general model's template reads `content`, the built-in model's reads
`question` and `passages`. Knows nothing about tokens. A template is foreign code, so it runs in jinja's sandbox.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

PLAIN = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}\n\n"
    "{% elif m['role'] == 'user' %}User: {{ m['content'] }}\n{% else %}Assistant: {{ m['content'] }}\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""For a file without a template: the system text, then `User:` and `Assistant:` lines."""
_THOUGHT_END = "</think>"


class TemplateBroken(Exception):
    """The file's template cannot be compiled or refuses the messages."""


class ChatTemplate:
    """A compiled template. Raises TemplateBroken when the source cannot be compiled."""

    def __init__(self, source: str | None, *, bos_token: str, eos_token: str) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        # The helpers that Hugging Face's templates may call:
        # https://huggingface.co/docs/transformers/chat_templating_writing
        environment.globals["raise_exception"] = _raise_exception
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
        environment.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
        self.plain = source is None
        self._thinks = _THOUGHT_END in (source or "")
        self._tokens = {"bos_token": bos_token, "eos_token": eos_token}
        try:
            self._template = environment.from_string(PLAIN if source is None else source)
        except TemplateError as exc:
            raise TemplateBroken(str(exc)) from exc

    def without_thoughts(self, messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Messages as a thinking model's template would cut them: of earlier answers only what follows the thought.

        Done before it renders, because what is handed to it holds no control text any more that it could find.
        """
        if not self._thinks:
            return list(messages)
        return [
            {**message, "content": message["content"].rpartition(_THOUGHT_END)[2].lstrip("\n")}
            if message["role"] == "assistant"
            else message
            for message in messages
        ]

    def render(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The prompt, ending where the assistant's answer begins.

        Some templates refuse a system message (Gemma, early Mistral): it then opens the first user message.
        Raises TemplateBroken when the template refuses that too.
        """
        try:
            return self._rendered(messages)
        except TemplateBroken:
            folded = without_system(messages)
            if folded == list(messages):
                raise
            return self._rendered(folded)

    def _rendered(self, messages: Sequence[Mapping[str, Any]]) -> str:
        try:
            return self._template.render(messages=list(messages), add_generation_prompt=True, **self._tokens)
        # A template is a program of its own: besides jinja's errors it can divide by zero or add a text to a number.
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as exc:
            raise TemplateBroken(f"{type(exc).__name__}: {exc}") from exc


def without_system(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The messages with the system text put before the first user's content."""
    system = "\n\n".join(str(message["content"]) for message in messages if message["role"] == "system")
    others = [message for message in messages if message["role"] != "system"]
    for index, message in enumerate(others):
        if system and message["role"] == "user":
            others[index] = {**message, "content": f"{system}\n\n{message['content']}"}
            break
    return others


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)
