"""Two real models write the same answer whatever was asked before, forced words cost no word, and the system text is read beforehand.

Needs requirements-real.txt; skipped without it.
"""

import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from kdrinks.engine.decode import TextStream
from kdrinks.engine.native import BLOCK_TOKENS
from kdrinks.engine.worker import Worker
from kdrinks.engine.writing import SAMPLING_KEYS, constraint_for, runs
from kdrinks.generation import guard, prompt
from kdrinks.records import Language, Message, Passage, Sampling
from tests.support import real_models

pytestmark = [real_models.real, real_models.skipped]

NOTES: dict[Language, tuple[str, ...]] = {
    "ko": (
        "식혜는 밥을 엿기름물로 삭혀 단맛을 낸 음료로, 술이 아니며 차게 해서 마십니다.",
        "수정과는 생강과 계피를 달인 물에 곶감을 넣은 음료로, 겨울에 차게 마십니다.",
    ),
    "en": (
        "Sikhye is a sweet drink of rice steeped in malt water; it holds no alcohol and is served cold.",
        "Sujeonggwa is a punch of ginger and cinnamon with dried persimmons, drunk cold in winter.",
    ),
}
QUESTIONS: dict[Language, tuple[str, ...]] = {
    "ko": ("식혜가 뭐야?", "수정과에는 뭐가 들어가?", "식혜는 언제 마셔?", "수정과는 술이야?", "둘의 차이가 뭐야?"),
    "en": (
        "What is sikhye?",
        "What is in sujeonggwa?",
        "Is sikhye served hot?",
        "When is it drunk?",
        "How do they differ?",
    ),
}
ASKED: list[tuple[str, Language]] = [(question, lang) for lang, every in QUESTIONS.items() for question in every]
SAMPLING = {key: value for key, value in asdict(Sampling()).items() if key in SAMPLING_KEYS}


@pytest.fixture(scope="module", params=["smollm", "gemma"])
def file(request: pytest.FixtureRequest) -> Path:
    return {"smollm": real_models.smollm, "gemma": real_models.gemma}[request.param]()


@pytest.fixture(scope="module")
def worker(file: Path) -> Iterator[Worker]:
    worker = Worker(lambda document: None, threading.Event())
    worker.serve({"op": "load", "id": 1, "path": str(file), "device": "cpu", "context_tokens": 1024, "threads": 1})
    yield worker
    worker.unload()


def passages(lang: Language) -> list[Passage]:
    return [
        Passage(f"{number}.identity.{lang}", str(number), "identity", lang, text.split()[0], text)
        for number, text in enumerate(NOTES[lang])
    ]


def tokens_of(worker: Worker, question: str, lang: Language) -> list[int]:
    def count(messages: list[Message]) -> int:
        return len(worker.prompt([asdict(message) for message in messages]))

    built = prompt.build(question, passages(lang), [], count=count, budget_tokens=900, lang=lang)
    return worker.prompt([asdict(message) for message in built.messages])


def greedy(worker: Worker, question: str, lang: Language, limit: int = 8) -> tuple[list[int], Any]:
    """The first tokens of an answer and the scores that the first one was chosen by."""
    model = worker.model
    assert model
    asked = tokens_of(worker, question, lang)
    model.reuse_prefix(asked, question)
    for _ in model.read_prompt(asked):
        pass
    scores = model.logits().copy()
    return [token for run in runs(model, SAMPLING, limit, None) for token in run or ()], scores


def test_an_answer_is_the_same_to_the_last_bit_whatever_was_asked_before(worker: Worker) -> None:
    assert worker.model
    first = {asked: greedy(worker, *asked) for asked in ASKED}
    for asked in reversed(ASKED):
        tokens, scores = greedy(worker, *asked)
        assert tokens == first[asked][0] and (scores == first[asked][1]).all(), asked
    worker.model.forget()
    tokens, scores = greedy(worker, *ASKED[0])
    assert tokens == first[ASKED[0]][0] and (scores == first[ASKED[0]][1]).all(), "as with nothing before it"


def test_forced_words_are_those_that_come_one_by_one(worker: Worker) -> None:
    model = worker.model
    assert model
    for question, lang in (ASKED[0], ASKED[5]):
        asked = tokens_of(worker, question, lang)
        script = [asdict(one) for one in guard.Guard("unknown", lang, passages(lang)).sentences()]
        answers = []
        for one_by_one in (True, False):
            held = constraint_for(script, model, worker._loaded()[1].control)
            assert held
            model.reuse_prefix(asked, question)
            for _ in model.read_prompt(asked):
                pass
            if one_by_one:
                made: list[int] = []
                while True:
                    held.mask(scores := model.logits())
                    if model.vocabulary.ends(token := int(scores.argmax())):
                        break
                    held.accept(token)
                    made.append(token)
                    model.append(token)
            else:
                made = [token for run in runs(model, SAMPLING, 400, held) for token in run or ()]
            answers.append(made)
        assert answers[0] == answers[1] and len(answers[0]) > 15


def test_the_system_text_was_read_when_the_first_question_comes(worker: Worker) -> None:
    model = worker.model
    assert model
    for lang, (question, *_) in QUESTIONS.items():
        model.forget()

        def count(messages: list[Message]) -> int:
            return len(worker.prompt([asdict(message) for message in messages]))

        opens = prompt.opening(count=count, budget_tokens=1500, lang=lang, template=prompt.USUAL, free=False)
        opening = {"messages": [asdict(message) for message in opens]}
        while worker.preread(opening):
            pass
        ready = model.reuse_prefix(tokens_of(worker, question, lang), "")
        assert ready == len(model.tokens) >= BLOCK_TOKENS


def test_no_half_syllable_is_left_at_the_end_of_an_answer(worker: Worker) -> None:
    model = worker.model
    assert model
    written, _ = greedy(worker, "식혜가 뭐야?", "ko", limit=24)
    for end in range(1, len(written) + 1):
        stream = TextStream()
        text = "".join(stream.feed(model.vocabulary.piece(token)) for token in written[:end]) + stream.finish()
        assert "\ufffd" not in text
