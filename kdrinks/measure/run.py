"""Runs of question sets beside everything else: a job that asks one question after the other, and what pages read of it.

Each answer is stored when it is there; a run that was paused or killed goes on with the questions that have none. It is asked of services
with a store in memory beside the running ones: the same knowledge, words and engine, and nobody's conversations, words or timings see it.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from kdrinks.answer import Answer, ask
from kdrinks.engine.protocol import Stopped, local_model
from kdrinks.errors import BadInput, BadQuestion, ContextTooSmall, EngineDied
from kdrinks.generation import prompt
from kdrinks.hub import catalog, model_hash
from kdrinks.jobs import Cancelled, Job
from kdrinks.measure import evaluate, judge, question_set
from kdrinks.measure.compare import files_of, put_back
from kdrinks.measure.judge import VERDICTS, Verdict
from kdrinks.measure.no_model import ReadOut
from kdrinks.measure.question_set import QuestionSet
from kdrinks.permissions import administrators_only, owner_of
from kdrinks.records import ADMINISTRATOR, Adapter, Choice, Sampling, Visitor
from kdrinks.services import Services, find_ref
from kdrinks.store import evaluations as store
from kdrinks.store.db import Database
from kdrinks.store.evaluations import Run, Setting

KIND = "evaluate"
NO_MODEL = Setting(model="")
"""The first row of every table: the script read out (no_model)."""
SESSION = "evaluation"
"""Whose turn a run takes in the engine's queue: a person who chats meanwhile waits for one answer of it at most."""
ONE_ANSWER = (EngineDied, ContextTooSmall, BadQuestion)
"""What costs one answer, counted as a bad one; any other error ends a run, which can go on when its reason is gone."""


class Asking:
    """Asks under one setting, of services beside the running ones. Close it."""

    def __init__(self, services: Services, setting: Setting) -> None:
        """Raises BadInput for an unknown template, ModelNotFound, NotAModel."""
        self.choice = choice_of(services, setting)
        self.setting = setting
        self.sampling = Sampling(temperature=setting.temperature, seed=setting.seed)
        db = Database.open(None)
        engine = services.engine if setting.model else ReadOut()
        self.beside = Services(services.settings, db, services.words, services.knowledge, engine)

    def take_hashes(self, job: Job[Any] | None = None) -> None:
        """Know the model's files by their content, so that rows can be compared by the identity of their generations."""
        for path in files_of(self.choice) if self.setting.model else ():
            model_hash.take(self.beside.db, path, lambda done, of: job.check() if job else None)

    def __call__(self, question: str, conversation_id: str, job: Job[Any] | None = None) -> Answer:
        """The finished answer. Raises its error unless that is ONE_ANSWER's, and Cancelled within a token."""
        answer = ask(
            self.beside,
            ADMINISTRATOR,
            question,
            conversation_id=conversation_id,
            choice=self.choice,
            sampling=self.sampling,
            template=self.setting.template,
            session=SESSION,
        )
        if job:
            with job.when_stopped(answer.stop):
                answer.wait()
            job.check()
        answer.wait()
        if answer.error and not isinstance(answer.error, ONE_ANSWER):
            raise answer.error
        return answer

    def close(self) -> None:
        self.beside.jobs.close()
        self.beside.db.close()


