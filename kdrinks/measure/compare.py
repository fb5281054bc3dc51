"""Compares settings (a model file on a device, with a context and threads) on one set of prompts, one after the other.

A job beside every page: it asks the engine like one more visitor, a turn for each answer, so a person who chats meanwhile waits for
one answer of it at most; in the end it puts the model back that was in memory. Knows no page.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kdrinks.drinks.facts import facts_of
from kdrinks.drinks.passages import all_passages, passages_of
from kdrinks.drinks.read import load_drinks, load_topics
from kdrinks.engine.protocol import Done, Engine, Loading, Reading, Stopped, Text
from kdrinks.errors import BadInput, ModelError
from kdrinks.generation import prompt
from kdrinks.generation.identity import Identity
from kdrinks.hub import model_hash
from kdrinks.jobs import Cancelled, Job, Jobs
from kdrinks.permissions import administrators_only, owner_of
from kdrinks.records import Choice, Language, LocalModel, Message, ModelFile, Passage, Sampling, Visitor
from kdrinks.store import compare as store
from kdrinks.store.compare import RUNS_TO_SHOW, Run, Setting
from kdrinks.store.db import Database, new_id

KIND = "compare"
ANSWER_TOKENS = 64
QUESTIONS: dict[Language, str] = {"ko": "식혜는 어떻게 만들어요?", "en": "How is sikhye made?"}
"""The prompt set: one question in each language, with passages as the chat would give them."""
SCORED_CHARACTERS: dict[Language, int] = {"ko": 6_000, "en": 12_000}
"""Of the drinks text that perplexity is taken over: a few thousand tokens of most models in either language."""
TRIES = 5
"""How often a run is begun again because somebody else's model came between."""


@dataclass(frozen=True, slots=True)
class Candidate:
    model: ModelFile
    choice: Choice


