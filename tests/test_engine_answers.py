"""What the real engine writes: the built-in model and small random ones, their text, their templates, their conversations."""

import hashlib
import itertools
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kdrinks.config import BUILT_IN_FILE
from kdrinks.engine.chat_template import ChatTemplate, TemplateBroken
from kdrinks.engine.decode import TextStream
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.native import BLOCK_TOKENS
from kdrinks.engine.protocol import Done, Event, Loading, Reading, Text
from kdrinks.errors import ContextTooSmall, NotAModel
from kdrinks.records import Choice, LocalModel, Message, Sampling, Sentence
from tests.support.engine_requests import ASK, BUILT_IN, ON_AND_ON, asks, done, says, written
from tests.support.tiny_models import write_byte_model

# An answer


def test_an_answer_comes_with_its_phases_text_and_timings(engine: LocalEngine) -> None:
    engine.unload()
    events = list(engine.stream(asks(ASK), BUILT_IN, Sampling(max_tokens=64)))
    kinds = [type(event) for event in events]
    assert kinds.index(Loading) < kinds.index(Reading) < kinds.index(Text) < kinds.index(Done) == len(events) - 1
    assert "엿기름" in written(events)
    timing, loaded = done(events).timing, done(events).loaded
    assert done(events).finish == "stop"
    assert timing.load_s > 0 and timing.prompt_s > 0 and timing.prompt_tokens > 10
    assert timing.first_token_s is not None and timing.prompt_s < timing.first_token_s < timing.total_s
    assert timing.completion_tokens > 3 and timing.tokens_per_s is not None
    assert (loaded.quantization, loaded.used, loaded.gpu_layers, loaded.layers > 0) == ("Q8_0", "cpu", 0, True)
    assert loaded.memory_bytes > 10_000_000


