"""Adapters over a model: what is said with one is never made of what another left behind, and the model itself stays loaded."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kdrinks.answer import ask
from kdrinks.cli.base import adapter
from kdrinks.config import BUILT_IN_FILE, Settings
from kdrinks.engine.adapters import AdapterProblem
from kdrinks.engine.library import Log, start
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.native import Logits, Model
from kdrinks.engine.protocol import Done, Event, local_model
from kdrinks.errors import ModelNotFound, NotAModel
from kdrinks.records import ADMINISTRATOR, Adapter, Choice, KeepAlive, LocalModel, Sampling
from kdrinks.services import open_services
from kdrinks.store import chats
from kdrinks.ui.chat.evidence import model_name
from tests.support.command_line import document, kdrinks
from tests.support.engine_requests import BUILT_IN, done, says, written
from tests.support.tiny_adapters import write_adapter
from tests.support.tiny_models import write_byte_model

SHARED = "Both prompts begin with these words. " * 10
P, Q = SHARED + "The first one ends like this.", SHARED + "And the second one so."
SHORT = Sampling(max_tokens=12)


def model(path: Path) -> Model:
    start()
    return Model(
        str(path),
        log=Log(lambda line: None),
        gpu_layers=0,
        context_tokens=1024,
        threads=1,
        state_bytes=100_000_000,
    )


class Asked:
    """A model that is asked one prompt after the other; remembers how many tokens it did not read again."""

    def __init__(self, path: Path) -> None:
        self.model = model(path)
        self.cached: list[int] = []

    def __call__(self, text: str, over: Path | None = None, scale: float = 1.0, *, anew: bool = False) -> Logits:
        """(vocabulary,) scores of the token after the text; anew reads all of it."""
        self.model.use_adapter(str(over) if over else "", scale)
        if anew:
            self.model.forget_conversations([])
        prompt = self.model.vocabulary.tokenize(text, add_special=True)
        self.cached.append(self.model.reuse_prefix(prompt, text))
        for _ in self.model.read_prompt(prompt):
            pass
        return self.model.logits().copy()


@pytest.fixture(params=["random bytes", "built-in"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int]:
    """A model and its width."""
    if request.param == "built-in":
        return BUILT_IN_FILE, 256
    return write_byte_model(tmp_path / "bytes.gguf", layers=2), 64


def test_each_adapter_and_strength_says_the_same_each_time_and_none_is_the_model_alone(
    base: tuple[Path, int], tmp_path: Path
) -> None:
    path, width = base
    a, b = (write_adapter(tmp_path / f"{seed}.gguf", seed=seed, width=width) for seed in (1, 2))
    asked = Asked(path)
    with closing(asked.model):
        alone, with_a, with_b, half_a = (
            asked(Q, over, scale, anew=True) for over, scale in ((None, 1.0), (a, 1.0), (b, 1.0), (a, 0.5))
        )
        for over, scale, same in (
            (a, 0.0, alone),
            (a, 1.0, with_a),
            (None, 1.0, alone),
            (a, 0.5, half_a),
            (b, 1, with_b),
        ):
            assert np.array_equal(asked(Q, over, scale, anew=True), same)
    every = [alone, with_a, with_b, half_a]
    assert all(not np.array_equal(x, y) for n, x in enumerate(every) for y in every[:n])
    # and a model that never had one says the same
    fresh = Asked(path)
    with closing(fresh.model):
        assert np.array_equal(fresh(Q), alone)


def test_nothing_is_read_from_a_state_that_another_adapter_made(base: tuple[Path, int], tmp_path: Path) -> None:
    path, width = base
    a, b = (write_adapter(tmp_path / f"{seed}.gguf", seed=seed, width=width) for seed in (1, 2))
    with closing((mixed := Asked(path)).model):
        aq, ap, bp, bq = mixed(Q, a), mixed(P, a), mixed(P, b), mixed(Q, b)
        aq_again, half, alone = mixed(Q, a), mixed(Q, a, 0.5), mixed(Q)
    with closing((only_a := Asked(path)).model):
        assert [np.array_equal(only_a(text, a), seen) for text, seen in ((Q, aq), (P, ap))] == [True, True]
        aq_after_p = only_a(Q, a)
        kept = len(only_a.model.vocabulary.tokenize(Q, add_special=True)) > 256  # long enough to be taken up again
    with closing((only_b := Asked(path)).model):
        assert [np.array_equal(only_b(text, b), seen) for text, seen in ((P, bp), (Q, bq))] == [True, True]
    for over, scale, seen in ((a, 0.5, half), (None, 1.0, alone)):
        with closing((fresh := Asked(path)).model):
            assert np.array_equal(fresh(Q, over, scale), seen)
    shared = only_a.cached[1]
    assert shared > 30 and mixed.cached[:4] == [0, shared, 0, shared] == only_a.cached[:2] + only_b.cached
    assert mixed.cached[5:] == [0, 0]
    assert mixed.cached[4] == (shared if kept else 0) and np.array_equal(aq_again, aq_after_p if kept else aq)


def test_forgetting_a_conversation_drops_what_every_adapter_made_of_it(tmp_path: Path) -> None:
    a = write_adapter(tmp_path / "a.gguf")
    with closing((asked := Asked(write_byte_model(tmp_path / "bytes.gguf"))).model):
        for over in (a, None, a):
            asked(Q, over)
        assert asked.cached[-1] > 256
        asked.model.forget_conversations([Q])
        for over in (a, None, a):
            asked(Q, over)
        assert asked.cached[3:5] == [0, 0] and asked.cached[5] > 256


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"architecture": "qwen2"}, "adapter_other_model"),
        ({"width": 128}, "adapter_other_model"),
        ({"tensor": "blk.7.attn_q.weight"}, "adapter_other_model"),
        ({"kind": "model"}, "adapter_is_model"),
        ({"strength": 0.0}, "adapter_no_effect"),
        ({"strength": float("nan")}, "adapter_broken"),
    ],
)
def test_what_is_no_adapter_of_this_model_is_refused(options: dict[str, Any], key: str, tmp_path: Path) -> None:
    bad, good = write_adapter(tmp_path / "bad.gguf", **options), write_adapter(tmp_path / "good.gguf")
    with closing((asked := Asked(write_byte_model(tmp_path / "bytes.gguf"))).model):
        alone = asked(Q)
        asked(Q, good)
        for _ in range(2):
            with pytest.raises(AdapterProblem) as caught:
                asked.model.use_adapter(str(bad), 1.0)
            assert caught.value.key == key
        assert np.array_equal(asked(Q, anew=True), alone)


# Through the worker


@pytest.fixture
def tea(tmp_path: Path) -> LocalModel:
    return LocalModel("tea", write_byte_model(tmp_path / "tea.gguf"))


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    with closing(LocalEngine()) as engine:
        yield engine


def choice(tea: LocalModel, over: Path | None = None, scale: float = 1.0) -> Choice:
    return Choice(replace(tea, adapter=Adapter(over, scale) if over else None))


def answer(engine: LocalEngine, choice: Choice, text: str = "a") -> tuple[str, Done]:
    events: list[Event] = list(engine.stream(says(text), choice, SHORT, conversation=text))
    return written(events), done(events)


def test_the_model_stays_loaded_when_only_its_adapter_changes(
    engine: LocalEngine, tea: LocalModel, tmp_path: Path
) -> None:
    a, b = (write_adapter(tmp_path / f"{name}.gguf", seed=seed) for name, seed in (("a", 1), ("b", 2)))
    choices = [choice(tea), choice(tea, a), choice(tea, b), choice(tea, a, 0.5), choice(tea, a, 0.0)]
    engine.load(choices[0])
    pid = engine.state.worker_pid
    firsts = [answer(engine, one) for one in choices]
    again = [answer(engine, one) for one in reversed(choices)][::-1]
    assert [text for text, _ in firsts] == [text for text, _ in again]
    assert firsts[0][0] == firsts[4][0] and len({text for text, _ in firsts}) == 4
    assert {end.timing.load_s for _, end in firsts + again} == {0.0} and engine.state.worker_pid == pid
    assert [(end.loaded.adapter, end.loaded.adapter_scale) for _, end in firsts] == [
        (None, None), ("a.gguf", 1.0), ("b.gguf", 1.0), ("a.gguf", 0.5), ("a.gguf", 0.0)
    ]  # fmt: skip
    # beside another model it rests and comes back, whatever it had on when it left
    engine.keep_alive = KeepAlive(idle_s=0, models=2)
    answer(engine, choices[1])
    engine.load(BUILT_IN)
    text, end = answer(engine, choices[2])
    assert text == firsts[2][0] and end.timing.load_s == 0 and engine.state.worker_pid == pid
    assert engine.state.choice == choices[2] and engine.state.loaded and engine.state.loaded.adapter == "b.gguf"


def test_an_answer_reads_nothing_that_another_adapter_made(
    engine: LocalEngine, tea: LocalModel, tmp_path: Path
) -> None:
    a, b = (choice(tea, write_adapter(tmp_path / f"{seed}.gguf", seed=seed)) for seed in (1, 2))
    for one in (a, b):
        engine.load(one)
    mixed = [answer(engine, one, text) for one, text in ((a, Q), (a, P), (b, P), (b, Q))]
    cached = [end.timing.cached_tokens for _, end in mixed]
    assert cached[0] == cached[2] == 0 and cached[1] == cached[3] > len(SHARED)
    engine.unload()
    assert [answer(engine, b, text)[0] for text in (P, Q)] == [text for text, _ in mixed[2:]]


def test_a_file_that_was_written_anew_is_another_adapter(engine: LocalEngine, tea: LocalModel, tmp_path: Path) -> None:
    path = write_adapter(tmp_path / "a.gguf")
    first, _ = answer(engine, choice(tea, path))
    write_adapter(path, seed=3)
    os.utime(path, (1, 1))
    second, end = answer(engine, choice(tea, path))
    assert second != first and end.timing.load_s == 0 and end.timing.cached_tokens == 0


def test_what_cannot_be_used_is_said_in_both_languages_and_the_model_answers_on(
    engine: LocalEngine, tea: LocalModel, tmp_path: Path
) -> None:
    whole = write_adapter(tmp_path / "whole.gguf").read_bytes()
    (tmp_path / "cut.gguf").write_bytes(whole[:-500])
    (tmp_path / "text.gguf").write_text("no adapter at all", encoding="utf-8")
    alone, _ = answer(engine, choice(tea))
    for path, key in (
        (tea.path, "adapter_is_model"),
        (BUILT_IN_FILE, "adapter_is_model"),
        (tmp_path / "cut.gguf", "adapter_broken"),
        (tmp_path / "text.gguf", "adapter_broken"),
        (write_adapter(tmp_path / "weak.gguf", strength=0.0), "adapter_no_effect"),
        (write_adapter(tmp_path / "wide.gguf", width=128), "adapter_other_model"),
    ):
        with pytest.raises(NotAModel) as caught:
            answer(engine, choice(tea, path))
        assert caught.value.key == key
        for lang in ("ko", "en"):
            assert path.name in caught.value.message(lang) and caught.value.hint(lang)
        assert answer(engine, choice(tea))[0] == alone
    os.mkfifo(tmp_path / "pipe.gguf")
    for path in (tmp_path / "none.gguf", tmp_path, tmp_path / "pipe.gguf"):
        with pytest.raises(ModelNotFound):
            engine.load(choice(tea, path))


def test_measurements_are_of_the_adapter_too(engine: LocalEngine, tea: LocalModel, tmp_path: Path) -> None:
    a = choice(tea, write_adapter(tmp_path / "a.gguf"), 2.0)
    text = "식혜는 쌀로 만든 음료입니다. " * 40
    scores = [engine.score(one, text, 0)["nll"] for one in (a, choice(tea), a)]
    assert scores[0] == scores[2] != scores[1]
    measured = engine.bench(a, tokens=8, prompt_tokens=16, rounds=1)
    assert measured["model"] == {
        "id": "tea", "file": "tea.gguf", "quantization": "F32", "adapter": "a.gguf", "scale": 2.0
    }  # fmt: skip


# From the question to the store


def test_an_answer_is_kept_with_the_adapter_that_made_it(tmp_path: Path, tea: LocalModel) -> None:
    over = choice(tea, write_adapter(tmp_path / "calm.gguf"), 0.5)
    with closing(open_services(Settings(home=tmp_path / "home", models=tmp_path))) as services:
        for one in (over, choice(tea)):
            answered = ask(services, ADMINISTRATOR, "식혜", choice=one, sampling=SHORT, mode="free", knowledge=False)
            assert answered.wait(60) and answered.error is None
            (kept,) = chats.messages(services.db, ADMINISTRATOR, answered.question.conversation_id)
            assert kept.exchange and kept.exchange.loaded
            loaded = kept.exchange.loaded
            if one is over:
                assert (loaded.adapter, loaded.adapter_scale) == ("calm.gguf", 0.5)
                assert model_name(loaded) == "tea F32 + calm ×0.5"
            else:
                assert (loaded.adapter, loaded.adapter_scale, model_name(loaded)) == (None, None, "tea F32")
        with pytest.raises(ModelNotFound):
            ask(services, ADMINISTRATOR, "물", choice=choice(tea, tmp_path / "none.gguf"))


def test_the_command_line_takes_an_adapter_and_its_strength(tmp_path: Path) -> None:
    path = write_adapter(tmp_path / "calm.gguf", width=256)
    question = "막걸리가 뭐예요?"
    asked = ("ask", question, "--no-record", "--json", "--adapter", f"{path}:0.25")
    told = document(kdrinks(*asked, home=tmp_path / "home"))
    assert (told["model"]["adapter"], told["model"]["scale"]) == ("calm.gguf", 0.25)
    assert told["answer"] and told["model"]["id"] == "built-in"
    refused = kdrinks("ask", question, "--no-record", "--adapter", str(BUILT_IN_FILE), home=tmp_path / "home")
    assert refused.returncode == 1 and "kdrinks-mini.gguf" in refused.stderr and "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("text", "name", "scale"),
    [
        ("a.gguf", "a.gguf", 1.0),
        ("a.gguf:0.5", "a.gguf", 0.5),
        ("a.gguf:-1", "a.gguf", -1.0),
        (r"C:\models\a.gguf", r"C:\models\a.gguf", 1.0),
        (r"C:\models\a.gguf:2", r"C:\models\a.gguf", 2.0),
        ("a:b:c", "a:b:c", 1.0),
        ("a.gguf:nan", "a.gguf:nan", 1.0),
    ],
)
def test_only_a_number_at_the_end_is_a_strength(text: str, name: str, scale: float) -> None:
    assert (adapter(text).path.name, adapter(text).scale) == (name, scale)


def test_the_choice_that_is_laid_is_the_choice_that_is_told(
    engine: LocalEngine, tea: LocalModel, tmp_path: Path
) -> None:
    over = choice(tea, write_adapter(tmp_path / "a.gguf"))
    assert engine.load(over).adapter == "a.gguf"
    assert engine.state.choice == over and local_model(over.model).adapter
    assert engine.load(choice(tea)).adapter is None and engine.state.choice == choice(tea)
