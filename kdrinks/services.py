"""What one running kdrinks shares: settings, store, knowledge, engine and the answers under way. Built once, by app or command line."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

from kdrinks.config import Settings
from kdrinks.deletions import Deletions
from kdrinks.drinks.names import packaged_names
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.protocol import Count, Engine, Stopped
from kdrinks.engine.request_queue import RequestQueue
from kdrinks.engine.sampling import checked
from kdrinks.errors import BadInput, KdrinksError
from kdrinks.generation import prompt
from kdrinks.hub import catalog, model_hash
from kdrinks.hub.plan import Planner
from kdrinks.jobs import Cancelled, Job, Jobs
from kdrinks.permissions import administrators_only, owner_of
from kdrinks.records import (
    ADMINISTRATOR,
    Choice,
    Described,
    Exchange,
    KeepAlive,
    Loaded,
    LocalModel,
    Message,
    Mode,
    ModelFile,
    ModelRef,
    Question,
    Sampling,
    StoredQuestion,
    Visitor,
)
from kdrinks.recount import count_again
from kdrinks.search.knowledge import Knowledge
from kdrinks.store import chats, file_hashes, forget, live, preferences, undo
from kdrinks.store.db import Database
from kdrinks.temporary import TemporaryChats
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.watch.metrics import Metrics

CHOICE_KEY = "model"
"""Under which the store keeps the last choice of model, device and context."""
LOADING = "load"
"""The kind of job that loads a model."""
HASHING = "hash"
"""And of the one that reads its file once, to know it by its content; no page draws it."""
MODES_KEY = "modes"
"""Under which it keeps the mode that was chosen for a model, by the model's id."""
KEEPING_KEY = "keeping"
"""Under which it keeps how long and how many models stay in memory."""
DEVICES = ("auto", "cpu", "gpu")
"""What a person can choose."""
LONGEST_S = 366 * 86400.0
MOST_MODELS = 100
"""Above these a saved KeepAlive is damaged."""

