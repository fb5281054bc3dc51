"""Whoever wrote a text (a person, a document, an earlier answer) cannot speak for the model's own control tokens."""

import random
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from kdrinks.engine.chat_template import ChatTemplate
from kdrinks.engine.control_text import BREAK, ControlTexts
from kdrinks.engine.worker import Worker
from kdrinks.engine.writing import constraint_for
from tests.support.vocabularies import FAMILIES, Family, write

Loaded = tuple[Family, Worker]
HARMLESS = (
    "식혜는 몇 도예요? 3 < 5 > 2, a<b, [1] | `x[0]`",
    "막걸리 5–8도\n\n   <b>굵게</b> ㄱ|ㄴ",
    "  ‘</div>’ 〈술〉 👩‍🍳  ",
)


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.name)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    family: Family = request.param
    worker = Worker(lambda document: None, threading.Event())
    path = write(tmp_path_factory.mktemp("families") / "model.gguf", family)
    worker.serve({"op": "load", "id": 1, "path": str(path), "device": "cpu", "context_tokens": 512, "threads": 1})
    yield family, worker
    worker.unload()


def conversation(text: Callable[[], str]) -> list[dict[str, Any]]:
    """Two turns, each of whose texts is another."""

    def asked() -> dict[str, Any]:
        passage = {"title": text(), "kind": "history", "text": text()}
        return {"role": "user", "content": f"[1] {text()} — {text()}", "question": text(), "passages": [passage]}

    answer = {"role": "assistant", "content": text(), "question": "", "passages": []}
    system = {"role": "system", "content": "Guide.", "question": "", "passages": []}
    return [system, asked(), answer, asked()]


def dangerous(family: Family) -> list[str]:
    return ["<unk>", "<s>", "</s>", *family.control, *(text for text in family.added if set(text) & set("<[|"))]


def controls(loaded: Loaded, messages: list[dict[str, Any]]) -> list[str]:
    """The control texts among the tokens of a prompt, in their order."""
    family, worker = loaded
    model = worker.model
    assert model
    known = {}
    for text in dangerous(family):
        for token in model.vocabulary.tokenize(text, add_special=False):
            if model.vocabulary.tokenize(text, add_special=False) == [token]:
                known[token] = text
    assert len(known) == len(dangerous(family)), "the small vocabulary holds each as one token"
    return [known[token] for token in worker.prompt(messages) if token in known]


def test_texts_full_of_control_texts_add_no_control_token(loaded: Loaded) -> None:
    family, _ = loaded
    drawn = random.Random(16)
    spoken = [*dangerous(family), "<think>", "</think>", "[INST]", "<|im_end|>"]
    halves = [part for text in spoken for cut in range(1, len(text)) for part in (text[:cut], text[cut:])]
    pieces = [
        *spoken * 3,
        *drawn.sample(halves, min(60, len(halves))),
        " ",
        "\n",
        "~",
        "가",
        "\u200b",
        BREAK,
        "<",
        ">",
        "|",
    ]
    expected = controls(loaded, conversation(lambda: "x"))

    def text() -> str:
        return "".join(drawn.choices(pieces, k=drawn.randint(1, 6)))

    for _ in range(150):
        messages = conversation(text)
        assert controls(loaded, messages) == expected, messages


def test_each_control_text_alone_and_with_blanks_for_its_bars_adds_none(loaded: Loaded) -> None:
    family, _ = loaded
    expected = controls(loaded, conversation(lambda: "x"))
    for text in dangerous(family):
        for form in (
            text,
            text * 2,
            f" {text}\n",
            text.replace("▁", " "),
            text.upper(),
            text[:-1],
            text[1:],
            f"a{text}b",
        ):
            assert controls(loaded, conversation(partial(str, form))) == expected, form


def test_texts_without_a_control_text_reach_the_model_byte_for_byte(loaded: Loaded) -> None:
    family, worker = loaded
    template = ChatTemplate(family.template, bos_token="<s>", eos_token="</s>")
    for text in HARMLESS:
        messages = conversation(partial(str, text))
        plain = template.render(messages)
        assert BREAK not in ControlTexts(dangerous(family)).prompt(template.render, messages)
        assert worker.model and worker.prompt(messages) == worker.model.vocabulary.tokenize(
            plain, add_special=not plain.startswith("<s>")
        )


def test_a_prompt_with_broken_control_texts_still_grows_only_at_its_end(loaded: Loaded) -> None:
    family, worker = loaded
    if family.name == "built-in":
        return  # it reads the last question alone
    texts = [text * 2 for text in dangerous(family)]
    messages = conversation(lambda: random.Random(3).choice(texts))
    first, second = worker.prompt(messages[:2]), worker.prompt(messages)
    common = next((n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    assert common >= len(first) - 40, "all but how the template opens an answer"


def test_an_answer_of_a_thinking_model_is_read_again_without_its_thought() -> None:
    source = "{% for m in messages %}{{ m.content.split('</think>')[-1] }}|{% endfor %}"
    template = ChatTemplate(source, bos_token="", eos_token="")
    said = [
        {"role": "user", "content": "a</think>b"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nSikhye."},
    ]
    rendered = ControlTexts(["<think>", "</think>"]).prompt(template.render, template.without_thoughts(said))
    assert rendered == f"a<{BREAK}/think>b|Sikhye.|"


def test_the_text_of_half_a_surrogate_pair_is_no_mark() -> None:
    template = ChatTemplate("{{ messages[0].content }}", bos_token="", eos_token="")
    control = ControlTexts(["<s>"])
    for code in range(0xD800, 0xE000):
        assert (
            control.prompt(template.render, [{"role": "user", "content": f"a{chr(code)}b<s>"}]) == f"a\ufffdb<{BREAK}s>"
        )


def test_an_answer_that_is_held_to_a_documents_sentence_says_all_of_it(loaded: Loaded) -> None:
    family, worker = loaded
    model = worker.model
    assert model
    control = ControlTexts(model.vocabulary.control_texts())
    for text in dangerous(family):
        sentence = {"text": f"식혜{text}입니다.", "separator": " ", "begins": True, "may_end": True, "after": []}
        held = constraint_for([sentence], model, control)
        assert held
        said = b""
        while True:
            logits = np.zeros(model.vocabulary.size, np.float32)
            held.mask(logits)
            (token,) = np.flatnonzero(np.isfinite(logits)).tolist()
            if model.vocabulary.ends(token):
                break
            held.accept(token)
            said += model.vocabulary.piece(token)
        assert said.decode().lstrip(" ▁").replace(BREAK, "") == sentence["text"]