def test_a_warm_answer_is_the_same_loads_nothing_and_reads_only_the_last_blocks(
    engine: LocalEngine, bytes_model: Choice
) -> None:
    for choice, build in ((BUILT_IN, asks(ASK)), (bytes_model, says("a cup of warm tea " * 20))):
        first = list(engine.stream(build, choice, Sampling(max_tokens=64)))
        again = list(engine.stream(build, choice, Sampling(max_tokens=64)))
        assert written(again) == written(first) != ""
        assert done(again).timing.load_s == 0
        tokens = done(again).timing.prompt_tokens
        assert (
            done(again).timing.cached_tokens == max(0, tokens // BLOCK_TOKENS - 1) * BLOCK_TOKENS
        )  # small models: two blocks


def test_the_same_seed_repeats_and_another_differs(engine: LocalEngine, bytes_model: Choice) -> None:
    def drawn(seed: int) -> str:
        sampling = Sampling(max_tokens=60, temperature=1.0, top_k=50, top_p=1.0, seed=seed)
        return written(list(engine.stream(says("a"), bytes_model, sampling)))

    assert drawn(1) == drawn(1) != drawn(2)


def test_the_answer_ends_at_max_tokens_and_at_the_end_of_the_context(engine: LocalEngine, bytes_model: Choice) -> None:
    short = done(list(engine.stream(says("a"), bytes_model, Sampling(max_tokens=7))))
    assert (short.finish, short.timing.completion_tokens) == ("length", 7)
    small = Choice(bytes_model.model, context_tokens=256)
    full = done(list(engine.stream(says("a"), small, ON_AND_ON)))
    assert full.finish == "length"
    assert full.timing.prompt_tokens + full.timing.completion_tokens == full.loaded.context_tokens == 256


def test_two_thousand_bytes_of_broken_utf8_stream_without_a_stall(engine: LocalEngine, bytes_model: Choice) -> None:
    sampling = Sampling(max_tokens=2000, temperature=1.0, top_k=20, top_p=1.0)
    at: list[float] = []
    events: list[Event] = []
    for event in engine.stream(says("a"), bytes_model, sampling):
        events.append(event)
        if isinstance(event, Text):
            at.append(time.monotonic())
    assert done(events).timing.completion_tokens == 2000
    assert written(events).count("\ufffd") > 200
    assert max(later - earlier for earlier, later in itertools.pairwise(at)) < 1.0
    assert done(events).timing.tokens_per_s is not None


def test_prompts_are_counted_by_the_model_s_own_tokenizer_before_it_reads(engine: LocalEngine) -> None:
    seen: list[int] = []

    def build(count: Callable[[list[Message]], int], context_tokens: int) -> list[Message]:
        seen.extend([count(ASK), context_tokens])
        return ASK

    events = list(engine.stream(build, BUILT_IN, Sampling(max_tokens=4)))
    assert seen == [done(events).timing.prompt_tokens, done(events).loaded.context_tokens]


def test_an_answer_held_to_sentences_says_only_those(engine: LocalEngine, bytes_model: Choice) -> None:
    spans = ["식혜의 재료는 밥입니다.", "달게 마십니다."]
    held = [Sentence(spans[0], " ", True, True, (1,)), Sentence(spans[1], " ", True, True, ())]
    for choice, build in ((BUILT_IN, asks(ASK)), (bytes_model, says("a"))):
        events = list(engine.stream(build, choice, Sampling(), sentences=lambda: held))
        # A vocabulary of bytes alone writes sentencepiece's mark for a space as it is.
        assert written(events).replace("▁", " ") in {*spans, " ".join(spans)}
        assert done(events).finish == "stop"


def test_a_prompt_longer_than_the_context_is_refused_and_the_next_works(engine: LocalEngine) -> None:
    small = Choice(LocalModel("built-in", BUILT_IN_FILE), context_tokens=256)
    long = [Message("user", "", question="식혜 " * 400)]
    with pytest.raises(ContextTooSmall):
        list(engine.stream(asks(long), small, Sampling()))
    assert written(list(engine.stream(asks(ASK), small, Sampling(max_tokens=8))))


def test_bench_measures_where_no_token_can_be_shown(engine: LocalEngine) -> None:
    # after these 8 tokens of prompt the built-in model writes control tokens only
    assert engine.bench(BUILT_IN, tokens=8, prompt_tokens=8, rounds=1)["tokens_per_s"] > 0


def test_bench_measures_the_whole_path_beside_the_bare_loop(engine: LocalEngine) -> None:
    result = engine.bench(BUILT_IN, tokens=128, prompt_tokens=64)
    assert result["completion_tokens"] == 128
    assert result["ratio"] == pytest.approx(result["tokens_per_s"] / result["raw_tokens_per_s"])
    # The aim is 0.85 on a machine at rest (benchmarks/decode.py); decoding every prefix again would give 0.1.
    assert result["ratio"] > 0.5


# Text


@pytest.mark.parametrize("text", ["식혜는 달다", "🍶 건배 👨‍👩‍👧", "Makgeolli 막걸리 é"])
def test_characters_split_over_tokens_arrive_whole(text: str) -> None:
    raw = text.encode()
    for first in range(len(raw) + 1):
        for second in range(first, len(raw) + 1):
            stream = TextStream()
            pieces = [stream.feed(part) for part in (raw[:first], raw[first:second], raw[second:])] + [stream.finish()]
            assert "".join(pieces) == text
    stream = TextStream()
    assert "".join(stream.feed(bytes([byte])) for byte in raw) == text


def test_broken_bytes_show_at_once_and_an_unfinished_character_never() -> None:
    stream = TextStream()
    assert stream.feed(b"\xff") == "\ufffd"
    assert stream.feed("식".encode()[:2]) == ""
    assert stream.feed(b"a") == "\ufffda"
    assert stream.feed("혜".encode()[:1]) == ""
    assert stream.finish() == ""


def test_a_stop_text_ends_the_answer_wherever_tokens_cut_it() -> None:
    raw = "답입니다.\nUser: 다음".encode()
    for cut in range(len(raw) + 1):
        stream = TextStream(["\nUser:"])
        text = stream.feed(raw[:cut])
        text += stream.feed(raw[cut:]) + stream.finish()
        assert (text, stream.ended) == ("답입니다.", True)
    stream = TextStream(["\nUser:"])
    assert stream.feed(b"a\nUse") == "a"
    assert stream.feed(b"ful") == "\nUseful"


# Templates


def test_a_template_that_refuses_system_messages_gets_them_in_the_first_question() -> None:
    source = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ messages[0].content }}"
    )
    template = ChatTemplate(source, bos_token="", eos_token="")
    messages = [{"role": "system", "content": "guide"}, {"role": "user", "content": "hi"}]
    assert template.render(messages) == "guide\n\nhi"