DAY_S = 86400.0
SEARCHES_AT_ONCE = 2
"""A search is Python, which one thread at a time may run, with numpy and DuckDB, which let others in. Of 50 at once each takes as long as all
of them together; in turns the first ones have their answers while the others wait."""
FORGOTTEN_BY_NAME = 100
"""When more conversations are deleted at once the workers drop all they keep."""
FIRST_PAGE_S = 5.0
"""How long the warm-up waits for a first page."""
BROWSER_S = 1.0
"""How long it then leaves the processor to the browser's requests for its scripts, which Python serves. With all at once the
box took 5.7 s on 2 cores, one after the other 2.5 to 3.9 s. A question does not wait for this: it fills the knowledge itself."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Services:
    settings: Settings
    db: Database
    words: TextAnalyzer
    knowledge: Knowledge
    engine: Engine
    answers: dict[str, Any] = field(default_factory=dict)
    """Answers under way, by conversation id; answer.py alone writes and reads it, for it alone knows what an Answer is."""
    answers_lock: threading.Lock = field(default_factory=threading.Lock)
    temporary: TemporaryChats = field(default_factory=TemporaryChats)
    """Conversations that are never stored."""
    problem: KdrinksError | None = None
    """What went wrong while warming up; the knowledge or the model say it again when they are asked."""
    page_drawn: threading.Event = field(default_factory=threading.Event)
    """Set when the first page has been drawn: words and passages keep Python busy for 3 to 5 s, which it would wait for."""
    jobs: Jobs = field(default_factory=Jobs)
    """Everything that goes on in the background for longer than a page may wait."""
    closing: threading.Event = field(default_factory=threading.Event)
    deletions: Deletions = field(init=False)
    """Of what was put away."""
    searches: RequestQueue = field(default_factory=lambda: RequestQueue(SEARCHES_AT_ONCE))
    """Whose turn it is to have a question looked up."""
    metrics: Metrics = field(default_factory=Metrics)
    """What is counted of answers and refusals, for whoever runs the site."""
    warmed: threading.Event = field(default_factory=threading.Event)
    """Set when the warm-up is over, whether or not it met a problem."""

    def __post_init__(self) -> None:
        self.deletions = Deletions(self.db, self.closing)

    def warm(self) -> None:
        """Prepare words, passages and the last chosen model in the background: 3 to 4 s that no first page waits for."""
        threading.Thread(target=self._warm, name="warm-up", daemon=True).start()
        threading.Thread(target=self.keep_no_longer, name="retention", daemon=True).start()

    def keep_no_longer(self, every_s: float = DAY_S) -> None:
        """Delete what is too old once more every day, whether or not anybody asks, until the app ends."""
        while not self.closing.wait(every_s):
            try:
                forget.apply_retention(self.db)
            except KdrinksError as error:
                log.warning("%s", error)  # a full disk today: tomorrow is another day

    def _warm(self) -> None:
        if self.page_drawn.wait(FIRST_PAGE_S):
            time.sleep(BROWSER_S)
        loading = threading.Thread(target=self._warm_engine, name="warm-up-engine", daemon=True)
        loading.start()
        try:
            self.knowledge.fill()
            forget.apply_retention(self.db)
            count_again(self.jobs, self.db, self.words)
        except KdrinksError as error:
            self.problem = error
        loading.join()
        self.warmed.set()

    def _warm_engine(self) -> None:
        try:
            self.engine.load(choice := last_choice(self))
            self.preread(choice)
        except KdrinksError as error:
            self.problem = error

    def preread(self, choice: Choice) -> None:
        """Let a model that was just loaded read the system text of the language and template used last, while nobody asks."""
        with suppress(KdrinksError):  # the next question says it
            lang, template = chats.last_asked(self.db)
            known = template if template in prompt.TEMPLATES else prompt.USUAL
            model = catalog.describe_ref(choice.model, self.settings)
            mode = mode_of(self, model)
            sampling = usual_sampling(self, model, mode)

            def build(count: Count, context_tokens: int) -> list[Message]:
                budget_tokens = prompt.room_tokens(context_tokens, sampling.max_tokens)
                return prompt.opening(
                    count=count, budget_tokens=budget_tokens, lang=lang, template=known, free=mode != "held"
                )

            self.engine.preread(choice, build, replace(sampling, thinking=False) if mode == "held" else sampling)

    def hashes_of(self, model: ModelRef) -> tuple[str, str]:
        """(model, adapter) by their content; "" for what is not there, and until the files have been read in the background."""
        if not isinstance(model, LocalModel):
            return "", ""
        adapter = model.adapter if model.adapter and model.adapter.scale else None
        return self._hash_of(model.path), self._hash_of(adapter.path) if adapter else ""

    def _hash_of(self, path: Path) -> str:
        if found := model_hash.known(self.db, path):
            return found
        key = f"{path} {file_hashes.stamp_of(path)}"  # what failed is tried again when the file is another one
        if not any(job.key == key and job.phase == "failed" for job in self.jobs.of(HASHING)):
            self.jobs.start(HASHING, partial(_take_hash, self.db, path), subject=path.name, key=key)
        return ""

    def keep_question(self, question: Question, *, temporary: bool, again: bool) -> None:
        """Keep a question where its conversation is kept, unless it is there and asked again. Raises BadInput, NotAllowed, StoreError."""
        if temporary:
            self.temporary.ask(question)
        elif not again:
            chats.record_question(
                self.db, question.who, question.conversation_id, question.text, question.lang, question_id=question.id
            )

    def said_before(self, conversation_id: str) -> list[StoredQuestion]:
        """As an administrator, for the model goes on from all that it read; that this visitor may ask there, answer.ask has seen."""
        held = self.temporary.messages(ADMINISTRATOR, conversation_id)
        return held or chats.messages(self.db, ADMINISTRATOR, conversation_id)

    def keep_answer(self, exchange: Exchange) -> None:
        """Keep an answer where its question is; nowhere, where that is gone."""
        if not self.temporary.record(exchange):
            chats.record(self.db, exchange)

    def forget_in_engine(self, conversations: Sequence[str]) -> None:
        """Let the workers drop what they keep of deleted conversations, when the request in progress is over."""
        named = tuple(conversations) if len(conversations) <= FORGOTTEN_BY_NAME else ()
        threading.Thread(target=self.engine.forget, args=(named,), name="forget", daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self.jobs.close()
        self.engine.close()
        live.stop(self.db, ADMINISTRATOR)
        self.db.close()


def open_services(settings: Settings, *, memory: bool = False) -> Services:
    """Open the store and connect the rest; starts nothing slow.

    memory: keep the store in memory, for a command beside a running app. Raises StoreError when the store cannot be opened.
    """
    db = Database.open(None if memory else settings.database)
    words = TextAnalyzer(packaged_names())
    planner = Planner(None if memory else settings.home / "plans.json")
    engine: Engine = LocalEngine(planner=planner)
    engine.keep_alive = _keeping(_saved(db, KEEPING_KEY))
    services = Services(settings, db, words, Knowledge(db, words), engine, jobs=Jobs(db))
    db.on_delete.append(services.forget_in_engine)
    services.temporary.on_end = services.forget_in_engine
    try:
        forget.carry_out(db)  # what was deleted before the app ended is seen by nobody again
    except KdrinksError as error:
        log.warning("%s", error)
    return services


def delete_conversation(services: Services, who: Visitor, conversation_id: str) -> int:
    """Take a conversation out of sight, and delete it for good after forget.UNDO_S unless undo.take_back brings it back; 0 and nothing else for
    an id that is unknown or another visitor's."""
    count = undo.put_away(services.db, who, conversation_id)
    if count:
        services.deletions.carry_out(forget.UNDO_S + 0.1)
    return count


