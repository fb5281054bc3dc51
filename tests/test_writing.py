"""What a model writes on its own, and how it is held: loops are cut off, questions to itself end it, forced words cost one batch."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from kdrinks.answer import ask
from kdrinks.config import BUILT_IN_FILE, Settings
from kdrinks.engine.constraint import SentenceConstraint
from kdrinks.engine.decode import PLAIN_STOPS, TextStream
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.native import BLOCK_TOKENS, Model
from kdrinks.engine.process import WorkerProcess
from kdrinks.engine.protocol import Build, Count
from kdrinks.engine.sampling import RANGES, checked, of_header
from kdrinks.engine.worker import Worker
from kdrinks.engine.writing import constraint_for, runs
from kdrinks.errors import BadInput
from kdrinks.generation import prompt
from kdrinks.generation.draft import Draft
from kdrinks.hub import catalog
from kdrinks.records import ADMINISTRATOR, Choice, Language, LocalModel, Message, Sampling, Sentence
from kdrinks.services import open_services
from kdrinks.store import chats
from tests.support.command_line import kdrinks
from tests.support.engine_requests import ASK, asks, done, says, written
from tests.support.looping_models import TEMPLATE, write_looping_model
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

PIECES = ["식혜는 ", "답니다. ", "이강주는 ", "배와 생강으로 빚은 ", "맑은 술입니다. "]
ONCE = "식혜는 답니다. 이강주는 배와 생강으로 빚은 맑은 술입니다."


@pytest.fixture(scope="module")
def looping(tmp_path_factory: pytest.TempPathFactory) -> Choice:
    path = write_looping_model(tmp_path_factory.mktemp("models") / "loop.gguf", PIECES, 2)
    return Choice(LocalModel("loop", path))


# A loop


def test_a_model_that_goes_round_in_a_circle_is_ended_and_what_it_said_twice_taken_back(
    engine: LocalEngine, looping: Choice
) -> None:
    events = list(engine.stream(says("?"), looping, Sampling(max_tokens=2000)))
    end = done(events)
    assert end.finish == "repeated" and end.timing.completion_tokens < 60
    assert written(events)[: -end.taken_back] == ONCE
    # whoever compares speeds wants the same work each time
    measured = done(list(engine.stream(says("?"), looping, Sampling(max_tokens=200, measured=True))))
    assert (measured.finish, measured.taken_back, measured.timing.completion_tokens) == ("length", 0, 200)


def test_an_answer_that_looped_is_kept_without_the_loop_and_says_so(
    looping: Choice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, entries = catalog._catalog()
    monkeypatch.setattr(catalog, "_catalog", lambda: (0, entries))
    with closing(open_services(Settings(home=tmp_path, models=tmp_path), memory=True)) as services:
        answer = ask(services, ADMINISTRATOR, "Which tea houses are old?", choice=looping, knowledge=False)
        seen = list(answer.pieces(0.01))
        assert (answer.finish, answer.text) == ("repeated", ONCE), answer.error
        assert "".join(seen).startswith(ONCE)
        (asked,) = chats.messages(services.db, ADMINISTRATOR, answer.question.conversation_id)
        assert asked.exchange and (asked.exchange.finish, asked.exchange.answer) == ("repeated", ONCE)


def test_what_is_taken_back_leaves_each_reader_its_place() -> None:
    draft, ended = Draft(), threading.Event()
    for part in ("식혜는 ", "답니", "다. 답니", "다."):
        draft.add(part)
    seen = draft.pieces(lambda _: ended.is_set(), 0)
    assert next(seen) == "식혜는 답니다. 답니다."
    draft.cut(4)
    draft.add(" 끝")
    assert next(seen) == " 끝" and draft.text == "식혜는 답니다.  끝"
    draft.cut(99)
    assert draft.text == ""
    ended.set()
    assert list(seen) == [""]


# Where an answer ends


def shown(text: str, step: int) -> tuple[str, bool]:
    stream = TextStream(PLAIN_STOPS, notes=True)
    raw = text.encode()
    out = "".join(stream.feed(raw[start : start + step]) for start in range(0, len(raw), step))
    return out + stream.finish(), stream.ended


@pytest.mark.parametrize("step", [1, 4, 1000])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        (" 답니다.\nUser: 또?", "답니다."),
        (" 답니다.\n\n질문: 또?", "답니다.\n"),
        ("It is sweet.\nQuestion: and", "It is sweet."),
        ("It is sweet.\nAssistant: and", "It is sweet."),
        ("\nNotes:\n[1] Sikhye", ""),
        ("[1] Sikhye — It is sweet.\n[2] Omija-cha — It is sour.", "[1] Sikhye — It is sweet."),
    ],
)
def test_a_model_without_a_template_ends_where_it_begins_to_ask_itself(text: str, left: str, step: int) -> None:
    assert shown(text, step) == (left, True)


@pytest.mark.parametrize(
    "text", ["답니다.\n[1]은 자료입니다.", "It is.\nUsers say so.\n[12] yes", "[1] Sikhye — sweet", "끝\n"]
)
def test_what_only_looks_like_it_is_all_shown(text: str) -> None:
    for step in (1, 4, 1000):
        assert shown(text, step) == (text, False)


def test_a_file_without_a_template_is_stopped_and_one_with_a_template_is_not(
    engine: LocalEngine, tmp_path: Path
) -> None:
    pieces = ["답니다.", "\nQuestion:", " 또?", " 네."]
    for template, left in ((None, "답니다."), (TEMPLATE, "답니다.\nQuestion: 또?")):
        path = write_looping_model(tmp_path / f"{template is None}.gguf", pieces, 0, template=template)
        events = list(engine.stream(says("?"), Choice(LocalModel("base", path)), Sampling(max_tokens=3)))
        assert written(events) == left


def test_half_a_character_is_never_shown_wherever_the_answer_ends(engine: LocalEngine, tmp_path: Path) -> None:
    path = write_looping_model(tmp_path / "half.gguf", [f"<0x{byte:02X}>" for byte in "식혜".encode()], 0)
    for tokens, left in enumerate(["", "", "식", "식", "식", "식혜", "식혜"], 1):
        events = list(engine.stream(says("?"), Choice(LocalModel("half", path)), Sampling(max_tokens=tokens)))
        assert written(events) == left and done(events).finish == "length"
    raw = "식혜는 🍶".encode()
    for end in range(len(raw) + 1):
        stream = TextStream()
        assert stream.feed(raw[:end]) + stream.finish() == raw[:end].decode(errors="ignore")


# Held


def script() -> list[Sentence]:
    """Two sentences that may begin, with one that follows both."""
    return [
        Sentence("식혜의 재료는 밥, 엿기름, 물입니다.", " ", True, False, (2,)),
        Sentence("식혜는 엿기름으로 밥을 삭혀 만든 음료입니다.", " ", True, False, (2,)),
        Sentence("차게 해서 마시며, 잣을 띄우기도 합니다.", " ", False, True, ()),
    ]


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker(lambda document: None, threading.Event())
    worker.serve(
        {"op": "load", "id": 1, "path": str(BUILT_IN_FILE), "device": "cpu", "context_tokens": 2048, "threads": 1}
    )
    yield worker
    worker.unload()


def held_to(worker: Worker, sentences: Sequence[Sentence]) -> SentenceConstraint:
    assert worker.model
    held = constraint_for([asdict(one) for one in sentences], worker.model, worker._loaded()[1].control)
    assert held
    return held


def one_by_one(model: Model, prompt_tokens: list[int], held: SentenceConstraint) -> list[int]:
    """The answer as a loop writes it that reads each token before it asks for the next."""
    model.reuse_prefix(prompt_tokens, "")
    for _ in model.read_prompt(prompt_tokens):
        pass
    made: list[int] = []
    while True:
        scores = model.logits()
        held.mask(scores)
        token = int(scores.argmax())
        if model.vocabulary.ends(token):
            return made
        held.accept(token)
        made.append(token)
        model.append(token)


SAMPLING: dict[str, Any] = {
    "temperature": 0.0,
    "top_k": 40,
    "top_p": 0.95,
    "min_p": 0.0,
    "repeat_penalty": 1.0,
    "seed": 0,
}


def test_forced_words_are_those_that_would_come_one_by_one_and_are_read_in_few_batches(worker: Worker) -> None:
    model = worker.model
    assert model
    asked = worker.prompt([{"role": "user", "content": "", "question": ASK[0].question, "passages": ASK[0].passages}])
    expected = one_by_one(model, asked, held_to(worker, script()))
    held = held_to(worker, script())
    model.reuse_prefix(asked, "")
    for _ in model.read_prompt(asked):
        pass
    batches = 0
    decode = model._decode

    def counted(batch: Any) -> None:
        nonlocal batches
        batches += 1
        decode(batch)

    model._decode = counted  # type: ignore[method-assign]
    made = list(runs(model, SAMPLING, 400, held))
    assert made[-1] is None and [token for run in made if run for token in run] == expected
    assert len(expected) > 15 and batches < 5
    limited = [*runs(model, SAMPLING, 7, held_to(worker, script()[2:]))]
    assert sum(len(run) for run in limited if run) <= 7


def test_only_a_choice_that_was_taken_away_counts_as_a_correction(engine: LocalEngine, bytes_model: Choice) -> None:
    alone = [Sentence("식혜의 재료는 밥입니다.", " ", True, True, ())]
    forced = list(engine.stream(says("a"), bytes_model, Sampling(), sentences=lambda: alone))
    assert written(forced).replace("▁", " ") == alone[0].text and done(forced).corrections == 0
    assert done(forced).timing.tokens_per_s is None, "all was known at once"
    chosen = done(list(engine.stream(says("a"), bytes_model, Sampling(), sentences=script)))
    assert chosen.corrections == 1, "random weights want neither of the two bytes that differ"


def test_scores_are_the_same_to_the_last_bit_whatever_was_read_before(worker: Worker) -> None:
    model = worker.model
    assert model
    shared = worker._bench_prompt(900)

    def scores(length: int, *, tail: int) -> Any:
        """After a prompt that begins as all of them and ends in a way of its own."""
        asked = [*shared[: length - 9], *shared[tail : tail + 9]]
        model.reuse_prefix(asked, str(length))
        for _ in model.read_prompt(asked):
            pass
        return model.logits().copy()

    asked = [(length, tail) for length in (40, 64, 127, 128, 129, 200, 333, 600, 700) for tail in (3, 11)]
    first = {}
    for length, tail in asked:
        model.forget()
        first[length, tail] = scores(length, tail=tail)
    for length, tail in [*asked[::-1], *asked[::3]]:
        assert (scores(length, tail=tail) == first[length, tail]).all(), (length, tail)


# The system text


def test_the_system_text_is_read_before_anybody_asks_and_changes_no_answer(
    engine: LocalEngine, bytes_model: Choice
) -> None:
    def opens(lang: Language) -> Build:
        def build(count: Count, context_tokens: int) -> list[Message]:
            return prompt.opening(count=count, budget_tokens=context_tokens, lang=lang, template="guide", free=True)

        return build

    def build(count: Count, context_tokens: int) -> list[Message]:
        built = prompt.build("What is sikhye?", [], [], count=count, budget_tokens=context_tokens, lang="en", free=True)
        assert len(built.messages) == 6, "the examples are read, too"
        return built.messages

    engine.unload()
    alone = list(engine.stream(build, bytes_model, Sampling(max_tokens=40)))
    engine.unload()
    engine.preread(bytes_model, opens("en"), Sampling())  # nothing is in memory: nothing is read
    assert engine.state.loaded is None
    engine.load(bytes_model)
    engine.preread(bytes_model, opens("en"), Sampling())
    ready = list(engine.stream(build, bytes_model, Sampling(max_tokens=40)))
    assert written(ready) == written(alone) != ""
    assert done(alone).timing.cached_tokens == 0 < done(ready).timing.cached_tokens
    assert done(ready).timing.cached_tokens > done(ready).timing.prompt_tokens - 2 * BLOCK_TOKENS
    engine.preread(bytes_model, opens("ko"), Sampling())  # a conversation is there: it stays
    again = list(engine.stream(build, bytes_model, Sampling(max_tokens=4)))
    assert done(again).timing.cached_tokens >= done(ready).timing.cached_tokens


def test_a_question_does_not_wait_for_the_system_text(
    engine: LocalEngine, slow_model: Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.unload()
    engine.load(slow_model)
    result, blocks = WorkerProcess.result, list[str]()

    def counted(worker: WorkerProcess, op: str, *values: Any) -> Any:
        blocks.extend([op] * (op == "preread"))
        return result(worker, op, *values)

    monkeypatch.setattr(WorkerProcess, "result", counted)
    opening = [Message("system", "Korean drinks have been made for a long time. " * 150)]
    reading = threading.Thread(target=engine.preread, args=(slow_model, asks(opening), Sampling()))
    reading.start()
    assert eventually(lambda: bool(blocks))
    assert done(list(engine.stream(says("a"), slow_model, Sampling(max_tokens=2)))).timing.completion_tokens == 2
    reading.join(60)
    assert not reading.is_alive() and len(blocks) < 6900 // BLOCK_TOKENS, "it gave way, and what came then ended it"


# Sampling


def test_min_p_of_nearly_one_is_as_good_as_greedy(engine: LocalEngine, bytes_model: Choice) -> None:
    greedy = written(list(engine.stream(says("a"), bytes_model, Sampling(max_tokens=40))))
    narrow = Sampling(max_tokens=40, temperature=1.0, top_p=1.0, top_k=0, min_p=0.99, seed=5)
    wide = Sampling(max_tokens=40, temperature=1.0, top_p=1.0, top_k=0, seed=5)
    assert written(list(engine.stream(says("a"), bytes_model, narrow))) == greedy
    assert written(list(engine.stream(says("a"), bytes_model, wide))) != greedy


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"top_k": -1},
        {"min_p": 1.0},
        {"repeat_penalty": 0.0},
        {"max_tokens": 0},
        {"seed": -1},
        {"seed": 2**32 - 1},
        {"stop": ("",)},
    ],
)
def test_a_value_out_of_its_range_is_refused_with_the_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as caught:
        checked(Sampling(**wrong))
    if "stop" not in wrong:
        (name,) = wrong
        least, most = RANGES[name]
        assert str(least) in caught.value.hint("ko") and str(most) in caught.value.hint("en")
        assert name.replace("_", "-") in caught.value.message("en")


def test_what_the_makers_ask_for_in_the_header_is_taken_unless_it_is_no_number_in_its_range() -> None:
    header = {"general.sampling.temp": 0.699999988079071, "general.sampling.top_k": 20, "general.sampling.top_p": 7.0}
    assert of_header(header) == Sampling(temperature=0.7, top_k=20)
    odd = {"general.sampling.temp": "hot", "general.sampling.min_p": True, "general.sampling.penalty_repeat": -1.0}
    assert of_header(odd) is None is of_header({})


def test_a_free_model_writes_as_its_file_or_the_catalogue_says_and_a_held_one_greedily(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path, models=tmp_path)
    written_so = {"temp": 0.3, "top_p": 0.8}
    own = write_byte_model(tmp_path / "own.gguf", sampling=written_so)
    listed = write_byte_model(tmp_path / "Qwen3-4B-Q4_K_M.gguf")
    assert catalog.describe_ref(LocalModel("own", own), settings).sampling == Sampling(), "held: greedy"
    _, entries = catalog._catalog()
    monkeypatch.setattr(catalog, "_catalog", lambda: (0, entries))
    assert catalog.describe_ref(LocalModel("own", own), settings).sampling == Sampling(temperature=0.3, top_p=0.8)
    of_entry = next(entry.sampling for entry in entries if entry.file == listed.name)
    assert of_entry and catalog.describe_ref(LocalModel("q", listed), settings).sampling == of_entry
    assert all(checked(entry.sampling) for entry in entries if entry.sampling)


def test_the_command_line_takes_each_setting_and_names_a_wrong_one(tmp_path: Path) -> None:
    model = write_looping_model(tmp_path / "loop.gguf", PIECES, 2)
    options = (
        "--temperature 0.7 --top-p 0.9 --top-k 20 --min-p 0.05 --repeat-penalty 1.1 --max-tokens 40 --seed 7".split()
    )
    asked = kdrinks(
        "ask", "식혜가 뭐야?", "--no-record", "--json", "--model", str(model), *options, "--stop", "밥", home=tmp_path
    )
    assert json.loads(asked.stdout)["finish"] == "stop", asked.stderr
    refused = kdrinks("ask", "식혜가 뭐야?", "--no-record", "--top-p", "1.5", home=tmp_path)
    assert refused.returncode == 1 and "--top-p cannot be 1.5" in refused.stderr and "0.01" in refused.stderr
