"""How a question becomes an answer. Start here.

ask() returns at once; a thread of its own does the work and a page, the command line or several tabs watch. No click,
page change or refresh touches it: stopping is a call on the answer. Whatever happens, it ends in the store.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from kdrinks import recount
from kdrinks.engine.protocol import Done, Loading, Queued, Reading, Text, take_back
from kdrinks.engine.sampling import checked
from kdrinks.errors import BadInput, KdrinksError, NotAllowed
from kdrinks.findings import NOTHING_FOUND, Findings
from kdrinks.generation import caution, claims, guard, identity, prompt, trace
from kdrinks.hub import catalog
from kdrinks.permissions import administrators_only, is_theirs, owner_of
from kdrinks.records import (
    Choice,
    Citation,
    Exchange,
    Finish,
    Language,
    Loaded,
    Message,
    Passage,
    Sampling,
    Timing,
    Turn,
    Visitor,
)
from kdrinks.search import said_again
from kdrinks.services import Services, last_choice
from kdrinks.store import chats, exclusions
from kdrinks.store.db import new_id
from kdrinks.text import analyzer


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, of which model and how."""

    text: str
    meant: str
    """The text as TextAnalyzer.as_meant has it: all that reads it takes this; as it was typed it is stored and shown."""
    who: Visitor
    id: str
    conversation_id: str
    owner: str | None
    """Of the conversation: who may watch and stop the answer."""
    lang: Language
    choice: Choice
    sampling: Sampling
    template: str
    knowledge: bool
    """False asks the model without passages; what is on alcohol, pregnancy, infants, allergies or medicine is quoted all the same."""
    session: str
    """Whose turn it takes in the queue."""
    turns: tuple[Turn, ...]
    """Exchanges that come before those the store has."""


def ask(
    services: Services,
    who: Visitor,
    text: str,
    *,
    conversation_id: str = "",
    question_id: str = "",
    choice: Choice | None = None,
    sampling: Sampling | None = None,
    lang: Language | None = None,
    template: str = "guide",
    knowledge: bool = True,
    session: str = "",
    turns: Sequence[Turn] = (),
) -> "Answer":
    """Start answering and return the answer to watch.

    conversation_id: empty starts a conversation. question_id: a stored question to answer again (a retry).
    session: whose turn it takes in the queue, for a visitor without an id.
    choice, sampling: None takes the last choice and the model's own sampling. lang: of the answer; None takes the question's.
    Raises BadQuestion, BadInput (an answer is under way in this conversation, a value out of its range), ModelNotFound, NotAModel, StoreError, and NotAllowed
    for another visitor's conversation, or for a choice of one's own.
    """
    text = prompt.clean_question(text)
    meant = services.words.as_meant(text)
    if template not in prompt.TEMPLATES:
        raise BadInput("template_unknown", found=template, known=", ".join(prompt.TEMPLATES))
    if choice:
        administrators_only(who)
    choice = choice or last_choice(services)
    usual = catalog.describe_ref(choice.model, services.settings).sampling
    owner = owner_of(who)
    if conversation_id or question_id:
        owner = chats.check_may_ask(services.db, who, conversation_id, question_id=question_id)
    question = Question(
        text=text,
        meant=meant,
        who=who,
        id=question_id or new_id(),
        conversation_id=conversation_id or chats.start_conversation(services.db, who, session=session),
        owner=owner,
        lang=said_again.heard(meant).language or lang or services.words.language(meant),
        choice=choice,
        sampling=checked(sampling or usual),
        template=template,
        knowledge=knowledge,
        session=who.id or session,
        turns=tuple(turns),
    )
    answer = Answer(services, question)
    with services.answers_lock:
        if other := services.answers.get(question.conversation_id):
            raise BadInput("still_answering") if is_theirs(other.question.owner, who) else NotAllowed("not_yours")
        services.answers[question.conversation_id] = answer
    try:
        if not question_id:
            chats.record_question(
                services.db, who, question.conversation_id, text, question.lang, question_id=question.id
            )
    except BaseException:
        services.answers.pop(question.conversation_id, None)
        raise
    threading.Thread(target=answer._run, name=f"answer-{answer.message_id[-6:]}", daemon=True).start()
    return answer


def running(services: Services, who: Visitor, conversation_id: str) -> "Answer | None":
    """The answer under way in a conversation, to watch or to stop; None when there is none, or it is another visitor's."""
    found: Answer | None = services.answers.get(conversation_id)
    return found if found and is_theirs(found.question.owner, who) else None