def _take_hash(db: Database, path: Path, job: Job[Any]) -> str:
    def progress(done_bytes: int, size_bytes: int) -> None:
        job.check()
        job.report(fraction=done_bytes / size_bytes)

    return model_hash.take(db, path, progress)


def find_ref(services: Services, name: str) -> ModelRef:
    """What the engine offers under this id, else the file of this id or path. Raises ModelNotFound and NotAModel."""
    for offered in services.engine.models:
        if offered.id == name:
            return offered
    model = catalog.find_model(name, services.settings)
    return LocalModel(model.id, model.path)


def last_choice(services: Services) -> Choice:
    """The model, device and context chosen last; the built-in model when there is none or its file is gone."""
    saved = _saved(services.db, CHOICE_KEY)
    for offered in services.engine.models:
        if offered.id == saved.get("model_id"):
            return Choice(offered)
    try:
        model = catalog.find_model(str(saved.get("model_id", catalog.BUILT_IN)), services.settings)
    except KdrinksError:
        model = catalog.find_model(catalog.BUILT_IN, services.settings)
    device, context_tokens = saved.get("device"), saved.get("context_tokens")
    return Choice(
        LocalModel(model.id, model.path),
        device if device in DEVICES else "auto",
        context_tokens if type(context_tokens) is int and 0 <= context_tokens <= model.context_length else 0,
    )


def modes_of(model: ModelFile | Described) -> tuple[Mode, ...]:
    """Those that can be chosen for a model: the built-in one was taught nothing but to say what the notes hold."""
    return ("held",) if model.id == catalog.BUILT_IN else get_args(Mode)


def mode_of(services: Services, model: ModelFile | Described) -> Mode:
    """The mode that was chosen for a model; by its size while nobody chose."""
    saved = _saved(services.db, MODES_KEY).get(model.id)
    return next((mode for mode in modes_of(model) if mode == saved), catalog.default_mode(model.guarded))


def save_mode(services: Services, who: Visitor, model: ModelFile | Described, mode: Mode) -> None:
    """Remember a model's mode for everybody's next question. Raises NotAllowed."""
    administrators_only(who)
    preferences.set(services.db, who, MODES_KEY, _saved(services.db, MODES_KEY) | {model.id: mode})