class Evaluation:
    """The work of one run. Every attribute may be read from any thread."""

    def __init__(
        self, services: Services, who: Visitor, asked: QuestionSet, setting: Setting, *, run_id: str = ""
    ) -> None:
        """run_id: of a stored run that goes on; empty stores a new one. Raises NotAllowed, BadInput, ModelNotFound, NotAModel, StoreError."""
        administrators_only(who)
        choice_of(services, setting)
        self.who = who
        self.asked = asked
        self.setting = setting
        self.done = 0
        """Questions answered, of len(asked.questions)."""
        self.run_id = run_id or store.begin(
            services.db,
            who,
            question_set=asked.name,
            set_hash=asked.hash,
            sealed=asked.sealed,
            questions=len(asked.questions),
            setting=setting,
        )
        self._services = services

    def __call__(self, job: Job[Any]) -> None:
        """Asks what has no answer yet. Raises Cancelled within a token, ModelError, StoreError; what is answered stays stored."""
        services, questions = self._services, self.asked.questions
        with job.turn():
            done = {one.question_id for one in store.answers(services.db, self.who, self.run_id)}
            self._count(job, len(done))
            before = services.engine.state.choice
            try:
                with closing(Asking(services, self.setting)) as asking:
                    asking.take_hashes(job)
                    for number, question in enumerate(questions, 1):
                        if question["id"] not in done:
                            job.check()
                            self._answer(job, asking, number, question)
                            self._count(job, self.done + 1)
            except Stopped:
                raise Cancelled from None
            finally:
                if self.setting.model and not job.closing:
                    put_back(services.engine, before)

    def _answer(self, job: Job[Any], asking: Asking, number: int, question: Mapping[str, Any]) -> None:
        last: list[Answer] = []

        def answered(text: str, conversation_id: str) -> Answer:
            last[:] = [asking(text, conversation_id, job)]
            return last[0]

        find, words = self._services.knowledge.find, self._services.words
        row = evaluate.measured(self.asked, question, find=find, ask=answered, words=words)
        left_out = ("answer", "question") if self.asked.sealed else ("answer",)
        store.record(
            self._services.db,
            self.run_id,
            question["id"],
            number,
            answer=row["answer"],
            measured={name: value for name, value in row.items() if name not in left_out},
            trace=last[0].trace(),
        )

    def _count(self, job: Job[Any], done: int) -> None:
        self.done = done
        total = len(self.asked.questions)
        job.report("asking", done / total, done=done, total=total)


def choice_of(services: Services, setting: Setting) -> Choice:
    """The model of a setting with its adapter; without a model the built-in one, whose script is read out.

    Raises BadInput for an unknown template, ModelNotFound, NotAModel.
    """
    if setting.template not in prompt.TEMPLATES:
        raise BadInput("template_unknown", found=setting.template, known=", ".join(prompt.TEMPLATES))
    choice = Choice(find_ref(services, setting.model or catalog.BUILT_IN))
    if setting.adapter and setting.model:
        over = Adapter(Path(setting.adapter), setting.scale)
        choice = replace(choice, model=replace(local_model(choice.model), adapter=over))
    catalog.describe_ref(choice.model, services.settings)
    return choice


def start(services: Services, who: Visitor, asked: QuestionSet, setting: Setting) -> Job[Evaluation]:
    """Run a set in the background; runs wait for one another. The run's id is job.work.run_id. Raises as Evaluation does."""
    return _start(services, who, Evaluation(services, who, asked, setting))


def resume(services: Services, who: Visitor, run_id: str) -> Job[Evaluation]:
    """Let a run go on that was paused, failed or cut by the end of the app; the job under way where it is one.

    Raises NotAllowed, BadInput (no such run, or no set with its questions any more), and as Evaluation does.
    """
    administrators_only(who)
    run = _run(services, who, run_id)
    asked = question_set.by_hash(services.settings, run.set_hash)
    if asked is None:
        raise BadInput("set_gone", name=run.question_set)
    return _start(services, who, Evaluation(services, who, asked, run.setting, run_id=run_id))


def unfinished(services: Services, who: Visitor) -> list[Run]:
    """Runs with questions that have no answer, and no job that is at them: to be resumed or forgotten. Raises NotAllowed."""
    at_work = {job.key for job in services.jobs.of(KIND) if job.running or job.phase == "paused"}
    return [run for run in store.runs(services.db, who) if not run.finished and run.id not in at_work]


def rows(services: Services, who: Visitor, run_id: str) -> list[dict[str, Any]]:
    """A row for each answer in the set's order: what `evaluate --json` has of it, number, and verdict (None: nobody judged).

    `good` is a person's where one judged. Of a sealed set id, lang, kind, cluster and measures alone, until its file says that it was
    opened. Raises NotAllowed, BadInput for no such run.
    """
    administrators_only(who)
    run = _run(services, who, run_id)
    found = _rows(services, who, run)
    if not run.sealed:
        return found
    asked = question_set.by_hash(services.settings, run.set_hash)
    if asked is None or asked.sealed:
        return [evaluate.sealed_row(run.set_hash, row) for row in found]
    texts = {one["id"]: one["question"] for one in asked.questions}
    return [row | {"question": texts[row["id"]]} for row in found]


