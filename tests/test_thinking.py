"""What a model thinks is told apart from what it answers: as it streams, in its own budget, and out of all that is kept and read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kdrinks.engine.local import LocalEngine
from kdrinks.engine.protocol import Event, Rethought, Thought
from kdrinks.engine.thinking import RETHOUGHT, TEXT, Convention, Part, Thinking
from kdrinks.records import Choice, LocalModel, Sampling
from tests.support.engine_requests import done, says, written
from tests.support.spoken_models import GO, write_spoken_model
from tests.support.thought_streams import STREAMS, Stream

SWITCHED = (
    "{% for m in messages %}{{ m.content }}\n{% endfor %}{% if enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n{% endif %}" + GO
)


def sorted_out(parts: Sequence[Part]) -> tuple[str, str]:
    """(thought, answer)"""
    thought, answer = b"", b""
    for kind, text in parts:
        if kind == RETHOUGHT:
            thought, answer = thought + answer, b""
        elif kind == TEXT:
            answer += text
        else:
            thought += text
    return thought.decode("utf-8", "replace").rstrip(), answer.decode("utf-8", "replace").rstrip()


def read(stream: Stream, pieces: Sequence[bytes]) -> tuple[str, str]:
    thoughts = stream.thinking.stream(stream.opened)
    parts = [part for piece in pieces for part in thoughts.feed(piece)]
    return sorted_out([*parts, *thoughts.finish()])


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_a_thought_is_told_from_the_answer_wherever_the_stream_is_cut(stream: Stream) -> None:
    raw = stream.said.encode()
    right = (stream.thought, stream.answer)
    assert read(stream, [raw]) == right
    for cut in range(1, len(raw)):
        assert read(stream, [raw[:cut], raw[cut:]]) == right, cut
    assert read(stream, [raw[at : at + 1] for at in range(len(raw))]) == right


def test_no_byte_is_held_back_but_for_what_may_become_a_mark() -> None:
    thoughts = Thinking().stream()
    shown = [sorted_out(thoughts.feed(piece))[1] for piece in (b"Sikhye", b" <", b"b> is", b" a <th")]
    assert shown == ["Sikhye", "", "<b> is", " a"]


# Through the real engine


def asked(
    engine: LocalEngine, path: Path, says_what: Sequence[str], sampling: Sampling | None = None, **settings: Any
) -> list[Event]:
    model = LocalModel(path.name, write_spoken_model(path, says_what, **settings))
    return list(engine.stream(says("Q"), Choice(model), sampling or Sampling()))


def thought(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Thought))


def test_a_thought_comes_as_events_of_its_own_with_its_clock_and_its_count(engine: LocalEngine, tmp_path: Path) -> None:
    events = asked(engine, tmp_path / "a.gguf", ["<think>", "\n", "흠", ".", "</think>", "\n\n", "식혜", "입니다."])
    timing = done(events).timing
    assert (thought(events), written(events), done(events).finish) == ("흠.", "식혜입니다.", "stop")
    assert timing.thought_tokens == 5 and timing.completion_tokens == 3
    assert timing.thought_s > 0 and timing.first_token_s and timing.first_token_s > timing.prompt_s


@pytest.mark.parametrize("control", [(), ("<think>", "</think>")], ids=["words", "control tokens that nobody shows"])
def test_marks_are_seen_whether_they_are_words_or_control_tokens(
    engine: LocalEngine, tmp_path: Path, control: tuple[str, ...]
) -> None:
    events = asked(engine, tmp_path / "a.gguf", ["<think>", "흠", "</think>", "답"], control=control)
    assert (thought(events), written(events)) == ("흠", "답")


def test_a_thought_that_the_prompt_opened_and_one_whose_end_alone_tells_it(engine: LocalEngine, tmp_path: Path) -> None:
    opens = "{{ messages[0].content }}<think>"
    events = asked(
        engine, tmp_path / "a.gguf", ["흠", "</think>", "답"], template=opens, control=("<think>",), after="<think>"
    )
    assert (thought(events), written(events)) == ("흠", "답") and not any(isinstance(one, Rethought) for one in events)
    events = asked(engine, tmp_path / "b.gguf", ["흠", "</think>", "답"])
    back = next(at for at, event in enumerate(events) if isinstance(event, Rethought))
    assert (written(events[:back]), written(events[back:])) == ("흠", "답") and done(events).timing.thought_tokens == 2


def test_a_token_that_ends_turns_ends_the_thought_alone_where_a_family_thinks_in_a_turn(
    engine: LocalEngine, tmp_path: Path
) -> None:
    events = asked(
        engine,
        tmp_path / "a.gguf",
        ["/think\n", "흠", "<|im_end|>", "\n", "<|im_start|>", "assistant\n", "답"],
        template="{# assistant/think #}{{ messages[0].content }}" + GO,
        control=("<|im_end|>", "<|im_start|>"),
    )
    assert (thought(events), written(events)) == ("흠", "답")


def test_a_thought_has_its_own_budget_and_no_stop_text(engine: LocalEngine, tmp_path: Path) -> None:
    says_what = ["<think>", *"가나다라마", "</think>", *"바사아자차"]
    little = asked(engine, tmp_path / "a.gguf", says_what, Sampling(max_tokens=3, max_thought_tokens=7, stop=("나",)))
    assert (thought(little), written(little), done(little).finish) == ("가나다라마", "바사아", "length")
    none_left = asked(engine, tmp_path / "b.gguf", says_what, Sampling(max_thought_tokens=4))
    assert (thought(none_left), written(none_left), done(none_left).finish) == ("가나다", "", "length")
    endless = asked(engine, tmp_path / "c.gguf", ["<think>", "흠 "], Sampling(max_thought_tokens=9999), for_ever=True)
    assert done(endless).finish == "length" and written(endless) == "", "the window ends it"


def test_a_model_that_can_be_told_is_told_not_to_think_unless_it_is_asked_to(
    engine: LocalEngine, tmp_path: Path
) -> None:
    tokens = {
        thinking: done(
            asked(engine, tmp_path / f"{thinking}.gguf", ["답"], Sampling(thinking=thinking), template=SWITCHED)
        ).timing.prompt_tokens
        for thinking in (None, False, True)
    }
    assert tokens[None] == tokens[False] > tokens[True]
    assert engine.state.loaded and engine.state.loaded.switches_thinking


def test_without_thinking_a_thought_that_the_template_always_opens_is_closed(
    engine: LocalEngine, tmp_path: Path
) -> None:
    opens = "{{ messages[0].content }}<think>\n"
    model = write_spoken_model(tmp_path / "a.gguf", ["답"], opens, control=("<think>", "</think>"), after="</think>")
    # the model speaks behind </think> and a line's end: it is asked with the prompt's own tokens
    prompts = [
        list(
            engine.stream(
                says("Q"),
                Choice(LocalModel("a", model)),
                Sampling(thinking=thinking, max_tokens=1, max_thought_tokens=1),
            )
        )
        for thinking in (None, False)
    ]
    assert done(prompts[0]).timing.thought_tokens == 1 and done(prompts[1]).timing.thought_tokens == 0


@pytest.mark.parametrize(
    ("prompt", "skipped"),
    [
        ("Q<think>\n", "Q<think>\n\n</think>\n\n"),
        ("Q", "Q<think>\n\n</think>\n\n"),
        ("Q<think></think>\n", "Q<think></think>\n"),
    ],
)
def test_how_a_prompt_ends_where_nothing_is_to_be_thought(prompt: str, skipped: str) -> None:
    assert Thinking("{{ '<think>' }}").skipped(prompt, known=False) == skipped
    assert Thinking("no thoughts here").skipped("Q", known=False) == "Q"


def test_no_mark_stands_within_another_so_that_none_can_be_met_too_early() -> None:
    def marks(one: Convention) -> Sequence[str]:
        return one.opens + one.closes + one.drops

    for one in Thinking("Here are my reasoning steps: Here is my thought process").conventions:
        assert not [(a, b) for a in marks(one) for b in marks(one) if a != b and a in b]
