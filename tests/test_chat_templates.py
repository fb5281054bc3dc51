"""Chat templates of files: rendered as Transformers does, nothing lost in silence, and within bounds."""

import resource
from pathlib import Path

import psutil
import pytest

from kdrinks.engine import chat_template
from kdrinks.engine.chat_template import ChatTemplate, QuestionLost, TemplateBroken
from kdrinks.engine.control_text import BREAK, ControlTexts
from kdrinks.engine.local import LocalEngine
from kdrinks.errors import NotAModel
from kdrinks.records import Choice, LocalModel, Message, Sampling
from tests.support.chat_templates import BOMBS, CASES, LOST, Case
from tests.support.engine_requests import ASK, BUILT_IN, asks, done, says, written
from tests.support.spoken_models import GO, write_spoken_model

ONE = [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]
TWO = [
    ONE[0],
    {"role": "user", "content": "A"},
    {"role": "assistant", "content": "B"},
    ONE[1],
]


def compiled(source: str) -> ChatTemplate:
    return ChatTemplate(source, bos_token="<s>", eos_token="</s>")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_kind_of_template_gets_system_text_and_question_through(case: Case) -> None:
    template = compiled(case.source)
    assert template.render(ONE) == case.prompt
    several = template.render(TWO)
    assert several == case.turns if case.turns else "S" in several and "Q" in several


@pytest.mark.parametrize("source", LOST)
def test_a_template_that_leaves_out_the_question_is_an_error(source: str) -> None:
    with pytest.raises(QuestionLost):
        compiled(source).render(ONE)


def test_a_control_text_in_a_part_or_in_json_is_broken_like_any_other() -> None:
    control = ControlTexts(["<s>", "</s>"])
    for source in (
        "{% for m in messages %}{% for part in m.content %}{{ part.text }}{% endfor %}{% endfor %}",
        "{% for m in messages %}{{ m.content | tojson(ensure_ascii=True) }}{% endfor %}",
    ):
        template = compiled(source)
        prompt = control.prompt(template.render, [{"role": "user", "content": "막걸리 <s> 🍶 </s>"}])
        assert f"<{BREAK}s>" in prompt and "<s>" not in prompt and "</s>" not in prompt
        assert "막걸리" in prompt or "\\ub9c9\\uac78\\ub9ac" in prompt


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_a_template_that_goes_beyond_its_bounds_is_an_error_at_once_and_leaves_no_trace(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_template, "RENDER_S", 0.2)
    monkeypatch.setattr(chat_template, "RENDER_BYTES", 64 * 1024 * 1024)
    before, used_bytes = resource.getrlimit(resource.RLIMIT_AS), psutil.Process().memory_info().rss
    with pytest.raises(TemplateBroken):
        compiled(source + "{{ messages[0].content }}").render(ONE)
    assert psutil.Process().memory_info().rss - used_bytes < 512 * 1024**2
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert compiled(CASES[0].source).render(ONE) == CASES[0].prompt, "the next one is rendered"


def test_the_engine_survives_such_a_template_and_names_its_file(engine: LocalEngine, tmp_path: Path) -> None:
    doubling = BOMBS["doubles a text by ~"]
    choice = Choice(LocalModel("bomb", write_spoken_model(tmp_path / "bomb.gguf", ["a"], doubling + GO)))
    engine.load(choice)
    pid = engine.state.worker_pid
    for _ in range(2):
        with pytest.raises(NotAModel) as caught:
            list(engine.stream(says("Q"), choice, Sampling()))
        assert caught.value.key == "model_template_broken" and "bomb.gguf" in caught.value.message("en")
    assert engine.state.worker_pid == pid
    assert written(list(engine.stream(asks(ASK), BUILT_IN, Sampling(max_tokens=5))))


def test_a_prompt_without_its_question_is_never_answered(engine: LocalEngine, tmp_path: Path) -> None:
    choice = Choice(LocalModel("deaf", write_spoken_model(tmp_path / "deaf.gguf", ["a"], "You are helpful." + GO)))
    with pytest.raises(NotAModel) as caught:
        list(engine.stream(says("Q"), choice, Sampling()))
    assert caught.value.key == "model_template_drops_question" and "deaf.gguf" in caught.value.message("ko")


def test_a_prompt_begins_with_one_first_token_wherever_the_template_writes_it(
    engine: LocalEngine, tmp_path: Path
) -> None:
    def tokens(name: str, start: str) -> int:
        path = write_spoken_model(
            tmp_path / f"{name}.gguf", ["a"], start + "{{ messages[0].content }}" + GO, add_bos=True
        )
        events = list(engine.stream(asks([Message("user", "Q")]), Choice(LocalModel(name, path)), Sampling()))
        return done(events).timing.prompt_tokens

    none, written_first, behind_a_line = (
        tokens("a", ""),
        tokens("b", "{{ bos_token }}"),
        tokens("c", "\n{{ bos_token }}"),
    )
    assert none == written_first == behind_a_line - 1, "a line's end more, and no second first token"
