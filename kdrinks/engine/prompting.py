"""From messages to the tokens that a loaded model reads: its template, what may not be spelled, and whether it is to think first."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from kdrinks.engine.chat_template import ChatTemplate
from kdrinks.engine.control_text import ControlTexts
from kdrinks.engine.native import Model
from kdrinks.engine.thinking import Convention, Thinking


class Prompting:
    """For one model. Raises chat_template.TemplateBroken, here and in tokens()."""

    def __init__(self, model: Model, path: str) -> None:
        self._model = model
        self.file = os.path.basename(path)
        source = model.template()
        self._bos = model.vocabulary.special_text("bos")
        self._template = ChatTemplate(source, bos_token=self._bos, eos_token=model.vocabulary.special_text("eos"))
        self.plain = self._template.plain
        controls = model.vocabulary.control_texts()
        self.control = ControlTexts(controls)
        self.thinking = Thinking(source or "", controls)
        self.hidden = model.vocabulary.hidden_pieces(self.thinking.hidden)
        """Bytes of the control tokens that mark thoughts."""
        self._switches = self._template.switches_thinking()
        self.facts = {
            "thinks": self.thinking.known,
            "switches_thinking": self._switches,
            "template_hash": hashlib.sha256(source.encode("utf-8")).hexdigest() if source else "",
        }
        """As records.Loaded has them."""

    def tokens(
        self, messages: Sequence[Mapping[str, Any]], thinking: bool | None = None
    ) -> tuple[list[int], Convention | None]:
        """Token ids; those that control the model are the template's own. And the convention by which they open a thought.

        thinking: as records.Sampling has it.
        """
        told = False if thinking is None and self._switches else thinking
        render = partial(self._template.render, thinking=told)
        text = self.control.prompt(render, self._template.without_thoughts(messages))
        if told is False:
            text = self.thinking.skipped(text, known=self._switches)
        begun = bool(self._bos) and text.lstrip().startswith(self._bos)  # one template begins with a new line before it
        return self._model.vocabulary.tokenize(text, add_special=not begun), self.thinking.opened_by(text)