class Comparison:
    """The work of one comparison. Every attribute may be read from any thread."""

    def __init__(
        self,
        db: Database,
        who: Visitor,
        engine: Engine,
        candidates: Sequence[Candidate],
        *,
        rounds: int = RUNS_TO_SHOW,
        quality: bool = False,
        answer_tokens: int = ANSWER_TOKENS,
    ) -> None:
        """rounds: passes over the prompts, cold and warm each.   quality: take each file's perplexity, too.

        Raises BadInput without candidates, with the same one twice, or with fewer rounds than may be shown; NotAllowed.
        """
        administrators_only(who)
        self.who = who
        if rounds < RUNS_TO_SHOW:
            raise BadInput("comparison_too_few_runs", found=rounds, least=RUNS_TO_SHOW)
        if not candidates or len(set(candidates)) < len(candidates):
            raise BadInput("comparison_settings")
        self.id = new_id()
        """Under which the store keeps its runs."""
        self.candidates = tuple(candidates)
        self.place = 0
        """Of the candidate that is being measured."""
        self.steps = len(candidates) * rounds * len(QUESTIONS) * 2
        if quality:
            self.steps += len({candidate.choice.model for candidate in candidates}) * len(SCORED_CHARACTERS)
        self.done = 0
        """Steps done or passed over, of `steps`."""
        self._db = db
        self._engine = engine
        self._rounds = rounds
        self._quality = quality
        self._answer_tokens = answer_tokens
        self._sampling = Sampling(max_tokens=answer_tokens, measured=True)
        self._scored: set[object] = set()

    def __call__(self, job: Job[Any]) -> None:
        """Raises StoreError, Cancelled within a token or a slice of a prompt; the runs that are done stay in the store."""
        before = self._engine.state.choice
        try:
            for place, candidate in enumerate(self.candidates):
                self.place = place
                self._measure(job, place, candidate)
        except Stopped:
            raise Cancelled from None
        finally:
            if not job.closing:
                put_back(self._engine, before)

    def _measure(self, job: Job[Any], place: int, candidate: Candidate) -> None:
        """All rounds of one candidate; a model that cannot be run is told in the store, and the next one follows."""
        model, choice = candidate.model, candidate.choice
        setting = Setting(
            place,
            choice.model.id,
            model.path.name,
            model.quantization,
            model.size_bytes,
            choice.device,
            choice.context_tokens,
            choice.threads,
        )
        until = self.done + self._steps_of(candidate)
        try:
            for path in files_of(choice):
                model_hash.take(self._db, path, lambda done, of: job.check())
            for number in range(self._rounds):
                for cold in (True, False):
                    for lang in QUESTIONS:
                        run = self._answer(job, choice, lang, cold=cold)
                        store.record_run(self._db, self.id, setting, number, run)
                        self._count(job, self.done + 1)
            if self._quality and choice.model not in self._scored:
                self._scored.add(choice.model)
                self._score(job, setting, choice)
        except ModelError as error:
            if job.stop.is_set():
                raise Cancelled from error
            store.record_run(self._db, self.id, setting, 0, Run("", cold=False, error=error.message()))
            self._count(job, until)

    def _steps_of(self, candidate: Candidate) -> int:
        scoring = self._quality and candidate.choice.model not in self._scored
        return self._rounds * len(QUESTIONS) * 2 + (len(SCORED_CHARACTERS) if scoring else 0)

    def _count(self, job: Job[Any], done: int) -> None:
        self.done = done
        job.report(fraction=done / self.steps)

    def _answer(self, job: Job[Any], choice: Choice, lang: Language, *, cold: bool) -> Run:
        """One answer that did load the model (cold) or did not. Raises Stopped and ModelError."""
        for _ in range(TRIES):
            job.report("queued")
            if cold:
                self._engine.unload(job.stop)
            done = self._stream(job, choice, lang)
            timing, loaded = done.timing, done.loaded
            if done.finish == "stopped":
                raise Stopped
            if (timing.load_s > 0) == cold:
                return Run(
                    lang,
                    cold,
                    device_used=loaded.used,
                    gpu_layers=loaded.gpu_layers,
                    layers=loaded.layers,
                    context_used=loaded.context_tokens,
                    threads_used=loaded.threads,
                    kv_type=loaded.kv_type,
                    load_s=timing.load_s,
                    prompt_tokens=timing.prompt_tokens,
                    prompt_s=timing.prompt_s,
                    first_token_s=timing.first_token_s or timing.prompt_s,
                    completion_tokens=timing.completion_tokens,
                    completion_s=timing.completion_s,
                    memory_bytes=loaded.memory_bytes,
                    identity=self._identity(choice, done) or None,
                )
        raise ModelError("comparison_no_quiet", tries=TRIES)

    def _identity(self, choice: Choice, done: Done) -> str:
        """Two runs of one identity were asked for the same, on other devices perhaps; "" for a model that is no file here."""
        model_file, adapter_file = (*files_of(choice), None, None)[:2]
        return Identity(
            model_hash=model_hash.known(self._db, model_file) if model_file else "",
            template_hash=done.loaded.template_hash,
            prompt_hash=done.prompt_hash,
            sampling=self._sampling,
            mode="free",
            sentences_hash="",
            exclusions=(),
            data_version="",
            adapter_hash=model_hash.known(self._db, adapter_file) if adapter_file else "",
            adapter_scale=done.loaded.adapter_scale or 0.0,
        ).hash()

    def _stream(self, job: Job[Any], choice: Choice, lang: Language) -> Done:
        question, passages = QUESTIONS[lang], _passages(lang)

        def build(count: Callable[[list[Message]], int], context_tokens: int) -> list[Message]:
            room = context_tokens - self._answer_tokens
            return prompt.build(question, passages, (), count=count, budget_tokens=room, lang=lang).messages

        events = self._engine.stream(build, choice, self._sampling, session=self.id, stop=job.stop)
        activities: dict[type, str] = {Loading: "loading", Reading: "reading", Text: "writing"}
        with closing(events):
            for event in events:
                if isinstance(event, Done):
                    return event
                job.report(activities.get(type(event), "queued"))
        raise ModelError("comparison_no_quiet", tries=1)

    def _score(self, job: Job[Any], setting: Setting, choice: Choice) -> None:
        for lang, text in scored_texts().items():
            nll, scored = 0.0, 0
            for piece in self._pieces(job, choice, text):
                nll, scored = nll + piece["nll"], scored + int(piece["scored"])
            if scored:
                store.record_perplexity(
                    self._db,
                    self.id,
                    setting,
                    lang=lang,
                    text_hash=hashlib.sha256(text.encode()).hexdigest()[:16],
                    scored_tokens=scored,
                    perplexity=math.exp(min(nll / scored, 700.0)),
                )
            self._count(job, self.done + 1)

    def _pieces(self, job: Job[Any], choice: Choice, text: str) -> Iterator[dict[str, float]]:
        """Each piece in a turn of its own: a person who chats meanwhile waits for one of them."""
        number = 0
        while True:
            job.report("scoring")
            piece = self._engine.score(choice, text, number, session=self.id, stop=job.stop)
            yield piece
            number += 1
            if number >= piece["pieces"]:
                return


def put_back(engine: Engine, before: Choice | None) -> None:
    """Leave in memory what was there before a measurement."""
    try:
        if before:
            engine.load(before)
        else:
            engine.unload()
    except ModelError:
        # The next question loads it again, or says why it cannot.
        return


def files_of(choice: Choice) -> list[Path]:
    """The model's and, where one is laid over it, the adapter's."""
    if not isinstance(choice.model, LocalModel):
        return []
    adapter = choice.model.adapter
    return [choice.model.path, *([adapter.path] if adapter and adapter.scale else [])]


def start(jobs: Jobs, work: Comparison) -> Job[Comparison]:
    """Compare in the background; the job under way when there is one: the engine is one. Raises StoreError."""
    names = dict.fromkeys(candidate.model.id for candidate in work.candidates)
    return jobs.start(KIND, work, subject=", ".join(names), owner=owner_of(work.who))


@cache
def _passages(lang: Language) -> tuple[Passage, ...]:
    sikhye = next(drink for drink in load_drinks() if drink.id == "sikhye")
    passages = passages_of(facts_of(sikhye), lang)
    return tuple(one for one in passages if one.kind in ("identity", "ingredients", "making"))


@cache
def scored_texts() -> dict[Language, str]:
    """The fixed text by language that perplexity is taken over: the packaged passages in their order, none twice."""
    passages = all_passages(load_drinks(), load_topics(), [])
    texts: dict[Language, str] = {}
    for lang, characters in SCORED_CHARACTERS.items():
        lines = dict.fromkeys(f"{one.title}: {one.text}" for one in passages if one.lang == lang)
        texts[lang] = "\n".join(lines)[:characters]
    return texts