def test_a_template_cannot_reach_into_the_machine() -> None:
    template = ChatTemplate("{{ ''.__class__.__mro__[1].__subclasses__() }}", bos_token="", eos_token="")
    with pytest.raises(TemplateBroken):
        template.render([{"role": "user", "content": "hi"}])


def test_a_file_with_a_broken_template_is_named(engine: LocalEngine, tmp_path: Path) -> None:
    path = write_byte_model(tmp_path / "odd.gguf", template="{% if %}")
    with pytest.raises(NotAModel) as caught:
        engine.load(Choice(LocalModel("odd", path)))
    assert caught.value.key == "model_template_broken" and "odd.gguf" in caught.value.message("ko")


def test_the_built_in_template_takes_passages_and_question_and_nothing_else(engine: LocalEngine) -> None:
    chatty = [Message("system", "무시될 글 " * 50), Message("user", "앞 질문"), Message("assistant", "앞 답"), *ASK]
    counts: list[int] = []

    def build(count: Callable[[list[Message]], int], context_tokens: int) -> list[Message]:
        counts.extend([count(ASK), count(chatty)])
        return chatty

    assert "엿기름" in written(list(engine.stream(build, BUILT_IN, Sampling(max_tokens=64))))
    assert counts[0] == counts[1]


def test_an_answer_names_the_tokens_it_was_asked_with_and_the_template_that_made_them(
    engine: LocalEngine, bytes_model: Choice, tmp_path: Path
) -> None:
    source = "{{ messages[0].content }}한"
    own = Choice(LocalModel("own", write_byte_model(tmp_path / "own.gguf", template=source)))
    for choice, prompt, template in ((bytes_model, "User: a\nAssistant:", None), (own, "a한", source)):
        end = done(list(engine.stream(says("a"), choice, Sampling(max_tokens=2))))
        tokens = [1, *(3 + byte for byte in prompt.replace(" ", "▁").encode())]  # <s>, then one token a byte
        assert end.prompt_hash == hashlib.sha256(struct.pack(f"<{len(tokens)}i", *tokens)).hexdigest()
        assert end.loaded.template_hash == (hashlib.sha256(template.encode()).hexdigest() if template else "")


# Conversations


def test_a_conversation_that_comes_back_is_not_read_again(engine: LocalEngine, slow_model: Choice) -> None:
    def turn(name: str, question: str) -> list[Event]:
        text = f"{name} begins this conversation. " * 20 + question
        return list(engine.stream(says(text), slow_model, Sampling(max_tokens=8), conversation=name))

    firsts = {name: done(turn(name, "")).timing for name in ("dongdongju", "sujeonggwa", "omija")}
    assert all(timing.prompt_tokens > 500 for timing in firsts.values())
    again = {name: turn(name, "And then?") for name in firsts}
    for name, events in again.items():
        assert done(events).timing.cached_tokens > firsts[name].prompt_tokens - 2 * BLOCK_TOKENS - len("And then?")
    engine.unload()
    for name, events in again.items():
        fresh = turn(name, "And then?")
        assert done(fresh).timing.cached_tokens < 10
        assert written(fresh)[:1] == written(events)[:1] != ""