class Answer:
    """One answer as it is written. Attributes are safe to read from any thread, at any time."""

    def __init__(self, services: Services, question: Question) -> None:
        self.question = question
        self.message_id = new_id()
        self.phase = "searching"
        """waiting_knowledge, searching, queued, loading, reading, writing or done."""
        self.phase_values: dict[str, float] = {}
        """position (queued), fraction (loading), done and total (reading)."""
        self.finish: Finish | None = None
        """None while it is written."""
        self.error: KdrinksError | None = None
        self.findings = NOTHING_FOUND
        self.guard = "off"
        self.identity = ""
        """Of the generation; "" where no model wrote, or a part of it is not known."""
        self.citations: tuple[Citation, ...] = ()
        self.unsupported: tuple[claims.Span, ...] = ()
        """Sentences of a free model's text with a figure or name that no passage of its prompt holds."""
        self.dropped_turns = 0
        self.loaded: Loaded | None = None
        """None when no model ran: the answer is quoted, or loading failed."""
        self.timing = Timing()
        self.wait_s: float | None = None
        """From asking to the first text that a person sees, queue and loading included; None while there is none."""
        self.stopped = False  # by a person
        self._services = services
        self._asked_at = time.monotonic()
        self._halt = threading.Event()  # to write no further: a person stopped, or the guard has seen enough
        self._changed = threading.Condition()
        self._parts: list[str] = []
        self._built = prompt.Prompt([], (), 0, 0)
        """What the answer rests on; without messages while no model was asked."""
        self._gate: guard.Guard | None = None

    @property
    def text(self) -> str:
        """What is written so far."""
        return "".join(self._parts)

    def stop(self) -> None:
        """End it now; what is written stays. The processor is free within a token, or a batch while the prompt is read."""
        self.stopped = True
        self._halt.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it ended within the time; None waits for as long as it takes."""
        with self._changed:
            return self._changed.wait_for(lambda: self.finish is not None, timeout_s)

    def pieces(self, every_s: float = 0.1) -> Iterator[str]:
        """The text so far, then what came in each interval, until the end; any number of readers may attach and leave.

        An interval without text yields "" so that a reader can show the phase.
        """
        seen = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self.finish is not None, every_s)
                ended = self.finish is not None
                new, seen = "".join(self._parts[seen:]), len(self._parts)
            yield new
            if ended:
                return

    def trace(self) -> dict[str, Any]:
        """How it came to be, as JSON holds it; whole once it has ended."""
        return trace.trace(self, self._built, self._gate)

    def _run(self) -> None:
        """The thread's work: answer, then record, whatever happened."""
        finish: Finish = "failed"
        try:
            finish = self._answer()
        except KdrinksError as error:
            self.error = error
        except BaseException:
            self.error = KdrinksError("answer_failed")
            raise  # a bug: its traceback belongs in the log
        finally:
            self.timing = replace(self.timing, total_s=time.monotonic() - self._asked_at)
            try:
                self._record(finish)
            except KdrinksError as error:
                self.error = self.error or error
            finally:
                self._services.answers.pop(self.question.conversation_id, None)
                with self._changed:
                    self.phase, self.phase_values, self.finish = "done", {}, finish
                    self._changed.notify_all()

    def _answer(self) -> Finish:
        """The chain, step by step."""
        services, question = self._services, self.question
        model = catalog.describe_ref(question.choice.model, services.settings)
        before = services.hashes_of(question.choice.model)  # known when it is written, unless the file is large and new
        stored = chats.messages(services.db, question.who, question.conversation_id)
        turns = [*question.turns, *(prompt.turn_of(asked) for asked in stored if asked.question_id != question.id)]
        turns = [replace(turn, question=services.words.as_meant(turn.question)) for turn in turns]

        # 1) What does the knowledge base say?
        findings = self.findings = self._find([turn.question for turn in turns])
        if self.stopped:
            return "stopped"
        passages = [hit.passage for hit in findings.prompt_hits]
        # what was left out no model may bring in again, and what was named it may not speak of
        held = model.guarded or bool(findings.exclusions or findings.under)
        if held or findings.sensitive:  # said as they are given; a free model finds the sentence itself
            passages = services.knowledge.excerpts(question.meant, passages)

        # 2) No model phrases what could hurt somebody, nor a list unless it can only say it as it stands: the cautions come first
        told = [*findings.cautions, *passages]
        if exact := caution.said_exactly(question.lang, findings, told, by_model=model.guarded):
            self._built = replace(self._built, passages=tuple(told))
            self._show(exact)
            self.guard = "quoted" if told else "fixed"
            self._cite(findings, told)
            return "stop"

        # 3) The model says it; its prompt is built once the queue and the loader are done, with its own tokenizer
        def build(count: Callable[[list[Message]], int], context_tokens: int) -> list[Message]:
            built = self._built = prompt.build(
                question.meant,
                passages,
                [turn for turn in turns if turn.answer],
                count=count,
                budget_tokens=context_tokens - min(question.sampling.max_tokens, context_tokens // 3),
                lang=services.words.language(turns[0].question) if turns else question.lang,
                template=question.template,
            )
            self.dropped_turns = built.dropped_turns
            self._gate = guard.Guard(findings.intent, question.lang, built.passages) if held else None
            return built.messages

        finish: Finish = "failed"
        corrections = 0
        events = services.engine.stream(
            build,
            question.choice,
            question.sampling,
            session=question.session,
            conversation=question.conversation_id,
            stop=self._halt,
            sentences=lambda: self._gate.sentences() if self._gate else None,
        )
        with closing(events):
            for event in events:
                match event:
                    case Queued(position):
                        self._phase("queued", position=position)
                    case Loading(fraction):
                        self._phase("loading", fraction=fraction)
                    case Reading(done_tokens, prompt_tokens):
                        self._phase("reading", done=done_tokens, total=prompt_tokens)
                    case Text(text):
                        self._show(self._gate.feed(text) if self._gate else text)
                        if self._gate and self._gate.outcome != "kept":
                            self._halt.set()
                    case Done(finish, timing, loaded, corrections) as done:
                        take_back(self._parts, done.taken_back)
                        self.loaded = loaded if loaded.used else None
                        self.identity = self._identified(findings, done, before)
                        self.timing = replace(timing, retrieve_s=self.timing.retrieve_s)

        # 4) What the guard kept back or replaces, and which passages the answer rests on
        built = self._built
        if gate := self._gate:
            if not self.stopped:
                self._show(gate.finish())
                finish = "stop"
            self.guard = "repaired" if gate.outcome == "kept" and corrections else gate.outcome
            self._cite(findings, built.passages, marked=True)
        else:
            if question.knowledge:
                kept = [turn for turn in turns if turn.answer][built.dropped_turns :]
                told = [*built.passages, *(passage for turn in kept for passage in turn.passages)]
                self.unsupported = claims.unsupported_claims(self.text, told, services.words.proper_nouns)
            self._cite(findings, built.passages)
        self._show("" if self.stopped else caution.under(findings))
        return finish

    def _identified(self, findings: Findings, done: Done, before: tuple[str, str]) -> str:
        """before: the hashes when the answer began; of a file that was exchanged meanwhile nobody knows which one wrote."""
        model_hash, adapter_hash = now = self._services.hashes_of(self.question.choice.model)
        if any(then not in ("", one) for then, one in zip(before, now, strict=True)):
            return ""
        return identity.Identity(
            model_hash=model_hash,
            template_hash=done.loaded.template_hash,
            prompt_hash=done.prompt_hash,
            sampling=self.question.sampling,
            mode="held" if self._gate else "free",
            sentences_hash=identity.hash_of_sentences(self._gate.sentences() if self._gate else None),
            exclusions=findings.exclusions,
            data_version=findings.data_version,
            adapter_hash=adapter_hash,
            adapter_scale=done.loaded.adapter_scale or 0.0,
        ).hash()

    def _find(self, history: Sequence[str]) -> Findings:
        """What the knowledge base holds on the question; where it is not to be asked, only what must be quoted."""
        knowledge = self._services.knowledge
        if not knowledge.ready.is_set():
            self._phase("waiting_knowledge")
            knowledge.fill()
        self._phase("searching")
        began = time.monotonic()
        db, conversation_id = self._services.db, self.question.conversation_id
        lifted = exclusions.lifted(db, self.question.who, conversation_id)
        found = knowledge.find(self.question.meant, history=history, lang=self.question.lang, lifted=lifted)
        exclusions.hold_again(db, conversation_id, lifted.intersection(found.exclusions))
        self.timing = replace(self.timing, retrieve_s=time.monotonic() - began)
        return found if self.question.knowledge or found.sensitive else NOTHING_FOUND

    def _cite(self, findings: Findings, passages: Sequence[Passage], *, marked: bool = False) -> None:
        """Number the passages of the prompt; marked leaves out those whose number the text does not hold."""
        scores = {hit.passage.id: hit.score for hit in findings.prompt_hits}
        self.citations = tuple(
            Citation(number, passage, scores.get(passage.id, 0.0))
            for number, passage in enumerate(passages, 1)
            if not marked or f"[{number}]" in self.text
        )

    def _show(self, text: str) -> None:
        if text:
            self.wait_s = self.wait_s or time.monotonic() - self._asked_at
            with self._changed:
                self.phase, self.phase_values = "writing", {}
                self._parts.append(text)

    def _phase(self, phase: str, **values: float) -> None:
        self.phase, self.phase_values = phase, values

    def _record(self, finish: Finish) -> None:
        """Store the answer with its words; what it quotes from passages is not counted as the model's."""
        question = self.question
        chats.record(
            self._services.db,
            Exchange(
                conversation_id=question.conversation_id,
                question_id=question.id,
                message_id=self.message_id,
                question=question.text,
                answer=self.text,
                language=question.lang,
                finish=finish,
                error=self.error.message(question.lang) if self.error else None,
                citations=self.citations,
                loaded=self.loaded,
                timing=self.timing,
                guard=self.guard,
                question_words=tuple(self._services.words.count(question.text)),
                answer_words=tuple(self._services.words.count(recount.own_text(self.text))),
                details=trace.details(
                    self, self._built, self._services.words.search_terms(question.meant, question.lang)
                ),
                analyser=analyzer.VERSION,
                identity=self.identity,
                trace=self.trace(),
            ),
        )