def settled(
    services: Services, choice: Choice | None, mode: Mode | None, sampling: Sampling | None
) -> tuple[Choice, Mode, Sampling]:
    """What a question is answered with: what was asked for, else what was chosen last, or is usual for the model.

    Raises BadInput for a mode that the model has not or a value out of its range, ModelNotFound, NotAModel.
    """
    choice = choice or last_choice(services)
    model = catalog.describe_ref(choice.model, services.settings)
    if mode and mode not in modes_of(model):
        raise BadInput("mode_not_there", model=model.id, found=mode)
    mode = mode or mode_of(services, model)
    return choice, mode, checked(sampling or usual_sampling(services, model, mode))


def thinks_first(services: Services) -> bool | None:
    """What was chosen last for Sampling.thinking; None where nothing was, or nothing that this version knows."""
    saved = _saved(services.db, CHOICE_KEY).get("thinking")
    return saved if isinstance(saved, bool) else None


def usual_sampling(services: Services, model: Described, mode: Mode | None = None) -> Sampling:
    """How a model writes where nobody asks for anything else; mode: None takes its own. What is held to sentences chooses greedily."""
    usual = Sampling() if (mode or mode_of(services, model)) == "held" else model.sampling
    return replace(usual, thinking=thinks_first(services))


def save_thinks_first(services: Services, who: Visitor, thinking: bool | None) -> None:
    """Remember it for everybody's next question and the next start. Raises NotAllowed."""
    administrators_only(who)
    preferences.set(services.db, who, CHOICE_KEY, _saved(services.db, CHOICE_KEY) | {"thinking": thinking})


def load_model(services: Services, who: Visitor, choice: Choice) -> Job[Any]:
    """Load a model in the background; the job under way when there is one: the engine is one. Its result is what was loaded.

    Raises NotAllowed, StoreError.
    """
    administrators_only(who)

    def work(job: Job[Any]) -> Loaded:
        try:
            loaded = services.engine.load(choice, lambda fraction: job.report("loading", fraction), job.stop)
        except Stopped:
            raise Cancelled from None
        threading.Thread(target=services.preread, args=(choice,), name="preread", daemon=True).start()
        return loaded

    return services.jobs.start(LOADING, work, subject=choice.model.id, owner=owner_of(who))


def save_choice(services: Services, who: Visitor, choice: Choice) -> None:
    """Remember a choice for everybody's next question and the next start. Raises NotAllowed."""
    administrators_only(who)
    value = {"model_id": choice.model.id, "device": choice.device, "context_tokens": choice.context_tokens}
    preferences.set(services.db, who, CHOICE_KEY, _saved(services.db, CHOICE_KEY) | value)


def save_keep_alive(services: Services, who: Visitor, keeping: KeepAlive) -> None:
    """How long and how many models stay in memory, from now on and after the next start. Raises NotAllowed."""
    administrators_only(who)
    services.engine.keep_alive = keeping
    preferences.set(services.db, who, KEEPING_KEY, _saved(services.db, KEEPING_KEY) | asdict(keeping))


def unload(services: Services, who: Visitor) -> None:
    """Take the model out of memory; the next question loads it again. Raises NotAllowed."""
    administrators_only(who)
    services.engine.unload()


def _saved(db: Database, key: str) -> dict[str, Any]:
    """What was saved under a key, names that this version does not know included: a newer one finds them again."""
    saved = preferences.get(db, key)
    return saved if isinstance(saved, dict) else {}


def _keeping(saved: Mapping[str, Any]) -> KeepAlive:
    """Of what was saved, what this version understands; the rest as it is by default."""
    idle_s: Any = saved.get("idle_s")
    models, usual = saved.get("models"), KeepAlive()
    number = isinstance(idle_s, int | float) and not isinstance(idle_s, bool)
    return KeepAlive(
        float(idle_s) if number and 0 <= idle_s <= LONGEST_S else usual.idle_s,
        models if type(models) is int and 0 < models <= MOST_MODELS else usual.models,
    )