def hidden(services: Services, run: Run) -> bool:
    """Whether nothing but measures may be shown of a run: its set was sealed, and its file does not say that it was opened since."""
    if not run.sealed:
        return False
    asked = question_set.by_hash(services.settings, run.set_hash)
    return asked is None or asked.sealed


def trace(services: Services, who: Visitor, run_id: str, question_id: str) -> dict[str, Any]:
    """How one answer came to be; {} where that is not known or must not be shown. Raises NotAllowed, BadInput for no such run."""
    administrators_only(who)
    if hidden(services, _run(services, who, run_id)):
        return {}
    return store.trace(services.db, who, run_id, question_id)


def export(services: Services, who: Visitor, run_id: str) -> dict[str, Any]:
    """A run as the document of `evaluate --json`, verdicts counted. Raises NotAllowed, BadInput for no such run."""
    administrators_only(who)
    run = _run(services, who, run_id)
    asked = question_set.by_hash(services.settings, run.set_hash)
    about: dict[str, Any] = {"name": run.question_set, "hash": run.set_hash}
    about |= question_set.about(asked) if asked else {}
    about["sealed"] = hidden(services, run)
    found = _rows(services, who, run) if about["sealed"] else rows(services, who, run_id)
    return evaluate.document(found, about, answered=True) | {"setting": run.setting.named()}


def table(services: Services, who: Visitor) -> list[tuple[Run, dict[str, Any]]]:
    """Every run with its figures (evaluate.figures), those without a model first, then the latest first. Raises NotAllowed."""
    administrators_only(who)
    found = store.runs(services.db, who)
    return [(run, evaluate.figures(_rows(services, who, run), answered=True)) for run in found]


def judge_by_hand(services: Services, who: Visitor, run_id: str, question_id: str, verdict: Verdict) -> None:
    """Keep what a person says of an answer that they read; the latest counts, in `good` and in every comparison.

    Raises NotAllowed, BadInput (no such run, answer or verdict, or the set is sealed: nobody can have read it), StoreError.
    """
    administrators_only(who)
    if verdict not in VERDICTS:
        raise BadInput("verdict_unknown", found=verdict, known=", ".join(VERDICTS))
    run = _run(services, who, run_id)
    if hidden(services, run):
        raise BadInput("set_sealed", name=run.question_set)
    if all(one.question_id != question_id for one in store.answers(services.db, who, run_id)):
        raise BadInput("run_unknown", found=question_id[:80])
    store.judge(services.db, who, run_id, question_id, verdict)


def forget(services: Services, who: Visitor, run_id: str) -> None:
    """Delete a run with its answers and verdicts; one that is under way ends first. Raises NotAllowed, StoreError."""
    administrators_only(who)
    for job in services.jobs.of(KIND):
        if job.key == run_id:
            services.jobs.cancel(who, job)
            job.wait()
            services.jobs.dismiss(who, job)
    store.forget(services.db, who, run_id)


def open_set(services: Services, who: Visitor, asked: QuestionSet, note: str) -> QuestionSet:
    """Open a sealed set for good, which its file records with the visitor and the note. Raises NotAllowed, BadInput, StoreNotWritable."""
    administrators_only(who)
    return question_set.open_set(asked.path, who.id or "administrator", note)


def _start(services: Services, who: Visitor, work: Evaluation) -> Job[Evaluation]:
    subject = f"{work.asked.name}: {work.setting.named()['model'] or 'no model'}"
    # what is answered stays: a cancelled run can be resumed, and is deleted by forget() alone
    return services.jobs.start(KIND, work, subject=subject, key=work.run_id, owner=owner_of(who), discard=lambda: None)


def _run(services: Services, who: Visitor, run_id: str) -> Run:
    found = store.runs(services.db, who, run_id)
    if not found:
        raise BadInput("run_unknown", found=str(run_id)[:80])
    return found[0]


def _rows(services: Services, who: Visitor, run: Run) -> list[dict[str, Any]]:
    """Whole rows, of a sealed set too, which are stored without their questions."""
    found = []
    for one in store.answers(services.db, who, run.id):
        row = {**one.measured, "answer": one.answer, "number": one.number, "verdict": one.verdict}
        if one.verdict in VERDICTS:
            row["good"] = judge.good_by_hand(one.verdict, row["kind"])
        found.append(row)
    return found
