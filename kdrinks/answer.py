"""How a question becomes an answer. Start here.

ask() returns at once; a thread of its own does the work and a page, the command line or several tabs watch. No click,
page change or refresh touches it: stopping is a call on the answer. Whatever happens, it ends in the store.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from kdrinks import recount
from kdrinks.admission import admit
from kdrinks.engine.protocol import Done, Loading, Queued, Reading, Rethought, Text, Thought
from kdrinks.errors import BadInput, ContextTooSmall, KdrinksError, NotAllowed
from kdrinks.findings import NOTHING_FOUND, Findings
from kdrinks.generation import caution, citations, claims, guard, identity, outright, prompt, trace
from kdrinks.generation.draft import Draft
from kdrinks.hub import catalog
from kdrinks.permissions import administrators_only, is_theirs, owner_of
from kdrinks.records import (
    Choice,
    Citation,
    Finish,
    Language,
    Loaded,
    Message,
    Mode,
    Passage,
    Question,
    Sampling,
    Timing,
    Turn,
    Visitor,
)
from kdrinks.search import said_again
from kdrinks.services import Services, settled
from kdrinks.store import chats, exclusions, undo
from kdrinks.store.db import new_id
from kdrinks.text import analyzer


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
    mode: Mode | None = None,
    knowledge: bool = True,
    session: str = "",
    address: str = "",
    turns: Sequence[Turn] = (),
    thinking: bool | None = None,
    temporary: bool = False,
) -> "Answer":
    """Start answering and return the answer to watch.

    conversation_id: empty, or one that is put away, starts a conversation. question_id: a stored question to answer again (a retry).
    session: whose turn it takes in the queue, for a visitor without an id. address: of the connection, which a hosted site counts.
    choice, sampling, mode: None takes the last choice, the model's own sampling and its mode. lang: of the answer; None takes the question's.
    thinking: None leaves it to the sampling. temporary: the conversation is one of services.temporary, and nothing of it is stored.
    Raises BadQuestion, BadInput (an answer is under way in this conversation, the model has no such mode, a value out of its range),
    ModelNotFound, NotAModel, StoreError, Busy on a hosted site, and NotAllowed for another visitor's conversation, or for a choice of one's own.
    """
    text = prompt.clean_question(text)
    meant = services.words.as_meant(text)
    if template not in prompt.TEMPLATES:
        raise BadInput("template_unknown", found=template, known=", ".join(prompt.TEMPLATES))
    if choice or mode:
        administrators_only(who)
    choice, mode, sampling = settled(services, choice, mode, sampling)
    given = conversation_id or question_id
    owner = chats.check_may_ask(services.db, who, conversation_id, question_id=question_id) if given else owner_of(who)
    if given and undo.is_away(services.db, who, conversation_id):
        conversation_id, question_id, owner = "", "", owner_of(who)
    admit(services, who, address)
    conversation_id = conversation_id or chats.start_conversation(services.db, who, session=session)
    question = Question(
        text=text,
        meant=meant,
        who=who,
        id=question_id or new_id(),
        conversation_id=conversation_id,
        owner=owner,
        lang=said_again.heard(meant).language or lang or services.words.language(meant),
        choice=choice,
        sampling=sampling if thinking is None else replace(sampling, thinking=thinking),
        template=template,
        mode=mode,
        knowledge=knowledge,
        session=who.id or session,
        turns=tuple(turns),
    )
    answer = Answer(services, question)
    with services.answers_lock:
        if other := services.answers.get(conversation_id):
            raise BadInput("still_answering") if is_theirs(other.question.owner, who) else NotAllowed("not_yours")
        services.answers[conversation_id] = answer
    try:
        services.keep_question(question, temporary=temporary, again=bool(question_id))
    except BaseException:
        services.answers.pop(conversation_id, None)
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
        """waiting_knowledge, searching, queued, loading, reading, thinking, writing or done."""
        self.phase_values: dict[str, float] = {}
        """position and until (queued; monotonic, past where no time was measured), fraction (loading), done and total (reading)."""
        self.finish: Finish | None = None
        """None while it is written."""
        self.error: KdrinksError | None = None
        self.findings = NOTHING_FOUND
        self.mode = question.mode
        self.guard = "off"
        self.identity = ""
        """Of the generation; "" where no model wrote, or a part of it is not known."""
        self.draft = Draft()
        self.citations: tuple[Citation, ...] = ()
        self.unsupported: tuple[claims.Span, ...] = ()
        """Sentences of a free model's text with a figure or name that no passage of its prompt holds."""
        self.also_found: tuple[Citation, ...] = ()
        """What the model read and did not name."""
        self.unknown_numbers: tuple[claims.Span, ...] = ()
        """Places of numbers that no passage has."""
        self.own_from: int | None = None
        """Where the text begins that a model wrote freely; None before it does."""
        self.dropped_turns = 0
        self.loaded: Loaded | None = None
        """None when no model ran: there was nothing for it to say, or loading failed."""
        self.timing = Timing()
        self.wait_s: float | None = None
        """From asking to the first text that a person sees, queue and loading included; None while there is none."""
        self.stopped = False  # by a person
        self._services = services
        self._asked_at = time.monotonic()
        self._halt = threading.Event()  # to write no further: a person stopped, or the guard has seen enough
        self._changed = threading.Condition()
        self._built = prompt.Prompt([], (), (), 0, 0)
        """What the answer rests on; without messages while no model was asked."""
        self._gate: guard.Guard | None = None

    @property
    def text(self) -> str:
        """What is written so far."""
        return self.draft.text

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
        An interval without text yields "" so that a reader can show the phase."""
        return self.draft.pieces(self.wait, every_s)

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
                self._services.metrics.answered(self, finish)
                with self._changed:
                    self.phase, self.phase_values, self.finish = "done", {}, finish
                    self._changed.notify_all()

    def _answer(self) -> Finish:
        """The chain, step by step."""
        services, question = self._services, self.question
        model = catalog.describe_ref(question.choice.model, services.settings)
        before = services.hashes_of(question.choice.model)  # known when it is written, unless the file is large and new
        stored = services.said_before(question.conversation_id)
        turns = [*question.turns, *(prompt.turn_of(asked) for asked in stored if asked.question_id != question.id)]
        turns = [replace(turn, question=services.words.as_meant(turn.question)) for turn in turns]

        # 1) What does the knowledge base say?
        findings = self.findings = self._find([turn.question for turn in turns])
        if self.stopped:
            return "stopped"
        passages = [hit.passage for hit in findings.prompt_hits]
        # what was left out no model may bring in again, and what was named it may not speak of
        mode = self.mode = "held" if findings.exclusions or findings.under else question.mode
        if mode != "free" or findings.sensitive:  # said as they are given; a free model finds the sentence itself
            passages = services.knowledge.excerpts(question.meant, passages)

        # 2) What needs no model is said as it is, whatever model: what could hurt somebody, a list, what leaves nothing to choose
        notes = question.knowledge or bool(passages)
        if said := outright.outright(question.lang, findings, passages, mode=mode, knowledge=notes):
            return self._say(said)
        if mode == "held" and not notes:
            return self._say(outright.without_notes(question.lang, built_in=model.id == catalog.BUILT_IN))

        # 3) Where a model may speak for itself the passage that answers may stand before it
        quoted = 0
        if mode == "quote" and notes:
            text, quoted = outright.first_quoted(findings.intent, question.lang, passages)
            self._show(text)
            self._cite(passages[:quoted], quoted=quoted)

        # 4) The model says it; its prompt is built once the queue and the loader are done, with its own tokenizer
        earlier = [turn for turn in turns if turn.answer and not model.small]

        def build(count: Callable[[list[Message]], int], context_tokens: int) -> list[Message]:
            built = self._built = prompt.build(
                question.meant,
                passages,
                earlier,
                count=count,
                budget_tokens=prompt.room_tokens(context_tokens, question.sampling.max_tokens),
                lang=services.words.language(turns[0].question) if earlier else question.lang,
                template=question.template,
                free=mode != "held",
                notes=notes,
            )
            outright.check_read(passages, built.passages, mode)
            self.dropped_turns = built.dropped_turns
            self._gate = guard.Guard(findings.intent, question.lang, built.passages) if mode == "held" else None
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
        try:
            with closing(events):
                for event in events:
                    match event:
                        case Queued(position, left_s):
                            self._queued(position, left_s)
                        case Loading(fraction):
                            self._phase("loading", fraction=fraction)
                        case Reading(done_tokens, prompt_tokens):
                            self._phase("reading", done=done_tokens, total=prompt_tokens)
                        case Thought(text):
                            self._phase("thinking")
                            self.draft.think(text)
                        case Rethought():
                            self.draft.take_back(self.own_from or 0)
                            self.wait_s = self.wait_s if quoted else None
                        case Text(text) if self._gate:
                            self._show(self._gate.feed(text))
                            if self._gate.outcome != "kept":
                                self._halt.set()
                        case Text(text):
                            self._show_own(text)
                        case Done(finish, timing, loaded, corrections) as done:
                            self.draft.cut(done.taken_back)
                            self.loaded = loaded if loaded.used else None
                            hashes = before, services.hashes_of(question.choice.model)
                            sentences = self._gate.sentences() if self._gate else None
                            self.identity = identity.of(
                                question, findings, mode, loaded, done.prompt_hash, sentences, hashes
                            )
                            waited_s, retrieve_s = self.timing.queue_s + timing.queue_s, self.timing.retrieve_s
                            self.timing = replace(timing, queue_s=waited_s, retrieve_s=retrieve_s)
        except (outright.TooLittleRead, ContextTooSmall):
            if not passages:
                raise
            return self._say(outright.all_quoted(question.lang, findings, passages, shown=quoted))

        # 5) What the guard kept back or replaces, and which passages the answer rests on
        built = self._built
        if gate := self._gate:
            if not self.stopped:
                self._show(gate.finish())
                finish = "stop"
            self.guard = "repaired" if gate.outcome == "kept" and corrections else gate.outcome
            self._cite(built.passages)
        else:
            self.guard = "no_notes" if not notes else "quote_first" if quoted else "off"
            own_from = len(self.text) if self.own_from is None else self.own_from
            if notes:
                nouns = services.words.proper_nouns
                self.unsupported = claims.unsupported_claims(self.text, built.read, nouns, since=own_from)
            self._cite([*passages[:quoted], *built.passages[quoted:]], quoted=quoted, own_from=own_from)
        if not self.stopped:
            self._show(caution.under(findings) if notes else caution.not_reviewed(question.lang, findings))
        return finish

    def _say(self, said: outright.Outright) -> Finish:
        """An answer that no model writes."""
        self._built = replace(self._built, messages=[], passages=said.passages)
        self._gate = said.gate
        self.guard = said.guard
        self._show(said.text)
        self._cite(said.passages, quoted=len(said.passages) if said.guard == "quoted" else 0)
        return "stop"

    def _find(self, history: Sequence[str]) -> Findings:
        """What the knowledge base holds on the question; where it is not to be asked, only what must be quoted."""
        knowledge = self._services.knowledge
        if not knowledge.ready.is_set():
            self._phase("waiting_knowledge")
            knowledge.fill()
        came_at = time.monotonic()
        with self._services.searches.turn(self.question.session, self._halt, self._queued) as came:
            if not came:
                return NOTHING_FOUND
            self._phase("searching")
            began = time.monotonic()
            db, conversation_id = self._services.db, self.question.conversation_id
            lifted = exclusions.lifted(db, self.question.who, conversation_id)
            found = knowledge.find(self.question.meant, history=history, lang=self.question.lang, lifted=lifted)
            exclusions.hold_again(db, conversation_id, lifted.intersection(found.exclusions))
            self.timing = replace(self.timing, queue_s=began - came_at, retrieve_s=time.monotonic() - began)
        # without the notes, too, it must be known what is asked, and what must be said or left out
        if self.question.knowledge or found.sensitive or found.narrowed:
            return found
        return replace(NOTHING_FOUND, intent=found.intent, concerns=found.concerns, data_version=found.data_version)

    def _cite(self, passages: Sequence[Passage], *, quoted: int = 0, own_from: int | None = None) -> None:
        """Which of the numbered passages the answer rests on; quoted and own_from as citations.cited has them."""
        scores = {hit.passage.id: hit.score for hit in self.findings.prompt_hits}
        found = citations.cited(self.text, passages, scores, quoted=quoted, own_from=own_from)
        self.citations, self.also_found, self.unknown_numbers = found.citations, found.also_found, found.unknown

    def _show_own(self, text: str) -> None:
        """What a model wrote freely, below what was quoted before it."""
        if self.own_from is None:
            self._show("\n\n" if self.text else "")
            self.own_from = len(self.text)
        self._show(text)

    def _show(self, text: str) -> None:
        if text:
            self.wait_s = self.wait_s or time.monotonic() - self._asked_at
            self.phase, self.phase_values = "writing", {}
            self.draft.add(text)

    def _queued(self, position: int, left_s: float | None) -> None:
        self._phase("queued", position=position, until=time.monotonic() + (left_s or 0.0))

    def _phase(self, phase: str, **values: float) -> None:
        self.phase, self.phase_values = phase, values

    def _record(self, finish: Finish) -> None:
        """Store the answer with its words; what it quotes from passages is not counted as the model's."""
        question, words = self.question, self._services.words
        kept = trace.exchange(
            self,
            finish,
            self._built,
            self._gate,
            question_terms=words.search_terms(question.meant, question.lang),
            question_words=words.count(question.text),
            answer_words=words.count(recount.own_text(self.text)),
        )
        self._services.keep_answer(replace(kept, analyser=analyzer.VERSION))
